"""From a document's messages to the chat request that asks for its answer, and from the reply to the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from lmms_eval_ja.clients import ChatImage, ChatRequest, StoredReply
from lmms_eval_ja.clients.images import LARGEST_BYTES
from lmms_eval_ja.metrics import clean_answer
from lmms_eval_ja.models.api_settings import ApiSettings
from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.generation import GenerationSettings, cut_at_stop
from lmms_eval_ja.models.prompt import Message, chat_messages, message_text

#: OpenAI takes no more stop strings; the answer is cut at the others when it is there.
_MOST_STOPS = 4


def chat_request(
    raw: Sequence[Mapping[str, Any]], stated: GenerationSettings, settings: ApiSettings, repeat: int = 0
) -> ChatRequest:
    """The request for one answer, with images as lossless PNG.

    Args:
        raw: messages as a task's `doc_to_messages` gives them.
        stated: how the answer is generated.
        settings: of the model.
        repeat: which of several samples of the same question this is.

    Raises:
        DocumentError: the messages hold what cannot be sent, such as an image that does not decode.
    """
    images: dict[str, ChatImage] = {}
    messages = [
        {"role": message["role"], "content": _content(message, images, settings.max_pixels)}
        for message in chat_messages(raw, settings.system_prompt)
    ]
    sampling = _sampling(stated, settings, repeat)
    return ChatRequest(settings.server.model, messages, sampling, repeat, images=tuple(images.values()))


def unsent_settings(stated: GenerationSettings) -> tuple[str, ...]:
    """Names of what a task states and chat servers have no common field for."""
    found = {
        "top_k": stated.top_k > 0,
        "num_beams": stated.num_beams > 1,
        "repetition_penalty": stated.repetition_penalty is not None,
    }
    return tuple(name for name, is_stated in found.items() if is_stated)


def answer_text(reply: StoredReply, until: Sequence[str]) -> str:
    """The answer of a reply; the text of a refusal is one. It is cut at stop strings, without white space at its ends.

    Raises:
        DocumentError: there is no answer: no text, and the model did not end by itself.
    """
    text = clean_answer(reply.content or reply.refusal or "")
    if text.strip() or reply.finish_reason == "stop":
        return cut_at_stop(text, until).strip()
    if reply.finish_reason == "length":
        raise DocumentError(
            f"cut at the token limit before any text came ({reply.completion_tokens} tokens): state a larger max_tokens"
        )
    raise DocumentError(f"the reply holds no text (finish_reason: {reply.finish_reason})")


def _content(message: Message, images: dict[str, ChatImage], max_pixels: int | None) -> str | list[dict[str, Any]]:
    """A message's content; one that is text alone is a plain string, which every server takes."""
    if all(part["type"] == "text" for part in message["content"]):
        return message_text(message)
    return [part if part["type"] == "text" else _image_part(part["image"], images, max_pixels)
            for part in message["content"]]  # fmt: skip


def _image_part(image: Image.Image, images: dict[str, ChatImage], max_pixels: int | None) -> dict[str, Any]:
    pixels = image.width * image.height
    if max_pixels is not None and pixels > max_pixels:
        scale = (max_pixels / pixels) ** 0.5
        image = image.resize(
            (max(1, int(image.width * scale)), max(1, int(image.height * scale))), Image.Resampling.BICUBIC
        )
    encoded = ChatImage.of_pixels(image)
    if len(encoded.data) > LARGEST_BYTES:
        raise DocumentError(
            f"an image of {image.width} × {image.height} pixels has {len(encoded.data) / 1e6:.1f} MB, and more than "
            f"{LARGEST_BYTES / 1e6:g} MB are not sent: state max_pixels"
        )
    images[encoded.reference] = encoded
    return {"type": "image_url", "image_url": {"url": encoded.reference}}


def _sampling(stated: GenerationSettings, settings: ApiSettings, repeat: int) -> dict[str, Any]:
    """The fields besides model and messages. A reasoning model would stop at a stop string in its hidden thoughts."""
    server = settings.server
    prescribed = {"temperature": stated.temperature, "max_tokens": stated.max_new_tokens}
    sent = server.sampling(prescribed | ({"top_p": stated.top_p} if stated.top_p < 1 else {}))
    if server.seed is not None and "seed" not in server.extra_body:
        sent["seed"] = server.seed + repeat
    if stated.until and not server.thinks:
        sent.setdefault("stop", list(stated.until[:_MOST_STOPS]))
    return sent
