"""Images as a chat request carries them: in its messages by their hash, and as data URLs only on the wire."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

Message = dict[str, Any]
#: Providers refuse larger ones; and to make them smaller is not ours: the judge would see another image.
LARGEST_BYTES = 20_000_000
_MARKS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
#: Modes of Pillow that a PNG keeps and every server reads.
_PLAIN_MODES = ("L", "RGB", "RGBA")


class ImageError(ValueError):
    """An image that cannot be sent; the message says why."""


@dataclass(frozen=True)
class ChatImage:
    """An encoded image; two are equal when they show the same.

    Attributes:
        sha256: (hex) of the file for an image that is sent as its file, else of its pixels: the bytes of a PNG depend
            on the version of zlib that wrote them.
        data: the encoded image.
        media_type: such as image/png.
    """

    sha256: str
    data: bytes = field(repr=False, compare=False)
    media_type: str = field(compare=False)

    @classmethod
    def of_file(cls, data: bytes) -> ChatImage:
        """An image file as it is.

        Raises:
            ImageError: neither PNG, JPEG, GIF nor WebP, which is what servers read.
        """
        kind = next((kind for mark, kind in _MARKS.items() if data.startswith(mark)), None)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            kind = "image/webp"
        if kind is None:
            raise ImageError("an image file of unknown format; expected PNG, JPEG, GIF or WebP")
        return cls(hashlib.sha256(data).hexdigest(), data, kind)

    @classmethod
    def of_pixels(cls, image: Image) -> ChatImage:
        """A decoded image as a PNG, which loses nothing. What is neither grey, RGB nor RGBA becomes RGB (or RGBA)."""
        if image.mode not in _PLAIN_MODES:
            image = image.convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
        digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode())
        digest.update(image.tobytes())
        encoded = io.BytesIO()
        # The fastest compression: these bytes are sent once. The colour profile, which no model reads, stays out.
        image.save(encoded, "PNG", compress_level=1, icc_profile=None)
        return cls(digest.hexdigest(), encoded.getvalue(), "image/png")

    @property
    def reference(self) -> str:
        """What stands for the image in keys, stores and results."""
        return f"sha256:{self.sha256}"

    @property
    def data_url(self) -> str:
        """The image as OpenAI-compatible servers take it."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"


def with_images(messages: Sequence[Message], images: Sequence[ChatImage]) -> list[Message]:
    """The messages with images, by their hash, before the text of the last message of the user.

    Raises:
        ImageError: an image is larger than `LARGEST_BYTES`.
    """
    for number, image in enumerate(images, 1):
        if len(image.data) > LARGEST_BYTES:
            raise ImageError(
                f"image {number} has {len(image.data) / 1e6:.1f} MB, and more than {LARGEST_BYTES / 1e6:g} MB are not "
                "sent: make the data's image smaller, or judge without images (sees_image = false)"
            )
    if not images:
        return list(messages)
    at = max(number for number, message in enumerate(messages) if message["role"] == "user")
    parts = [{"type": "image_url", "image_url": {"url": image.reference}} for image in images]
    text = {"type": "text", "text": messages[at]["content"]}
    return [*messages[:at], messages[at] | {"content": [*parts, text]}, *messages[at + 1 :]]


def images_of(message: Message, images: Sequence[ChatImage]) -> list[ChatImage]:
    """The images that a message of `with_images` refers to, in its order."""
    known = {image.reference: image for image in images}
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    return [known[part["image_url"]["url"]] for part in parts if part["type"] == "image_url"]


def with_data_urls(messages: Sequence[Message], images: Sequence[ChatImage]) -> list[Message]:
    """The messages as they are sent: each reference to an image replaced by the image itself."""
    urls = {image.reference: image.data_url for image in images}
    return [message | {"content": _sent(message.get("content"), urls)} for message in messages]


def _sent(content: Any, urls: Mapping[str, str]) -> Any:
    if not isinstance(content, list):
        return content
    return [
        part | {"image_url": {"url": urls[part["image_url"]["url"]]}} if part["type"] == "image_url" else part
        for part in content
    ]
