"""Bundles that were tampered with: members changed, with checksums that fit again."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.bundle.archive import MANIFEST


def members(bundle: Path) -> dict[str, bytes]:
    """All members by name."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tampered(
    bundle: Path, out: Path, changes: Mapping[str, Callable[[bytes], bytes]], *, consistent: bool = True
) -> Path:
    """A copy with members changed; `consistent`: with the manifest's checksums made anew."""
    content = members(bundle)
    for name, change in changes.items():
        content[name] = change(content[name])
    if consistent:
        manifest = json.loads(content[MANIFEST])
        for name, listed in manifest["files"].items():
            listed |= {"sha256": hashlib.sha256(content[name]).hexdigest(), "bytes": len(content[name])}
        content[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return out


def edited_rows(edit: Callable[[dict[str, Any]], None], doc_id: int | None = None) -> Callable[[bytes], bytes]:
    """Changes the lines of a JSONL file in place, or the one of a document."""

    def change(data: bytes) -> bytes:
        rows = [json.loads(line) for line in data.decode().splitlines()]
        for row in rows:
            if doc_id is None or row["doc_id"] == doc_id:
                edit(row)
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()

    return change


def edited_json(edit: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """Changes a JSON file in place."""

    def change(data: bytes) -> bytes:
        content = json.loads(data)
        edit(content)
        return json.dumps(content, ensure_ascii=False).encode()

    return change
