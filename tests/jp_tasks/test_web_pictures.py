"""Pictures by their addresses: fetched once, and what is gone is not asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lmms_eval_ja.jp_tasks.web_pictures import Fetched, WebPictures
from support.benchmarks import placeholder_image
from support.hub import LoopbackHandler, LoopbackServer


class _Handler(LoopbackHandler):
    """Serves `/<name>.png`, a `/text`, and at `/busy` two faults and then a picture; hangs up, or has nothing."""

    asked: list[str]

    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        self.asked.append(self.path)
        if self.path.startswith("/hangs-up"):
            self.close_connection = True
        elif self.path == "/text":
            self.answer(200, b"<html>not found</html>")
        elif self.path == "/page":
            self.answer(200, b"<html>log in</html>", {"Content-Type": "text/html; charset=utf-8"})
        elif self.path.startswith("/status-"):
            self.answer(int(self.path.removeprefix("/status-")), b"")
        elif self.path == "/moved":
            self.answer(302, b"", {"Location": "/a.png"})
        elif self.path == "/down" or (self.path == "/busy" and self.asked.count("/busy") < 3):
            self.answer(503, b"")
        elif self.path == "/busy" or self.path.endswith(".png"):
            self.answer(200, placeholder_image(self.path[1:]), {"Content-Type": "image/png"})
        else:
            self.answer(404, b"")


class Site:
    """A web site with pictures."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = LoopbackServer(type("Handler", (_Handler,), {"asked": self.asked}))

    def addresses(self, *paths: str) -> list[str]:
        return [f"http://127.0.0.1:{self._server.server_port}/{path}" for path in paths]

    def stop(self) -> None:
        self._server.stop()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.stop()


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebPictures:
    """With a cache of their own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return WebPictures("benchmark")


def test_pictures_are_fetched_once(site: Site, pictures: WebPictures) -> None:
    addresses = site.addresses("a.png", "b.png", "a.png")
    assert pictures.fetch(addresses) == pictures.fetch(addresses) == Fetched(there=3, gone=0, not_reached=0)
    assert sorted(site.asked) == ["/a.png", "/b.png"]
    found = pictures.find(addresses[0])
    assert found is not None
    assert found.read_bytes() == placeholder_image("a.png")
    assert pictures.open(addresses[1]).size == (32, 24)


def test_what_is_gone_is_known_from_then_on(site: Site, pictures: WebPictures) -> None:
    addresses = site.addresses("gone", "text", "a.png")
    assert pictures.fetch(addresses) == Fetched(there=1, gone=2, not_reached=0)
    asked = len(site.asked)
    assert pictures.fetch(addresses) == Fetched(there=1, gone=2, not_reached=0)
    assert len(site.asked) == asked
    assert [pictures.why_gone(address) for address in addresses] == [
        "status 404",
        "what is there is no picture (UnidentifiedImageError)",
        None,
    ]
    assert pictures.find(addresses[0]) is None


def test_a_server_that_is_busy_is_asked_again(site: Site, pictures: WebPictures) -> None:
    assert pictures.fetch(site.addresses("busy")).there == 1
    assert site.asked == ["/busy"] * 3


def test_a_picture_that_has_moved_is_followed(site: Site, pictures: WebPictures) -> None:
    assert pictures.fetch(site.addresses("moved")).there == 1


def test_what_could_not_be_reached_is_tried_again_by_the_next_run(site: Site, pictures: WebPictures) -> None:
    addresses = [*site.addresses("down"), "http://127.0.0.1:9/a.png"]
    assert pictures.fetch(addresses) == Fetched(there=0, gone=0, not_reached=2)
    asked = len(site.asked)
    pictures.fetch(addresses)
    assert len(site.asked) == 2 * asked


def test_what_a_proxy_or_a_login_page_says_is_not_kept(site: Site, pictures: WebPictures) -> None:
    addresses = site.addresses("page", "status-401", "status-403", "status-407", "status-451")
    assert pictures.fetch(addresses) == Fetched(there=0, gone=0, not_reached=5)
    assert [pictures.why_gone(address) for address in addresses] == [None] * 5
    assert len(site.asked) == 5  # asking again at once does not help


def test_what_is_gone_for_good_is_kept(site: Site, pictures: WebPictures) -> None:
    assert pictures.fetch(site.addresses("status-404", "status-410")).gone == 2


def test_where_nobody_answers_it_gives_up_early(site: Site, pictures: WebPictures) -> None:
    assert pictures.fetch(site.addresses(*(f"hangs-up-{n}.png" for n in range(400)))).not_reached == 400
    # 40 in a row, and those that were on their way, each tried three times
    assert len(site.asked) <= 3 * (40 + 16)


def test_offline_nothing_is_asked(site: Site, pictures: WebPictures, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures.fetch(site.addresses("a.png"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert pictures.fetch(site.addresses("a.png", "b.png")) == Fetched(there=1, gone=0, not_reached=1)
    assert site.asked == ["/a.png"]


def test_pre_placed_pictures_are_used(
    site: Site, pictures: WebPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = site.addresses("a.png", "gone")
    pictures.fetch(addresses)
    (tmp_path / "cache" / "lmms-eval-ja" / "assets").rename(tmp_path / "copied")
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path / "copied"))
    site.asked.clear()
    assert pictures.fetch(addresses) == Fetched(there=1, gone=1, not_reached=0)
    assert site.asked == []


def test_two_at_once_fetch_once(site: Site, pictures: WebPictures) -> None:
    addresses = site.addresses(*(f"{n}.png" for n in range(20)))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(pictures.fetch, [addresses, addresses]))
    assert found == [Fetched(20, 0, 0)] * 2
    assert sorted(site.asked) == sorted(f"/{n}.png" for n in range(20))


def test_a_picture_that_is_not_there_is_named(pictures: WebPictures) -> None:
    with pytest.raises(FileNotFoundError, match=r"the picture http://x\.invalid/a\.png is not in"):
        pictures.open("http://x.invalid/a.png")


def test_an_address_that_is_none_is_gone(pictures: WebPictures) -> None:
    assert pictures.fetch(["picture.png", "ftp://x/y.png"]) == Fetched(there=0, gone=2, not_reached=0)


def test_the_sentence_for_people() -> None:
    assert str(Fetched(7_000, 600, 50)) == (
        "7,000 of 7,650 pictures are there; 600 are gone from the web, 50 could not be reached"
    )
