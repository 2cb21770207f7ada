"""A headless Chromium that opens pages from disk, and tells what they ask for and complain about."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium() -> str | None:
    """The path of a browser that Playwright can drive; None where there is none."""
    return next((path for name in _PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where it or Playwright is missing."""
    pytest.importorskip("playwright", reason="the page is opened by Playwright: pip install playwright")
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Watched:
    """A page with what happened on it: requests, complaints of the console, errors of scripts, dialogs."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    @property
    def elsewhere(self) -> list[str]:
        """The requests for anything but files on disk."""
        return [url for url in self.requests if not url.startswith("file://")]

    def open(self, page: Path, address: str = "") -> None:
        """Open a page from disk, at an address within it, and wait until the report shows it."""
        self.page.goto(page.as_uri() + address)
        self.ready()

    def ready(self) -> None:
        """Wait until the report shows a page."""
        self.page.wait_for_selector("main[data-ready]", timeout=15_000)

    def go(self, address: str) -> None:
        """Go to another address within the report, as a link does."""
        before = self.page.get_attribute("main", "data-ready")
        self.page.evaluate("address => { window.location.hash = address }", address)
        self.page.wait_for_function("before => document.querySelector('main').dataset.ready !== before", arg=before)

    def charts(self, count: int) -> None:
        """Wait until so many charts are drawn."""
        self.page.wait_for_function(
            "count => document.querySelectorAll('.chart[data-drawn]').length >= count", arg=count, timeout=15_000
        )


@contextmanager
def watched(started: Any, *, language: str = "en", scheme: str = "light", **more: Any) -> Iterator[Watched]:
    """A new page of a browser, in a language and a colour scheme."""
    context = started.new_context(locale=language, color_scheme=scheme, **more)
    page = context.new_page()
    seen = Watched(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("console", lambda line: seen.complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    try:
        yield seen
    finally:
        context.close()
