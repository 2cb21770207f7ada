"""From the messages that lmms-eval builds for a document to what a model is asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile

from lmms_eval_ja.models.failures import DocumentError

#: As transformers' chat templates take it: `{"role": "user", "content": [{"type": "image", "image": PIL image},
#: {"type": "text", "text": "…"}]}`. The content is always a list; images are RGB.
Message = dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """What a model is asked: the text with its image tags, and the images in the order of the tags."""

    text: str
    images: tuple[Image.Image, ...] = ()

    @property
    def pixels(self) -> int:
        """Number of pixels of all images."""
        return sum(image.width * image.height for image in self.images)

    @property
    def image_hashes(self) -> list[str]:
        """SHA-256 of each image's pixels (hex)."""
        return [_pixel_hash(image) for image in self.images]


def chat_messages(raw: Sequence[Mapping[str, Any]], system_prompt: str | None = None) -> list[Message]:
    """Bring a document's messages into one form.

    Args:
        raw: As a task's `doc_to_messages` gives them: content a text, or a list of parts; an image's part holds a PIL
            image or a path under `url` or `image`.
        system_prompt: Put in front as a system message, where there is none yet.

    Raises:
        DocumentError: an image that does not decode; a part that is neither text nor image; no messages at all.
    """
    if not raw:
        raise DocumentError("the task gave no messages for it")
    messages = [{"role": str(m["role"]), "content": _parts(m["content"])} for m in raw]
    if system_prompt and messages[0]["role"] != "system":
        messages.insert(0, {"role": "system", "content": [{"type": "text", "text": system_prompt}]})
    return messages


def message_images(messages: Sequence[Message]) -> tuple[Image.Image, ...]:
    """The images of the messages, in their order."""
    return tuple(part["image"] for m in messages for part in m["content"] if part["type"] == "image")


def message_text(message: Message, image_tag: str = "") -> str:
    """The text of one message, its parts joined as they stand, with a tag where an image is.

    For families whose template is not Jinja.
    """
    return "".join(image_tag if part["type"] == "image" else part["text"] for part in message["content"])


def _parts(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_part(part) for part in content]


def _part(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else type(part).__name__
    if kind == "text":
        return {"type": "text", "text": str(part["text"])}
    if kind == "image":
        return {"type": "image", "image": _rgb(part["image"] if "image" in part else part.get("url"))}
    raise DocumentError(f"a message holds {kind}; this model takes text and images")


def _rgb(image: Any) -> Image.Image:
    if not isinstance(image, (str, Path, Image.Image)):
        raise DocumentError(f"an image of type {type(image).__name__}; expected a PIL image or a path")
    try:
        with _WHOLE:
            opened = image if isinstance(image, Image.Image) else Image.open(image)
            return opened.convert("RGB")
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError, struct.error …
        raise DocumentError(f"an image that does not decode ({type(error).__name__}: {error})") from None


def _pixel_hash(image: Image.Image) -> str:
    digest = hashlib.sha256(f"{image.mode} {image.width}x{image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


class _WholeImages:
    """While it lasts, an image that breaks off does not decode; lmms-eval has Pillow fill up the rest with grey."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before = False

    def __enter__(self) -> None:
        self._lock.acquire()
        self._before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = False

    def __exit__(self, *_: object) -> None:
        ImageFile.LOAD_TRUNCATED_IMAGES = self._before
        self._lock.release()


_WHOLE = _WholeImages()
