"""The images of a document, for judges that see them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import ChatImage, ImageError

#: Columns that may hold a document's images, one or a list of them; the first that is there counts.
IMAGE_COLUMNS = ("image", "images")
#: Images that stay encoded: one document is judged several times in a row, and lmms-eval scores a few at a time.
_ENCODED = 32


def has_image_column(columns: Sequence[str]) -> bool:
    """Whether documents with these columns can have images."""
    return any(column in columns for column in IMAGE_COLUMNS)


def images_of_doc(doc: Mapping[str, Any]) -> tuple[ChatImage, ...]:
    """The images of a document: of Pillow, or as `datasets` gives them undecoded. None for a document without any.

    Raises:
        OSError: a file that is not there, or is no image.
    """
    column = next((column for column in IMAGE_COLUMNS if doc.get(column) is not None), None)
    if column is None:
        return ()
    value = doc[column]
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(image for one in values if (image := _image(one)) is not None)


def _image(value: object) -> ChatImage | None:
    from PIL.Image import Image

    if isinstance(value, Image):
        return _encoded(_Picture(value))
    if isinstance(value, Mapping) and (data := value.get("bytes")):
        return _of_file(data)
    if isinstance(value, Mapping) and (path := value.get("path")):
        return _of_file(Path(path).read_bytes())
    return None


def _of_file(data: bytes) -> ChatImage:
    from PIL.Image import open as opened

    try:
        return ChatImage.of_file(data)
    except ImageError:  # a format that judges do not read
        return ChatImage.of_pixels(opened(io.BytesIO(data)))


class _Picture:
    """A decoded image, equal only to itself: comparing all pixels would cost more than encoding them again."""

    def __init__(self, image: Any) -> None:
        self.image = image

    def __hash__(self) -> int:
        return id(self.image)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Picture) and self.image is other.image


@lru_cache(maxsize=_ENCODED)
def _encoded(picture: _Picture) -> ChatImage:
    return ChatImage.of_pixels(picture.image)
