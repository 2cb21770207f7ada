"""The report in a browser, from disk: pages, languages, schemes, sorting, filters, links, keys."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from lmms_eval_ja.compare.compared import Overall
from lmms_eval_ja.compare.report import write_report
from support.browser import watched
from support.made_report import Size, made_compared, made_results

pytestmark = pytest.mark.slow
PAGES = ("leaderboard", "categories", "differences", "length", "judges", "benchmarks", "training", "samples")
CHARTS = {"categories": 2, "length": 5, "training": 1}


def rows(seen, selector=".leaderboard tbody tr"):
    return seen.page.locator(selector).all_inner_texts()


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ja-JP", "dark")])
def test_every_page_opens_from_disk_without_a_complaint_or_a_request_elsewhere(chromium, page_file, language, scheme):
    with watched(chromium, language=language, scheme=scheme) as seen:
        seen.open(page_file)
        for name in PAGES:
            seen.go(f"#/{name}")
            assert seen.page.get_attribute("nav a[aria-current]", "data-page") == name
            seen.charts(CHARTS.get(name, 0))
            assert len(seen.page.inner_text("main")) > 100
            assert not seen.page.locator(".problem").count()
        assert seen.page.get_attribute("html", "lang") == language[:2]
        assert seen.page.get_attribute("html", "data-theme") == scheme
        assert bool(re.search("[ぁ-ん]", seen.page.inner_text("nav"))) is (language != "en")
        ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) is (scheme == "dark")
        assert seen.complaints == []
        assert seen.elsewhere == []


def test_language_and_scheme_are_switched_and_kept(seen):
    seen.page.get_by_role("button", name="日本語").click()
    assert "リーダーボード" in seen.page.inner_text("nav")
    seen.page.get_by_role("button", name="ダーク").click()
    seen.page.reload()
    seen.ready()
    assert seen.page.get_attribute("html", "lang") == "ja"
    assert seen.page.get_attribute("html", "data-theme") == "dark"


def test_the_leaderboard_sorts_by_any_column_and_what_is_not_ranked_comes_last(seen):
    assert rows(seen)[0].startswith("Made VLM 6B")  # by mean rank
    button = seen.page.locator(".leaderboard thead tr:last-child button", has_text="Overall").first
    for _ in range(2):
        button.click()
        head = seen.page.locator(".leaderboard th[aria-sort]")
        assert head.get_attribute("aria-sort") in {"ascending", "descending"}
        # The second model is contaminated in the first task.
        assert rows(seen)[-1].startswith("Made VLM 2B")
    assert "sort=made_task_00%3Aoverall" in seen.page.url
    texts = seen.page.locator(".leaderboard tbody tr td:nth-child(3) .value").all_inner_texts()
    first = [float(text.split()[0]) for text in texts]
    assert first[:-1] == sorted(first[:-1])
    seen.page.reload()
    seen.ready()
    assert rows(seen)[-1].startswith("Made VLM 2B")


def test_a_dashed_cell_gives_its_reason_on_hover_on_tap_and_in_the_legend(seen):
    cell = seen.page.locator(".leaderboard td.dashed")
    assert cell.count() == 1
    cell.hover()
    assert "trained on the pictures" in seen.page.inner_text("#tip")
    seen.page.mouse.move(5, 5)
    assert not seen.page.is_visible("#tip")
    cell.focus()
    assert seen.page.is_visible("#tip")
    seen.page.keyboard.press("Escape")
    assert not seen.page.is_visible("#tip")
    assert "trained on the pictures" in seen.page.inner_text(".legend")


def test_a_remark_on_a_model_as_a_whole_stands_at_its_name_in_the_readers_language(seen):
    seen.page.get_by_role("button", name="日本語").click()
    name = seen.page.locator("th.model", has_text="Made VLM 3B")
    assert name.locator("sup").inner_text() == "a"
    name.hover()
    assert "元データの別の部分で学習" in seen.page.inner_text("#tip")
    assert "同種のデータ" in seen.page.inner_text(".legend")


def test_models_are_filtered_by_name_and_by_size_and_the_address_reproduces_it(seen, page_file):
    seen.page.get_by_label("Filter").fill("vlm 3")
    seen.page.wait_for_selector("text=1 of 6 models")
    seen.page.get_by_label("Filter").fill("")
    seen.page.get_by_label("Size from (B)").fill("5")
    seen.page.wait_for_selector("text=2 of 6 models")
    address = seen.page.url.partition("#")[2]
    seen.page.goto("about:blank")
    seen.open(page_file, f"#{address}")
    assert [row.split("\n")[0] for row in rows(seen)] == ["Made VLM 6B", "Made VLM 5B"]


def test_all_metrics_are_shown_when_asked_for(seen):
    assert seen.page.locator(".leaderboard thead tr:last-child th").count() == 3 + 5
    seen.page.get_by_label("Columns").select_option("all")
    # Five metrics for each of three tasks.
    seen.page.wait_for_function("() => document.querySelectorAll('.leaderboard thead tr:last-child th').length === 20")
    seen.page.get_by_role("button", name="Rank", exact=True).click()
    assert "–" in seen.page.locator(".leaderboard td.score .under").nth(5).inner_text()


def test_published_figures_stand_apart_with_their_protocol(seen):
    block = seen.page.locator("section.published")
    assert "a judge that is retired" in block.inner_text()
    assert "GPT-4o" not in seen.page.locator("table.leaderboard").inner_text()
    block.locator("td.dashed").hover()
    assert "contaminated" in seen.page.inner_text("#tip")


def test_the_difference_matrix_marks_what_is_significant(seen):
    seen.go("#/differences/made_task_01")
    matrix = seen.page.locator("table.matrix")
    assert matrix.locator("tbody tr").count() == 6
    first = [text for text in matrix.locator("tbody tr").first.locator("td").all_inner_texts() if text]
    assert all(text.startswith("+") for text in first)  # the best model is first
    better = matrix.locator("tbody tr").first.locator("td.significant.better")
    assert better.count() >= 1
    better.last.hover()
    assert "significant" in seen.page.inner_text("#tip")
    assert "p, corrected" in seen.page.inner_text("#tip")
    # Each pair stands twice, with opposite signs.
    texts = [row.locator("td").all_inner_texts() for row in matrix.locator("tbody tr").all()]
    assert all(texts[i][j].lstrip("+−") == texts[j][i].lstrip("+−") for i in range(6) for j in range(6) if i != j)


def test_what_is_not_ranked_comes_last_and_has_its_mark_wherever_it_is_shown(seen):
    """The second model is contaminated in the first task."""
    for address in ("#/differences/made_task_00", "#/differences/made_task_00/conv"):
        seen.go(address)
        places = seen.page.locator("table.matrix tbody tr .place").all_inner_texts()
        assert places == ["1", "2", "3", "4", "5", "–"]
        last = seen.page.locator("table.matrix tbody tr").last.locator("th")
        assert "Made VLM 2B" in last.inner_text()
        assert last.locator("sup").inner_text() == "†"
        assert seen.page.locator("table.matrix thead th").last.inner_text().startswith("†")
    seen.go("#/length/made_task_00")
    seen.charts(5)
    assert "Made VLM 2B†" in seen.page.locator("main svg").first.inner_html()
    assert "Made VLM 3B†" not in seen.page.locator("main svg").first.inner_html()
    seen.go("#/categories/made_task_00?models=0.1.2")
    seen.charts(2)
    legend = seen.page.locator("main svg").last.locator(".role-legend-label text").all_text_contents()
    assert legend == ["Made VLM 1B", "Made VLM 3B", "Made VLM 2B†"]


def test_a_model_in_few_tasks_does_not_head_the_leaderboard(chromium, tmp_path):
    size = Size(models=3, tasks=2, documents=9, pictures=0)
    results = made_results(size, tmp_path)
    names = list(results.models)
    overall = [
        Overall(names[0], 1.0, 1.0, 1.0, 1),
        Overall(names[1], 2.0, 1.0, 3.0, 2),
        Overall(names[2], 1.5, 1, 2, 2),
    ]
    compared = replace(made_compared(results, size), overall=overall)
    page = write_report(results, compared, [], tmp_path / "report")
    with watched(chromium) as seen:
        seen.open(page)
        assert [row.split("\n")[0] for row in rows(seen)] == ["Made VLM 3Ba", "Made VLM 2B", "Made VLM 1B"]
        assert "1/2" in seen.page.locator(".leaderboard tbody tr").last.locator("td").first.inner_text()
        seen.go("#/categories")
        legend = seen.page.locator("main svg").last.locator(".role-legend-label text")
        legend.first.wait_for()
        assert legend.first.text_content() == "Made VLM 3B"
        assert seen.complaints == []


def test_a_link_to_a_sample_shows_it_with_its_filters(chromium, page_file):
    with watched(chromium) as seen:
        seen.open(page_file, "#/samples/made_task_02/77?category=complex&sort=spread&q=質問7&by=rouge_l_ja&models=0.5")
        seen.page.wait_for_selector(".detail[data-shown='77']")
        assert "質問77" in seen.page.inner_text(".detail .question")
        assert seen.page.locator(".detail mark").first.inner_text() == "質問7"
        assert seen.page.locator(".detail .answer").count() == 2
        # 質問7 and 質問70 to 質問79; every third document is `complex`: 71, 74 and 77.
        seen.page.wait_for_selector("text=3 of 120 samples")
        selected = seen.page.locator(".virtual [aria-selected=true]")
        assert selected.inner_text().startswith("#77")
        assert seen.page.get_by_label("Category").input_value() == "complex"
        assert seen.page.get_by_label("Order").input_value() == "spread"
        assert seen.complaints == []


def test_samples_are_walked_by_keys_and_the_list_holds_few_rows(seen):
    seen.go("#/samples/made_task_00")
    seen.page.wait_for_selector(".detail[data-shown='0']")
    assert seen.page.locator(".virtual .row").count() < 40
    seen.page.keyboard.press("j")
    seen.page.wait_for_selector(".detail[data-shown='1']")
    seen.page.locator(".virtual").focus()
    seen.page.keyboard.press("End")
    seen.page.wait_for_selector(".detail[data-shown='119']")
    assert "/made_task_00/119" in seen.page.url
    seen.page.keyboard.press("k")
    seen.page.wait_for_selector(".detail[data-shown='118']")
    seen.page.keyboard.press("/")
    assert seen.page.evaluate("document.activeElement.type") == "search"


def test_samples_are_filtered_by_failure_score_disagreement_and_text_of_answers(seen):
    seen.go("#/samples/made_task_00")
    seen.page.get_by_text("More filters").click()
    seen.page.get_by_label("Failures").select_option("judge")
    count = seen.page.locator("aside .hint").first
    seen.page.wait_for_function("() => !document.querySelector('aside').innerText.startsWith('120 of')")
    failed = int(count.inner_text().split()[0])
    assert 0 <= failed < 20  # 0.4 % of 720 answers
    seen.page.get_by_label("Failures").select_option("")
    seen.page.get_by_label("Disagreement from").fill("100")
    seen.page.wait_for_selector("text=No sample fits.")
    seen.page.get_by_label("Disagreement from").fill("")
    seen.page.get_by_label("Score from").fill("1")
    seen.page.get_by_label("Search", exact=True).fill("地図を広げて")
    seen.page.wait_for_selector("[data-searched='地図を広げて']")
    few = int(count.inner_text().split()[0])
    seen.page.get_by_label("In", exact=True).select_option("answers")
    seen.page.wait_for_function("few => parseInt(document.querySelector('aside').innerText) > few", arg=few)
    assert few == 0


def test_the_picture_is_small_until_it_is_pressed(seen):
    seen.go("#/samples/made_task_00/3")
    button = seen.page.locator(".picture")
    assert "images/small/" in button.locator("img").get_attribute("src")
    assert not [url for url in seen.requests if "images/full" in url]
    button.click()
    assert "images/full/" in button.locator("img").get_attribute("src")
    seen.page.wait_for_function("() => document.querySelector('.picture img').naturalWidth === 640")


def test_it_is_readable_on_a_phone(chromium, page_file):
    with watched(chromium, viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True) as seen:
        seen.open(page_file)
        for name in PAGES:
            seen.go(f"#/{name}")
            # Tables and charts scroll in themselves, the page does not.
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390, name
        seen.go("#/leaderboard")
        seen.page.locator(".leaderboard td.dashed").tap()
        assert "trained on the pictures" in seen.page.inner_text("#tip")


def test_everything_has_a_name_for_those_who_hear_the_page(seen):
    for name in PAGES:
        seen.go(f"#/{name}")
        nameless = seen.page.evaluate(
            """() => [...document.querySelectorAll('button, input, select, a, img, table, [role=img], [role=region]')]
              .filter((element) => !(element.textContent || element.labels?.length || element.title
                || element.getAttribute('aria-label') || element.getAttribute('alt') !== null
                || element.querySelector('caption, img[alt]')))
              .map((element) => element.outerHTML.slice(0, 120))"""
        )
        assert nameless == [], name


def test_a_missing_file_is_named(chromium, page_file, tmp_path):
    import shutil

    broken = tmp_path / "report"
    shutil.copytree(page_file.parent, broken, ignore=shutil.ignore_patterns("images"))
    (broken / "data" / "answers" / "0-0.js").unlink()
    with watched(chromium) as seen:
        seen.open(broken / "index.html", "#/samples/made_task_00/0")
        seen.page.wait_for_selector(".problem")
        assert "data/answers/0-0.js" in seen.page.inner_text(".problem")
