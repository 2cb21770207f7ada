"""A browser for the tests of a module, and a made-up report to open."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lmms_eval_ja.compare.report import write_report
from support.browser import browser, watched
from support.made_report import Size, made_compared, made_results, write_pictures_of

SIZE = Size(models=6, tasks=3, documents=120, pictures=8)


# Of a module: while it is open, no other browser can be started in this process, nor an event loop.
@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_pictures_of(SIZE, folder / "documents" / "images")
    results = made_results(SIZE, folder)
    figure = {"source": "A paper", "task": "made_task_00", "metric": "overall"}
    published = [
        SimpleNamespace(**figure, model="GPT-4o", value=87.6, note=""),
        SimpleNamespace(**figure, model="Old VLM", value=None, note="contaminated: it was trained on it"),
    ]
    sources = {"A paper": {"judge": "a judge that is retired", "unknown": "the prompt"}}
    return write_report(results, made_compared(results, SIZE), published, folder / "report", sources=sources)


@pytest.fixture
def seen(chromium, page_file):
    """The report, opened at its first page; what it must never do is checked when the test is done."""
    with watched(chromium, viewport={"width": 1300, "height": 900}) as page:
        page.open(page_file)
        yield page
        assert page.elsewhere == []
        assert page.complaints == []
        assert page.dialogs == []
