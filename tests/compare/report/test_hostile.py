"""What a model, a judge or a document says is data: hostile texts are shown as text, and do nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from lmms_eval_ja.compare.compared import Mark
from lmms_eval_ja.compare.report import write_report
from support.browser import watched
from support.made_report import Size, made_compared, made_results

pytestmark = pytest.mark.slow

#: What each would do if it ran: open a dialog, set the global `owned`, or ask a server.
HOSTILE = {
    "script": "<script>window.owned=1;alert(1)</script>",
    "script of another address": '<script src="http://127.0.0.1:9/x.js"></script>',
    "end of script": "</script><script>window.owned=1</script>",
    "end of script within a string": '"});window.owned=1;Report.receive("x",{"a":"',
    "picture with a handler": '<img src=x onerror="window.owned=1;alert(1)">',
    "svg with a handler": "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "frame": '<iframe src="http://127.0.0.1:9/"></iframe>',
    "frame with code": '<iframe srcdoc="<script>parent.owned=1</script>"></iframe>',
    "link with code": '<a href="javascript:window.owned=1">ここを押す</a>',
    "Markdown link with code": "[ここを押す](javascript:alert(1))",
    "Markdown picture": "![追跡](http://127.0.0.1:9/pixel.png?x=1)",
    "Markdown with HTML": "# 見出し\n<details open ontoggle=alert(1)>x</details>",
    "data address": '<object data="data:text/html,<script>alert(1)</script>"></object>',
    "style": "<style>body{display:none}@import 'http://127.0.0.1:9/x.css';</style>",
    "style attribute": '<div style="position:fixed;inset:0;background:url(http://127.0.0.1:9/)">x</div>',
    "base": '<base href="http://127.0.0.1:9/">',
    "refresh": '<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">',
    "form": '<form action="http://127.0.0.1:9/"><button autofocus onfocus=alert(1)>送信</button></form>',
    "comment that stays open": "<!-- <script>",
    "CDATA": "<![CDATA[<script>alert(1)</script>]]>",
    "template": "{{constructor.constructor('window.owned=1')()}} ${window.owned=1} <%= alert(1) %> #{alert(1)}",
    "expression of Vega": "datum.x'+window.alert(1)+'",
    "right to left": "答えは\u202e52\u202cです。\u2067逆\u2069",
    "separators": "一行目\u2028二行目\u2029三行目",
    "null bytes": "前\x00後\x00",
    "ANSI": "\x1b[31m赤\x1b[0m\x1b]0;title\x07",
    "invisible": "見\u200bえ\u2060な\ufeffい\U000e0041\U000e0042",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;",
    "half a pair": "絵文字\\ud83dの半分\ufffd",
    "long line": "長" * 1_000_000,
    "keys of objects": '{"__proto__": {"owned": 1}, "constructor": 1}',
    "combining": "Z" + "\u0335\u0321\u0489" * 40,
}
#: What must be seen of each, where it is not the text itself.
SEEN = {
    "right to left": "答えはRLO52PDFです。RLI逆PDI",
    "separators": "一行目LS二行目PS三行目",
    "null bytes": "前NUL後NUL",
    "ANSI": "ESC[31m赤ESC[0mESC]0;titleBEL",
    "invisible": "見ZWSPえWJなBOMいU+E0041U+E0042",
    "long line": "長" * 1000,
}
NAMES = tuple(HOSTILE)


def hostile_results(folder):
    """Results in which answers, feedback, questions, labels and categories are all hostile."""
    size = Size(models=2, tasks=1, documents=len(HOSTILE), pictures=0)
    results = made_results(size, folder)
    rows = results.answers.to_pylist()
    texts = list(HOSTILE.values())
    for row in rows:
        text = texts[row["doc_id"]]
        row |= {"answer": text, "original_feedback": text[:5000], "original_score": 5.0, "original_failure": None}
        row |= {"original_reason": None, "chars": len(text)}
        if row["model"] == "made-vlm-01":
            row |= {"original_failure": text[:300], "original_reason": text[:300], "original_score": None}
    task = next(iter(results.tasks))
    documents = {
        task: {
            doc_id: replace(
                one,
                question=texts[doc_id][:5000],
                reference=texts[doc_id][:5000],
                context=texts[doc_id][:5000],
                question_id=texts[doc_id][:200],
                category=texts[doc_id % 3][:100],
            )
            for doc_id, one in results.documents[task].items()
        }
    }
    models = {
        name: replace(
            one,
            label=f"{HOSTILE['picture with a handler']} {place}",
            hub=HOSTILE["link with code"],
            licence=HOSTILE["script"],
            failed=HOSTILE["svg with a handler"],
        )
        for place, (name, one) in enumerate(results.models.items())
    }
    changed = replace(
        results,
        title=HOSTILE["end of script"],
        models=models,
        documents=documents,
        answers=pa.Table.from_pylist(rows, schema=results.answers.schema),
    )
    compared = made_compared(results, size)
    compared = replace(
        compared,
        notes=tuple(text[:500] for text in texts),
        title=HOSTILE["end of script"],
        cells=[
            replace(cell, why_not_ranked=HOSTILE["picture with a handler"], ranked=False) for cell in compared.cells
        ],
        marks=[Mark(compared.models[0], task, "mixed", HOSTILE["script"])],
        health=[replace(one, judge=HOSTILE["picture with a handler"]) for one in compared.health],
        curves=[replace(one, series=HOSTILE["expression of Vega"]) for one in compared.curves],
    )
    return changed, compared


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    script = HOSTILE["script"]
    published = [SimpleNamespace(source=script, model=script, task=script, metric=script, value=1.0, note=script)]
    return write_report(*hostile_results(folder), published, folder / "report", sources={script: {script: script}})


#: What no text may have become; Vega puts a form of its own beside each chart.
ACTIVE = "main script, iframe, object, form:not(.vega-bindings), base, style, svg[onload], main [onerror]"


def owned(page):
    return page.evaluate("active => [window.owned, {}.owned, document.querySelectorAll(active).length]", ACTIVE)


def check(seen):
    assert seen.dialogs == []
    assert seen.elsewhere == []
    assert seen.complaints == []  # a policy that had to stop something would complain
    assert owned(seen.page) == [None, None, 0]


def test_there_are_thirty_of_them():
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize("language", ["en", "ja-JP"])
def test_every_page_shows_hostile_names_as_text(chromium, hostile, language):
    with watched(chromium, language=language) as seen:
        seen.open(hostile)
        assert seen.page.inner_text("h1") == HOSTILE["end of script"]
        assert HOSTILE["picture with a handler"] in seen.page.inner_text("table.leaderboard")
        seen.page.locator("th.model").nth(1).hover()
        assert HOSTILE["link with code"] in seen.page.inner_text("#tip")
        check(seen)
        for name in ("categories", "differences", "length", "judges", "benchmarks", "training", "samples"):
            seen.go(f"#/{name}")
            seen.charts({"categories": 2, "length": 2, "training": 1}.get(name, 0))
            for chart in seen.page.locator(".chart[data-drawn]").all():
                chart.hover()
            check(seen)


def test_each_answer_is_inert_and_shown_as_text(chromium, hostile):
    with watched(chromium) as seen:
        seen.open(hostile, "#/samples/made_task_00/0")
        for doc_id, name in enumerate(NAMES):
            seen.go(f"#/samples/made_task_00/{doc_id}?q=&in=answers")
            seen.page.wait_for_selector(f".detail[data-shown='{doc_id}']")
            card = seen.page.locator(".answer").first
            for details in seen.page.locator(".detail details").all():
                details.evaluate("element => { element.open = true }")
            shown = card.locator(".data.text").text_content()
            wanted = SEEN.get(name, HOSTILE[name])
            assert shown.startswith(wanted), name
            assert seen.page.locator(".detail a").count() == 0, name  # no link of a text is one
            assert wanted[:100] in seen.page.locator(".detail .feedback").first.text_content(), name
            check(seen)


def test_text_of_another_direction_turns_nothing_around(chromium, hostile):
    with watched(chromium) as seen:
        doc_id = NAMES.index("right to left")
        seen.open(hostile, f"#/samples/made_task_00/{doc_id}")
        seen.page.wait_for_selector(f".detail[data-shown='{doc_id}']")
        whole = seen.page.evaluate("document.body.textContent")
        assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(whole)
        assert seen.page.locator(".detail .unseen").first.get_attribute("title") == "U+202E"


def test_a_line_of_a_million_characters_is_cut_until_all_is_asked_for(chromium, hostile):
    with watched(chromium) as seen:
        doc_id = NAMES.index("long line")
        seen.open(hostile, f"#/samples/made_task_00/{doc_id}")
        card = seen.page.locator(".answer").first
        button = card.get_by_role("button", name="Show all 1,000,000 characters")
        assert len(card.text_content()) < 10_000
        button.click()
        assert len(card.locator(".data.text").text_content()) == 1_000_000
        assert seen.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        check(seen)


def test_hostile_words_may_be_searched_for(chromium, hostile):
    with watched(chromium) as seen:
        seen.open(hostile, "#/samples/made_task_00")
        for word in ("<script>", "</script>", "(?:", "\\", "%", "#?&=", "\u202e"):
            seen.page.get_by_label("Search", exact=True).fill(word)
            seen.page.wait_for_timeout(250)
            check(seen)


def test_hostile_addresses_show_a_page_or_say_what_is_wrong(chromium, hostile):
    with watched(chromium) as seen:
        seen.open(hostile)
        for address in (
            "#/samples/<img src=x onerror=alert(1)>/1",
            "#/samples/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
            "#/javascript:alert(1)",
            "#/__proto__",
            "#/constructor/toString?by=__proto__&sort=constructor&models=__proto__",
            "#/samples/made_task_00/%E0%A4%A",
            "#/samples/made_task_00/1?by=constructor&model=99&models=999.x&low=1e999&q=%00",
            "#/leaderboard?sort=__proto__&metrics=constructor&under=__proto__",
            "#/differences/__proto__/constructor",
            "#/length/made_task_00?by=constructor",
        ):
            seen.go(address)
            assert seen.page.inner_text("main").strip()
            check(seen)
