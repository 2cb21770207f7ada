"""Documents with images, and requests for them as lmms-eval builds them for chat models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from PIL import Image

Doc = dict[str, Any]
GREEDY = {"max_new_tokens": 8, "until": [], "temperature": 0, "do_sample": False}


def picture(number: int) -> Image.Image:
    """An image whose size and colours depend on the number."""
    width, height = 24 + 8 * (number % 4), 24 + 8 * (number % 3)
    image = Image.linear_gradient("L").resize((width, height))
    tinted = Image.new("RGB", (width, height), (37 * number % 256, 91 * number % 256, 53 * number % 256))
    return Image.merge("RGB", (image, *tinted.split()[1:]))


def documents(count: int) -> list[Doc]:
    """Documents with none, one or two images, and questions of several lengths."""
    return [
        {"question": f"{n}番は" + "何色ですか。" * (n % 3 + 1), "images": [picture(10 * n + k) for k in range(n % 3)]}
        for n in range(count)
    ]


def messages(doc: Doc) -> list[dict[str, Any]]:
    """What lmms-eval makes of a document: images first, as `url`, then the question."""
    images = [{"type": "image", "url": image} for image in doc["images"]]
    return [{"role": "user", "content": [*images, {"type": "text", "text": doc["question"]}]}]


def requests(
    doc_ids: Sequence[int], settings: Mapping[str, Any] = GREEDY, *, task: str = "t", build: Any = messages
) -> list[Any]:
    """Requests: context, messages, generation settings, doc_id, task, split."""
    return [SimpleNamespace(args=("", build, dict(settings), n, task, "test"), metadata={}) for n in doc_ids]
