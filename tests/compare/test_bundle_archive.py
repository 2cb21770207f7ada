"""A bundle is a zip from anywhere: what is refused, and that nothing of it is written outside or believed."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.bundle import BundleError, verify
from lmms_eval_ja.compare.bundle.archive import KIND, MANIFEST, SCHEMA, Archive, write_archive

_MANIFEST = {"kind": KIND, "schema": SCHEMA, "files": {}}


def _zip(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], manifest: Any = _MANIFEST) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
        if manifest is not None:
            archive.writestr(MANIFEST, json.dumps(manifest))
    return path


def _link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    "name",
    ["../out.json", "a/../../out.json", "/etc/out.json", "a//b", "a/./b", "C:/out.json", "a\\b", "a\nb", "a\x1bb"],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match=r"member .* has a name that no bundle has; nothing was unpacked"):
        verify(_zip(tmp_path / "b.zip", (name, b"{}")))
    assert [path.name for path in tmp_path.iterdir()] == ["b.zip"]


@pytest.mark.parametrize("entry", [_link("a"), zipfile.ZipInfo("folder/")])
def test_links_and_folders_are_refused(tmp_path: Path, entry: zipfile.ZipInfo) -> None:
    with pytest.raises(BundleError, match=r"is no file|has a name that no bundle has"):
        verify(_zip(tmp_path / "b.zip", (entry, b"")))


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = _zip(tmp_path / "b.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(BundleError, match="member 'a' stands twice"):
        verify(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    data = bytearray(_zip(tmp_path / "b.zip", ("a", b"1")).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(BundleError, match="member 'a' is encrypted"):
        verify(tmp_path / "b.zip")


@pytest.mark.parametrize("size", [3 * 1024**3, 2**32 - 2])
def test_sizes_are_limited_before_anything_is_unpacked(tmp_path: Path, size: int) -> None:
    """The central directory claims more than 2 GiB."""
    data = bytearray(_zip(tmp_path / "b.zip", ("a", b"1")).read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", size)
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(BundleError, match="more than 2,147,483,648"):
        verify(tmp_path / "b.zip")


def test_a_member_that_is_larger_than_it_says_is_damaged(tmp_path: Path) -> None:
    """A megabyte of zeros that claims to be one byte: reading stops there, and the checksum is wrong."""
    path = _zip(tmp_path / "b.zip", ("a", bytes(1024 * 1024)))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(mark) + offset
        data[at : at + 4] = struct.pack("<I", 1)
    path.write_bytes(data)
    with Archive(path) as archive, pytest.raises(BundleError, match="a cannot be read"):
        archive.read("a")


def _damaged(path: Path, members: dict[str, bytes]) -> Path:
    write_archive(path, members, {})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x03\x04") + 40
    content[at] ^= 0xFF
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda path: path.write_bytes(b"no zip"), "is no bundle that can be read"),
        (lambda path: _zip(path, manifest=None), f"has no {MANIFEST}"),
        (lambda path: _zip(path, manifest={"kind": "else"}), "is not that of a bundle of lmms-eval-ja"),
        (lambda path: _zip(path, manifest=[]), "is not that of a bundle of lmms-eval-ja"),
        (lambda path: _zip(path, manifest=_MANIFEST | {"schema": 99}), "has schema 99, this version reads 1"),
        (lambda path: _zip(path, manifest=_MANIFEST | {"files": [1]}), "files: expected an object"),
        (lambda path: _zip(path, (MANIFEST, b"{" * 100_000), manifest=None), "is no JSON"),
        (_zip, "holds no scored samples"),
        (lambda path: _zip(path, ("x_samples_t.jsonl", b"{}")), "x_results.json is missing"),
        (lambda path: _zip(path, ("x_samples_t.jsonl", b"{}"), ("x_results.json", b"[")), "x_results.json: no JSON"),
        (lambda path: _zip(path, ("documents/documents.parquet", b"PAR1")), "documents.parquet cannot be read"),
        (lambda path: _zip(path, ("verdicts/keys.jsonl", b'{"key": 1}')), "verdicts/keys.jsonl, line 1"),
        (lambda path: _zip(path, ("verdicts/replies.jsonl", b"{}")), "verdicts/replies.jsonl, row 1: key"),
        (lambda path: _damaged(path, {"a" * 10: bytes(range(256)) * 40}), "aaaaaaaaaa cannot be read"),
    ],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, make: Callable[[Path], object], named: str) -> None:
    path = tmp_path / "b.zip"
    make(path)
    with pytest.raises(BundleError, match=named.replace(".", r"\.")) as caught:
        verify(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        b'{"doc_id": 0}',
        b'{"doc_id": 0, "filtered_resps": "x", "verdict_vqa_likert": {}}',
        b'{"doc_id": 0, "filtered_resps": "x", "verdict_vqa_likert": {"failure": null, "runs": 3}}',
        b'{"doc_id": 0, "filtered_resps": "x", "verdict_vqa_likert": 3}',
    ],
)
def test_samples_of_another_form_are_named(tmp_path: Path, row: bytes) -> None:
    facts = {
        "fingerprint": {"judging": [{"protocol": "vqa_likert", "version": 1, "judge": "j", "sampling": {}}]},
        "scores": {"judge_mean": {}},
    }
    results = {"config": {"model": "m"}, "lmms_eval_ja": {"tasks": {"t": facts}}}
    path = _zip(tmp_path / "b.zip", ("x_samples_t.jsonl", row), ("x_results.json", json.dumps(results).encode()))
    with pytest.raises(BundleError, match=r"x_samples_t\.jsonl"):
        verify(path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    write_archive(tmp_path / "b.zip", {"b/c": tmp_path / "file", "a": b"bytes"}, {"note": "n"})
    with Archive(tmp_path / "b.zip") as archive:
        assert archive.names == ["a", "b/c"]
        assert archive.manifest["note"] == "n"
        assert archive.read("b/c") == b"from a file"
        assert archive.sha256("a") == archive.manifest["files"]["a"]["sha256"]
        archive.extract(tmp_path / "out", archive.names)
        with pytest.raises(BundleError, match="x is missing"):
            archive.read("x")
    assert (tmp_path / "out" / "b" / "c").read_bytes() == b"from a file"
    with zipfile.ZipFile(io.BytesIO((tmp_path / "b.zip").read_bytes())) as raw:
        assert {entry.date_time for entry in raw.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("names", [("a", "a/b"), ("a" * 300,)])
def test_members_that_no_folder_holds_end_in_a_sentence(tmp_path: Path, names: tuple[str, ...]) -> None:
    write_archive(tmp_path / "b.zip", dict.fromkeys(names, b"x"), {})
    with Archive(tmp_path / "b.zip") as archive, pytest.raises(BundleError, match="cannot be unpacked"):
        archive.extract(tmp_path / "out", archive.names)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be written"):
        write_archive(tmp_path / "b.zip", {"a": tmp_path / "missing"}, {})
    assert list(tmp_path.iterdir()) == []
