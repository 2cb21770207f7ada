from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.clients import AssetError, asset, assets, load_settings
from support.benchmarks import SHARED, needs_shared
from support.hub import LoopbackHandler, LoopbackServer

NAME = "heron_bench/rule.json"
CONTENT = json.dumps({"conv": {"role": "Assistant", "prompt": "規則"}}, ensure_ascii=False).encode()


class _Handler(LoopbackHandler):
    def do_GET(self) -> None:  # noqa: N802 (http.server's name)
        _Handler.asked.append(self.path)
        self.answer(200, CONTENT)


@pytest.fixture
def server():
    """A web server whose one file is at any path; `asked` lists the requests."""
    _Handler.asked = []
    running = LoopbackServer(_Handler)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache; nothing is pre-placed; nobody listens at the asset's address."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LMMS_EVAL_JA_ASSETS", raising=False)
    monkeypatch.setitem(
        assets.ASSETS,
        NAME,
        replace(assets.ASSETS[NAME], url="http://127.0.0.1:1/rule.json", sha256=hashlib.sha256(CONTENT).hexdigest()),
    )
    return tmp_path / "cache" / "lmms-eval-ja" / "assets" / NAME


def serve_from(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, **changes: str) -> None:
    address = f"http://127.0.0.1:{server.server_port}/rule.json"
    monkeypatch.setitem(assets.ASSETS, NAME, replace(assets.ASSETS[NAME], url=address, **changes))


def place(folder: Path, content: bytes) -> Path:
    path = folder / NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(AssetError, match=r"unknown asset 'rules'; expected one of heron_bench/rule\.json"):
        asset("rules")


def test_a_file_is_fetched_once_and_then_cached(server, cache, monkeypatch):
    serve_from(server, monkeypatch)
    assert asset(NAME) == cache
    assert cache.read_bytes() == CONTENT
    assert asset(NAME) == cache
    assert _Handler.asked == ["/rule.json"]


def test_a_download_that_is_not_the_file_is_not_kept(server, cache, monkeypatch):
    serve_from(server, monkeypatch, sha256="0" * 64)
    with pytest.raises(AssetError, match="could not be fetched"):
        asset(NAME)
    assert not cache.exists()


def test_a_cached_file_that_was_changed_is_an_error(cache):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"changed")
    with pytest.raises(AssetError, match="is not the expected file") as caught:
        asset(NAME)
    assert hashlib.sha256(b"changed").hexdigest() in str(caught.value)
    assert cache.read_bytes() == b"changed"


def test_a_placed_file_is_used_and_nothing_is_fetched(server, cache, monkeypatch, tmp_path):
    serve_from(server, monkeypatch)
    placed = place(tmp_path / "placed", CONTENT)
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path / "placed"))
    assert asset(NAME) == placed
    assert asset(NAME, load_settings({"LMMS_EVAL_JA_ASSETS": str(tmp_path / "placed")})) == placed
    assert not cache.exists()
    assert _Handler.asked == []


def test_a_placed_file_that_differs_is_an_error_and_stays_as_it_is(server, monkeypatch, tmp_path):
    serve_from(server, monkeypatch)
    placed = place(tmp_path / "placed", b"mine")
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path / "placed"))
    with pytest.raises(AssetError) as caught:
        asset(NAME)
    assert f"{placed} is not the expected file" in str(caught.value)
    assert assets.ASSETS[NAME].url in str(caught.value)
    assert placed.read_bytes() == b"mine"
    assert _Handler.asked == []


def test_a_placed_file_that_differs_is_taken_where_changed_data_is_allowed_and_wanted(server, monkeypatch, tmp_path):
    serve_from(server, monkeypatch)
    placed = place(tmp_path / "placed", b"mine")
    env = {"LMMS_EVAL_JA_ASSETS": str(tmp_path / "placed"), "LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "1"}
    assert asset(NAME, load_settings(env), or_changed=True) == placed
    for settings, or_changed in ((env, False), (env | {"LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "0"}, True)):
        with pytest.raises(AssetError, match="is not the expected file"):
            asset(NAME, load_settings(settings), or_changed=or_changed)


def test_a_folder_without_the_file_falls_back_to_the_cache(server, cache, monkeypatch, tmp_path):
    serve_from(server, monkeypatch)
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    assert asset(NAME) == cache


@pytest.mark.parametrize("fetch", [True, False])
def test_without_network_the_error_says_what_to_do(fetch, cache):
    with pytest.raises(AssetError) as caught:
        asset(NAME, fetch=fetch)
    message = str(caught.value)
    assert message.startswith(NAME)
    assert "lmms-eval-ja fetch" in message
    assert "http://127.0.0.1:1/rule.json" in message
    assert "LMMS_EVAL_JA_ASSETS" in message
    assert not cache.exists()


def test_without_fetching_nothing_is_asked(server, cache, monkeypatch):
    serve_from(server, monkeypatch)
    with pytest.raises(AssetError, match="not fetched yet"):
        asset(NAME, fetch=False)
    assert _Handler.asked == []


@needs_shared
def test_the_shared_copy_is_the_pinned_file(monkeypatch):
    monkeypatch.undo()
    assert asset(NAME, load_settings({"LMMS_EVAL_JA_ASSETS": str(SHARED / "data")})) == SHARED / "data" / NAME
