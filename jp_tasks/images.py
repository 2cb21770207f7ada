"""What of its pictures a model is shown: the setting `image`, through which every `doc_to_visual` of ours goes.

`given` is the benchmark. The others are ablations, which tell whether a benchmark needs its pictures and whether a
model looks at them: `none` gives no picture at all, `blank` a grey one of the same size, `shuffled` that of another
document. Judges and metrics are not concerned: they get the document as it is.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks.dataset import DatasetError, with_columns

if TYPE_CHECKING:
    from datasets import Dataset

Doc = Mapping[str, Any]
#: Gives the pictures of a document, of Pillow, in their order.
Pictures = Callable[[Doc], Sequence[Any]]
#: Columns that say, for `shuffled`, in which data and at which place a document stands.
RING, PLACE = "shown_from", "shown_place"
GREY = (128, 128, 128)
_SEED = 0


@dataclass(frozen=True)
class _Ring:
    """A document of each cluster, in an order drawn once: each cluster is shown the pictures of those behind it."""

    documents: Dataset
    rows: Sequence[int]


_rings: dict[str, _Ring] = {}
_names = count()


def shown(doc: Doc, pictures: Pictures) -> list[Any]:
    """The pictures that the model is shown of a document, in RGB.

    Args:
        doc: of data that went through `with_others`.
        pictures: gives the document's own.

    Raises:
        KeyError: the setting is `shuffled`, and the data did not go through `with_others`.
        DatasetError: the setting is `shuffled`, and there are not enough other pictures.
    """
    setting = load_settings().image
    if setting == "none":
        return []
    own = [picture.convert("RGB") for picture in pictures(doc)]
    if setting == "blank":
        return [blank(picture) for picture in own]
    if setting == "shuffled":
        return _others(doc, pictures, own)
    return own


def blank(picture: Any) -> Any:
    """A grey picture of the same size."""
    from PIL import Image

    return Image.new("RGB", picture.size, GREY)


def with_others(dataset: Dataset, cluster: str = "image_id") -> Dataset:
    """The documents, able to be shown one another's pictures where the setting asks for it.

    No picture is decoded or copied. Called at the end of `process_docs`, before rows are repeated.

    Args:
        dataset: of documents.
        cluster: the column that names the picture. Documents that share one are all shown the same other picture.

    Raises:
        DatasetError: the setting is `shuffled`, and there is only one picture.
    """
    if load_settings().image != "shuffled":
        return dataset
    names = [str(name) for name in dataset[cluster]]
    first = {name: row for row, name in reversed(list(enumerate(names)))}
    order = sorted(first, key=first.__getitem__)
    if len(order) < 2:  # noqa: PLR2004 (itself and another)
        raise DatasetError('there is a single picture, and image = "shuffled" needs another to show instead')
    random.Random(_SEED).shuffle(order)  # noqa: S311 (no secret)
    ring = str(next(_names))
    _rings[ring] = _Ring(dataset, [first[name] for name in order])
    places = {name: place for place, name in enumerate(order)}
    return with_columns(dataset, {RING: [ring] * len(names), PLACE: [places[name] for name in names]})


def picture_ids(dataset: Dataset, column: str) -> list[str]:
    """A name for the picture of each row: the first 16 digits of the SHA-256 of its bytes, "" where there is none.

    For benchmarks that do not say which questions share a picture. Reads the bytes, and decodes nothing.
    """
    from datasets import Image

    undecoded = dataset.select_columns([column]).cast_column(column, Image(decode=False))
    return [_picture_id(row[column]) for row in undecoded]


def _picture_id(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return ""
    content = value["bytes"] if value.get("bytes") is not None else str(value.get("path")).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _others(doc: Doc, pictures: Pictures, own: Sequence[Any]) -> list[Any]:
    """As many pictures as the document has, of the documents that follow its cluster on the ring; none is its own.

    Clusters may share a picture, where a document has several.

    Raises:
        DatasetError: there are not as many others.
    """
    if RING not in doc:
        raise KeyError(
            f'image = "shuffled": the document has no column {RING!r}; its process_docs calls no with_others'
        )
    ring, place = _rings[doc[RING]], doc[PLACE]
    pixels = {_pixels(picture) for picture in own}
    found: list[Any] = []
    for step in range(1, len(ring.rows)):
        if len(found) >= len(own):
            break
        other = ring.documents[ring.rows[(place + step) % len(ring.rows)]]
        converted = [picture.convert("RGB") for picture in pictures(other)]
        found += [picture for picture in converted if _pixels(picture) not in pixels]
    if len(found) < len(own):
        raise DatasetError(
            f'image = "shuffled": a document has {_count(len(own))}, and the others have only {len(found)} that are '
            "not among them"
        )
    return found[: len(own)]


def _pixels(picture: Any) -> tuple[tuple[int, int], bytes]:
    return picture.size, picture.tobytes()


def _count(pictures: int) -> str:
    return "a picture" if pictures == 1 else f"{pictures} pictures"
