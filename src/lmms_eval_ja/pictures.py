"""Pictures of a dataset as files: taken out undecoded, each kept once under the hash of its bytes."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from lmms_eval_ja.clients.whole_file import whole_file

#: Stands in a document for the picture, or the list of pictures, of a row of the dataset.
_REFERENCE = "lmms-eval-ja://picture/{column}/{row}"
_READ = re.compile(r"lmms-eval-ja://picture/(?P<column>.+)/(?P<row>\d+)", re.DOTALL)
_MARKS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
}
#: Gives the pictures of a column of a row, as `datasets` has them undecoded: dicts of `bytes` and `path`.
Source = Callable[[str, int], list[Mapping[str, Any]]]


def split_pictures(dataset: Any) -> tuple[Any, Source | None]:
    """A dataset with references in place of its pictures, and what they refer to; None where it has no pictures."""
    undecoded = {name: kind for name in dataset.column_names if (kind := _undecoded(dataset.features[name]))}
    if not undecoded:
        return dataset, None
    texts, raw = dataset, dataset.select_columns(list(undecoded))
    for column, kind in undecoded.items():
        references = [_REFERENCE.format(column=column, row=row) for row in range(len(dataset))]
        texts = texts.remove_columns(column).add_column(column, references)
        raw = raw.cast_column(column, kind)

    def source(column: str, row: int) -> list[Mapping[str, Any]]:
        value = raw[row][column]
        return [one for one in (value if isinstance(value, list) else [value]) if one]

    return texts, source


def _undecoded(feature: Any) -> Any:
    """The feature of a column of pictures with their bytes left as they are; None of any other column."""
    import datasets

    image = datasets.Image(decode=False)
    if isinstance(feature, datasets.Image):
        return image
    if isinstance(feature, list) and isinstance(feature[0], datasets.Image):
        return [image]
    inner = getattr(feature, "feature", None)
    return type(feature)(image) if isinstance(inner, datasets.Image) else None


class PictureFolder:
    """A folder with a file for each distinct picture, `<sha256 of the bytes>.<ending>`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # A source is known by itself, not by its id(): that of a task that is done is soon another task's.
        self._names: WeakKeyDictionary[Source, dict[str, list[str]]] = WeakKeyDictionary()

    def of_references(self, source: Source, doc: Mapping[str, Any]) -> list[str]:
        """Save the pictures that a document refers to; gives their names in the document's order.

        Raises:
            OSError: a picture's file is not there.
        """
        return [name for reference in _references(doc) for name in self._of_reference(source, reference)]

    def of_visuals(self, doc_to_visual: Any, doc: Mapping[str, Any]) -> list[str]:
        """Save what a task shows of a document whose dataset has no pictures, encoded as PNG."""
        visuals = doc_to_visual(doc) if callable(doc_to_visual) else []
        return [self._save(_png(visual)) for visual in visuals if hasattr(visual, "save")]

    def _of_reference(self, source: Source, reference: str) -> list[str]:
        names = self._names.setdefault(source, {})
        if reference not in names:
            found = _READ.fullmatch(reference)
            assert found is not None  # noqa: S101 (`_references` gives no others)
            values = source(found["column"], int(found["row"]))
            names[reference] = [self._save(value.get("bytes") or Path(value["path"]).read_bytes()) for value in values]
        return names[reference]

    def _save(self, data: bytes) -> str:
        name = f"{hashlib.sha256(data).hexdigest()}.{_ending(data)}"
        path = self.path / name
        if not path.exists():
            with whole_file(path) as partial:
                partial.write_bytes(data)
        return name


def _references(doc: Mapping[str, Any]) -> Iterator[str]:
    for value in doc.values():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str) and _READ.fullmatch(one):
                yield one


def _ending(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((ending for mark, ending in _MARKS.items() if data.startswith(mark)), "bin")


def _png(image: Any) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()
