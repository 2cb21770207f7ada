"""Packing a comparison: its files, the replies behind its verdicts, what it was made with, and how to cite it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from lmms_eval_ja.clients.assets import ASSETS
from lmms_eval_ja.clients.exchange import REMOVED, SHORTEST_KEY, pick
from lmms_eval_ja.clients.store_reader import ExchangeError
from lmms_eval_ja.compare.bundle.archive import BundleError, write_archive
from lmms_eval_ja.compare.bundle.citing import citing_members
from lmms_eval_ja.compare.bundle.replies import LINKS, REPLIES, Place, keys_of, links_member, places_of, replies_member
from lmms_eval_ja.compare.bundle.scored import Scored, samples_names, scored_tasks
from lmms_eval_ja.compare.documents import FOLDER, IMAGES, TABLE, read_documents, table_of
from lmms_eval_ja.compare.finished import JUDGED
from lmms_eval_ja.models.environments import LOCKS, names

#: Files of the comparison itself, where they are there.
OWN = (
    "comparison.yaml",
    "comparison.parquet",
    "comparison.json",
    "leaderboard.md",
    "leaderboard.csv",
    "leaderboard.tex",
    "reproduced.txt",
)
_LEFT_OUT = ("attempts", "report", FOLDER)
_PARQUET = ".parquet"


@dataclass
class Packed:
    """What a bundle holds, and what it had to leave out."""

    path: Path
    files: int = 0
    tasks: int = 0
    replies: int = 0
    replies_there: int = 0
    redacted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def pack(
    folder: Path,
    out: Path,
    *,
    documents: Path | None = None,
    store: Path | None = None,
    images: bool = False,
    secrets: Sequence[str] = (),
    force: bool = False,
) -> Packed:
    """Write a bundle of a comparison, or of a folder of lmms-eval's results that were scored.

    Args:
        folder: of the comparison.
        out: the bundle.
        documents: folder with `documents.parquet`; the comparison's own if None.
        store: of judge replies; None leaves them out.
        images: whether the pictures go in; each has its own licence.
        secrets: texts that must not get out.
        force: write over a file that exists.

    Raises:
        BundleError: nothing scored, `out` exists, a file that cannot be read or written, a secret in a table.
    """
    if out.exists() and not force:
        raise BundleError(f"{out} exists; see --force")
    packed = Packed(out)
    members: dict[str, bytes | Path] = dict(_files(folder))
    scored = list(scored_tasks(members, lambda name: (folder / name).read_bytes()))
    if not scored:
        raise BundleError(f"{folder}: nothing that was scored (a *_samples_<task>.jsonl with lmms-eval-ja's results)")
    packed.tasks = len(scored)
    table = table_of(documents or folder)
    if table is None:
        packed.notes.append("documents.parquet is not there: `verify` cannot make ROUGE-L and categories again")
    else:
        members[f"{FOLDER}/{TABLE}"] = table
        members |= _images(table.parent / IMAGES) if images else {}
    members |= _replies(scored, table, store, secrets, packed)
    members |= dict(_made_with(folder, scored))
    members |= citing_members(scored)
    safe = {name: _without(name, source, secrets, packed) for name, source in members.items()}
    write_archive(
        out, safe, {"package": metadata.version("lmms-eval-ja"), "folder": folder.resolve().name, "notes": packed.notes}
    )
    packed.files = len(safe)
    return packed


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The comparison's files: its own, each run's record, answers and scores; nothing of failed attempts."""
    for name in OWN:
        if (folder / name).is_file():
            yield name, folder / name
    found = []
    for path in sorted(folder.rglob("*.json*")):
        parts = path.relative_to(folder).parts
        if (
            parts[0] in _LEFT_OUT
            or set(parts[:-1]) & set(_LEFT_OUT[:1])
            or any(p.startswith(JUDGED) for p in parts[:-1])
        ):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        name = PurePosixPath(*parts).as_posix()
        if path.name == "run.json":
            yield name, path
        found.append(name)
    samples = samples_names(found)
    for name in sorted({*samples, *samples.values()}):
        if not (folder / name).is_file():
            raise BundleError(f"{folder / name} is missing: its samples cannot be read without it")
        yield name, folder / name


def _images(folder: Path) -> dict[str, bytes | Path]:
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {f"{FOLDER}/{IMAGES}/{path.name}": path for path in paths if path.is_file() and path.name[0] != "."}


def _replies(
    scored: Sequence[Scored], table: Path | None, store: Path | None, secrets: Sequence[str], packed: Packed
) -> dict[str, bytes | Path]:
    """The stored replies that the verdicts rest on, and which verdict rests on which."""
    documents = read_documents(table.parent) if table is not None else {}
    packed.replies = sum(1 for one in scored for _ in places_of(one))
    if not packed.replies:
        return {}
    if store is None or not store.is_file():
        packed.notes.append("the store of judge replies is not there: replies stand in the samples only")
        return {}
    links: dict[Place, str] = {}
    for one in scored:
        links |= keys_of(one, documents, table.parent / IMAGES if table is not None else None, packed.notes)
    try:
        replies = pick(store, sorted(set(links.values())), secrets=secrets)
    except ExchangeError as error:
        raise BundleError(str(error)) from None
    there = {place: key for place, key in links.items() if key in replies}
    packed.replies_there = len(there)
    if len(there) < packed.replies:
        packed.notes.append(
            f"{packed.replies - len(there):,} of {packed.replies:,} replies are not in the store {store}"
        )
    return {REPLIES: replies_member(replies.values()), LINKS: links_member(there)}


def _made_with(folder: Path, scored: Sequence[Scored]) -> Iterator[tuple[str, bytes | Path]]:
    """Fingerprints, hashes of fetched assets, locks of the environments that ran, packages of this one."""
    prints = {one.facts["fingerprint"]["id"]: one.facts["fingerprint"] for one in scored}
    yield "made_with/fingerprints.json", _json(prints)
    yield "made_with/assets.json", _json({n: {"url": a.url, "sha256": a.sha256} for n, a in ASSETS.items()})
    installed = {(d.metadata["Name"] or "").lower(): d.version for d in metadata.distributions()}
    yield "made_with/packages.txt", "".join(f"{n}=={v}\n" for n, v in sorted(installed.items()) if n).encode()
    for family in sorted({name for name in _families(folder) if name in names()}):
        for path in sorted((LOCKS / family).iterdir()):
            if path.is_file():
                yield f"made_with/environments/{family}/{path.name}", path


def _families(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "runs").glob("*/run.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise BundleError(f"{path} cannot be read: {error}") from None
        if isinstance(record, dict) and isinstance(record.get("env"), str):
            yield record["env"]


def _without(name: str, source: bytes | Path, secrets: Sequence[str], packed: Packed) -> bytes | Path:
    """A member without secrets: they are taken out of texts; a table that holds one is refused."""
    secrets = [secret for secret in secrets if len(secret) >= SHORTEST_KEY]
    if not secrets or name.startswith(f"{FOLDER}/{IMAGES}/"):
        return source
    if name.endswith(_PARQUET):
        if isinstance(source, Path) and _holds(source, secrets):
            raise BundleError(
                f"{source} holds a key of this environment: take it out of the samples, and write it again"
            )
        return source
    data = source.read_bytes() if isinstance(source, Path) else source
    safe = data
    for secret in secrets:
        safe = safe.replace(secret.encode(), REMOVED.encode())
    if safe != data:
        packed.redacted.append(name)
    return safe if safe != data else source


def _holds(path: Path, secrets: Sequence[str]) -> bool:
    """Whether a text of a table holds one of these."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import parquet

    table = parquet.read_table(path)
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    return any(pc.any(pc.match_substring(column, secret)).as_py() for column in texts for secret in secrets)


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
