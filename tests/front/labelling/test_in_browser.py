"""The page in a real browser: a person rates with the keyboard, and nothing is lost."""

from __future__ import annotations

import csv

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.correction import corrected
from lmms_eval_ja.judge_eval import judge_eval
from lmms_eval_ja.labelling.gathering import Wish
from lmms_eval_ja.trusted import read_scores
from support.browser import browser, watched
from support.labelled import HERON, MODELS, WILD

pytestmark = pytest.mark.slow
#: What is pressed for the 12 items, one after the other.
KEYS = "543215432154"


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


def shown(page):
    """The item on the page, once there is another one than `before`."""
    page.wait_for_selector("main[data-ready]")
    return page.get_attribute("main", "data-ready")


def press(page, key):
    """Press a key, and wait until another item is shown."""
    before = shown(page)
    page.keyboard.press(key)
    page.wait_for_function("before => document.querySelector('main').dataset.ready !== before", arg=before)


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_twelve_items_by_the_keyboard_with_a_reload_and_an_undo(chromium, served, results, tmp_path):
    file = tmp_path / "labels.csv"
    with served(Wish(results, tasks=(WILD,)), file) as server, watched(chromium) as seen:
        page = seen.page
        page.goto(server.address)
        page.fill("#rater", "佐藤 <b>")
        page.keyboard.press("Enter")
        page.wait_for_selector("main[data-ready]:not([data-ready='who'])")
        given = {}
        for key in KEYS[:5]:
            given[shown(page)] = key
            press(page, key)
        page.reload()
        page.wait_for_selector("#progress")
        assert "5 of 12" in page.inner_text("#progress")
        assert shown(page) not in given
        # A slip of the finger: taken back, then rated as it should be.
        slipped = shown(page)
        press(page, "1")
        press(page, "u")
        assert shown(page) == slipped
        assert "5 of 12" in page.inner_text("#progress")
        for key in KEYS[5:]:
            given[shown(page)] = key
            press(page, key)
        assert shown(page) == "finished"
        assert "12 of 12" in page.inner_text("#progress")
        content = page.content() + "".join(seen.requests)
        assert not any(model in content for model in MODELS)
        assert [url for url in seen.requests if not url.startswith(server.address)] == []
        assert seen.complaints == []
        mine = {server.session._items[id_]: int(key) for id_, key in given.items()}
    rows = rows_of(file)
    assert {(row["model"], int(row["doc_id"])): int(row["score"]) for row in rows} == {
        (item.names[0], item.doc_id): score for item, score in mine.items()
    }
    assert len(rows) == 12
    assert {row["rater"] for row in rows} == {"佐藤 <b>"}
    scored = read_scores(file)
    assert sorted(one.score for one in scored) == sorted(map(float, KEYS))
    assert {one.image for one in scored} == {"picture-0", "picture-1"}
    judging = typer.Typer()
    judging.command()(judge_eval)
    done = CliRunner().invoke(judging, [str(file), str(results), "--protocol", "vqa_likert"])
    assert done.exit_code == 0, done.output
    by_people = corrected(results, file)
    assert [row.labels for row in by_people.rows] == [4, 4, 4]


def test_references_are_marked_and_two_answers_compared(chromium, served, results, tmp_path):
    file = tmp_path / "references.csv"
    with served(Wish(results, target="references", tasks=(WILD,)), file) as server, watched(chromium) as seen:
        page = seen.page
        page.goto(f"{server.address}?rater=A")
        page.wait_for_selector("#cultural_error")
        marked = server.session._items[shown(page)]
        page.keyboard.press("e")
        page.wait_for_selector("#cultural_error[aria-pressed='true']")
        page.keyboard.press("c")
        page.keyboard.type("お正月ではない")
        page.keyboard.press("Escape")
        press(page, "2")
        assert seen.complaints == []
    (row,) = rows_of(file)
    assert (row["model"], row["cultural_error"], row["score"]) == (marked.names[0], "1", "2")
    assert row["comment"] == "お正月ではない"
    pairs = tmp_path / "pairs.csv"
    wish = Wish(results, target="pairs", tasks=(WILD,), limit=3)
    with served(wish, pairs) as server, watched(chromium, language="ja") as seen:
        page = seen.page
        page.goto(f"{server.address}?rater=A")
        page.wait_for_selector(".sides")
        item = server.session._items[shown(page)]
        left = page.inner_text(".part.answer.left .data")
        press(page, "1")
        press(page, "2")
        press(page, "s")
        assert "2 件を評価済み" in page.inner_text("#progress")
        assert seen.complaints == []
    first = next(row for row in rows_of(pairs) if int(row["doc_id"]) == item.doc_id)
    assert first["preferred"] == first["left"] == item.names[item.texts.index(left)]


#: The page's clock stands still but for what a test sets.
CLOCK = "window.clock = 0; performance.now = () => window.clock;"


def pressed(page, key, path):
    """Press a key, and wait until the server has answered."""
    with page.expect_response(lambda response: f"/api/{path}" in response.url) as answered:
        page.keyboard.press(key)
    assert answered.value.ok


def test_two_pages_of_a_rater_erase_nothing_of_each_other(chromium, served, results, tmp_path):
    file = tmp_path / "references.csv"
    wish = Wish(results, target="references", tasks=(WILD,), limit=4)
    with served(wish, file) as server, watched(chromium) as one, watched(chromium) as two:
        for seen in (one, two):
            seen.page.goto(f"{server.address}?rater=A")
            seen.page.wait_for_selector("#cultural_error")
        item = shown(one.page)
        assert shown(two.page) == item
        press(one.page, "5")
        pressed(two.page, "f", "rate")
        two.page.wait_for_selector("#flag[aria-pressed='true']")
        assert two.page.get_attribute(".choice[data-value='5']", "aria-pressed") == "true"
        press(two.page, "s")
        assert [(row["score"], row["flag"]) for row in rows_of(file)] == [("5", "1")]
        two.page.keyboard.press("p")
        two.page.wait_for_function("before => document.querySelector('main').dataset.ready === before", arg=item)
        two.page.keyboard.press("c")
        two.page.keyboard.type("？")
        pressed(two.page, "Escape", "rate")
        press(one.page, "p")
        press(one.page, "4")
        assert [(row["score"], row["flag"], row["comment"]) for row in rows_of(file)] == [("4", "1", "？")]
        assert one.complaints == two.complaints == []


def test_seconds_are_from_showing_an_item_to_rating_it(chromium, served, results, tmp_path):
    file = tmp_path / "references.csv"
    wish = Wish(results, target="references", tasks=(WILD,), limit=4)
    with served(wish, file) as server, watched(chromium) as seen:
        page = seen.page
        page.add_init_script(CLOCK)
        page.goto(f"{server.address}?rater=A")
        page.wait_for_selector("#cultural_error")
        page.evaluate("window.clock = 3000")
        pressed(page, "e", "rate")
        page.wait_for_selector("#cultural_error[aria-pressed='true']")
        page.click("button.link[lang='ja']")
        page.wait_for_selector("button.link[lang='en']")
        page.evaluate("window.clock = 4000")
        press(page, "2")
        page.evaluate("window.clock = 9000")
        press(page, "p")
        page.evaluate("window.clock = 19000")
        pressed(page, "f", "rate")
        page.wait_for_selector("#flag[aria-pressed='true']")
        press(page, "s")
        assert seen.complaints == []
    (row,) = rows_of(file)
    assert [row[name] for name in ("score", "seconds", "cultural_error", "flag")] == ["2", "4.0", "1", "1"]


def test_undo_reaches_no_other_task_and_no_rater_who_has_left(chromium, served, results, tmp_path):
    file = tmp_path / "labels.csv"
    with served(Wish(results, tasks=(HERON,)), file) as server, watched(chromium) as seen:
        seen.page.goto(f"{server.address}?rater=A")
        press(seen.page, "7")
    with served(Wish(results, tasks=(WILD,)), file) as server, watched(chromium) as seen:
        page = seen.page
        page.goto(f"{server.address}?rater=A")
        shown(page)
        pressed(page, "u", "undo")
        page.wait_for_selector(".problem:not([hidden])")
        assert page.inner_text(".problem") == "There is nothing to undo."
        press(page, "3")
        page.click("header button.link:not([lang])")
        page.wait_for_selector("#rater")
        page.click("h1")
        page.evaluate("document.activeElement.blur()")
        before = len(seen.requests)
        for key in ("u", "Backspace", "1", "ArrowRight"):
            page.keyboard.press(key)
        page.click("button.link[lang='ja']")
        page.wait_for_selector("button.link[lang='en']")
        assert shown(page) == "who"
        assert not any("/api/" in url for url in seen.requests[before:])
        page.fill("#rater", "B")
        page.keyboard.press("Enter")
        page.wait_for_selector("main[data-ready]:not([data-ready='who'])")
        press(page, "2")
        assert seen.complaints == []
    found = {(row["rater"], row["task"], row["score"]) for row in rows_of(file)}
    assert found == {("A", HERON, "7"), ("A", WILD, "3"), ("B", WILD, "2")}
