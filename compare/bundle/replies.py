"""The judge's replies that scores rest on: which they are, taken out of the store, and read back from a bundle.

A reply lies in the store under the hash of all that was sent. Document and answer give the messages again, and the
fingerprint the judge and its settings, so the hash of each reply of a verdict can be computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import AssetError, ChatImage, ChatRequest, StoredReply, with_images
from lmms_eval_ja.clients.exchange import BadRow, replies_of
from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.scored import Documents, Scored, sample_of, verdicts_of
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges import PROTOCOLS, Protocol

#: Members of a bundle: the replies as the store has them, and which reply of which verdict is which of them.
REPLIES, LINKS = "verdicts/replies.jsonl", "verdicts/keys.jsonl"


@dataclass(frozen=True)
class Place:
    """Where in the samples a reply stands: file, document, protocol, judge of a jury, repeat, order, re-ask."""

    file: str
    doc_id: int
    protocol: str
    member: str
    repeat: int
    order: int
    reask: int


def places_of(scored: Scored) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Every reply in the verdicts on a model's own answers."""
    for place, own in _runs(scored):
        for reply in own["replies"]:
            yield replace(place, order=reply["pass"], reask=reply["reask"]), reply


def endings_of(scored: Scored) -> Iterator[tuple[Place, str | None]]:
    """The last reply of each question, and the failure that it ended with, if any."""
    for place, own in _runs(scored):
        for order, recorded in enumerate(own.get("passes") or [own]):
            if reasks := [reply["reask"] for reply in own["replies"] if reply["pass"] == order]:
                yield replace(place, order=order, reask=max(reasks)), recorded.get("failure")


def _runs(scored: Scored) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Each run of each judge; of the place the order and the re-ask are still open."""
    for row in scored.rows:
        for protocol, verdict in verdicts_of(row).items():
            for repeat, run in enumerate(verdict["runs"]):
                for member, own in (run.get("members") or {"": run}).items():
                    yield Place(scored.file, row["doc_id"], protocol, member, repeat, 0, 0), own


def judge_of(scored: Scored, place: Place) -> Mapping[str, Any]:
    """What the fingerprint says of the judge that was asked: `judge`, `sampling`."""
    entry = scored.judging[place.protocol]
    judge: Mapping[str, Any] = entry["members"][place.member] if place.member else entry
    return judge


def keys_of(scored: Scored, documents: Documents, images: Path | None, notes: list[str]) -> dict[Place, str]:
    """The store's key of each reply, as far as it can be computed.

    Args:
        scored: a model's task.
        documents: of the comparison.
        images: folder of the pictures, for a judge that sees.
        notes: gets a sentence for each protocol whose messages cannot be made.
    """
    own = documents.get(scored.task, {})
    rows = {row["doc_id"]: row for row in scored.rows}
    messages: dict[tuple[int, str, int, bool], list[dict[str, Any]]] = {}
    unusable: set[str] = set()
    found = {}
    for place, _ in places_of(scored):
        if place.protocol in unusable or place.doc_id not in own:
            continue
        judge = judge_of(scored, place)
        sees = bool(judge.get("sees_image"))
        key = (place.doc_id, place.protocol, place.order, sees)
        try:
            if key not in messages:
                sample, document = sample_of(rows[place.doc_id], own[place.doc_id]), own[place.doc_id]
                made = protocol_of(scored, place.protocol).messages(sample, place.order)
                messages[key] = with_images(made, _images(document, images)) if sees else made
        except (AssetError, OSError, BundleError, ValueError) as error:
            unusable.add(place.protocol)
            notes.append(f"{scored.model}, {scored.task}, {place.protocol}: its replies are not looked up: {error}")
            continue
        found[place] = ChatRequest(
            judge["judge"], messages[key], judge["sampling"], place.repeat, reask=place.reask
        ).key()
    return found


def protocol_of(scored: Scored, name: str) -> Protocol:
    """The protocol that judged, if this version has it as it was.

    Raises:
        BundleError: it is not known here, or its version has changed.
    """
    if name not in PROTOCOLS:
        raise BundleError(f"protocol {name} is not known to this version of lmms-eval-ja")
    made_with = scored.judging[name]["version"]
    if made_with != PROTOCOLS[name].version:
        raise BundleError(
            f"protocol {name} had version {made_with}, here it has {PROTOCOLS[name].version}: use the lmms-eval-ja "
            "that is named in the results"
        )
    return PROTOCOLS[name]


def replies_member(replies: Iterable[StoredReply]) -> bytes:
    """Replies as a member of a bundle, in the order of their keys."""
    ordered = sorted(replies, key=lambda reply: reply.key)
    return "".join(json.dumps(asdict(reply), ensure_ascii=False) + "\n" for reply in ordered).encode()


def links_member(links: Mapping[Place, str]) -> bytes:
    """Places with their keys as a member of a bundle."""
    ordered = sorted(links, key=lambda place: tuple(asdict(place).values()))
    return "".join(json.dumps(asdict(place) | {"key": links[place]}) + "\n" for place in ordered).encode()


def read_replies(path: Path, data: bytes) -> dict[str, StoredReply]:
    """The replies of a bundle by key.

    Raises:
        BundleError: a line that is no reply, or a key that stands twice.
    """
    found: dict[str, StoredReply] = {}
    for reply in replies_of(Path(f"{path}: {REPLIES}"), data.split(b"\n")):
        if isinstance(reply, BadRow):
            raise BundleError(str(reply))
        if reply.key in found:
            raise BundleError(f"{path}: {REPLIES}: key {reply.key} stands twice")
        found[reply.key] = reply
    return found


def read_links(path: Path, data: bytes) -> dict[Place, str]:
    """The places of a bundle with their keys.

    Raises:
        BundleError: a line that is none.
    """
    found = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            key = row.pop("key")
            found[Place(**row)] = str(key)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BundleError(f"{path}: {LINKS}, line {number}: {type(error).__name__}: {error}") from None
    return found


def _images(document: Document, folder: Path | None) -> list[ChatImage]:
    """The pictures as a judge was sent them: decoded and encoded again, known by their pixels."""
    from PIL import Image, ImageOps

    if folder is None or not document.images:
        raise BundleError("the judge saw pictures, which are not at hand")
    found = []
    for name in document.images:
        with Image.open(folder / name) as opened:
            image = ImageOps.exif_transpose(opened)
            found.append(ChatImage.of_pixels(opened if image is None else image))
    return found
