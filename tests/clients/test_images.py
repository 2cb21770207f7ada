from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.clients import ChatClient, ChatImage, ChatRequest, ImageError, JudgeSettings, images, with_images
from lmms_eval_ja.clients.images import images_of
from support.judge_server import JudgeServer

MESSAGES = [
    {"role": "system", "content": "審査員です。"},
    {"role": "user", "content": "例"},
    {"role": "assistant", "content": "5"},
    {"role": "user", "content": "採点"},
]


def picture(colour: Any = (200, 30, 30), mode: str = "RGB", size: tuple[int, int] = (3, 2)) -> Image.Image:
    return Image.new(mode, size, colour)


def encoded(format_: str) -> bytes:
    out = io.BytesIO()
    picture().save(out, format_)
    return out.getvalue()


RED, BLUE = ChatImage.of_pixels(picture()), ChatImage.of_pixels(picture((0, 0, 255)))


# --- what an image is ---


def test_pixels_become_a_png_that_loses_nothing():
    image = Image.effect_noise((40, 30), 80).convert("RGB")
    made = ChatImage.of_pixels(image)
    assert made.media_type == "image/png"
    assert Image.open(io.BytesIO(made.data)).tobytes() == image.tobytes()
    assert made.data_url == "data:image/png;base64," + base64.b64encode(made.data).decode()


def test_the_hash_is_of_the_pixels():
    # mode, size and the six pixels, whatever an encoder makes of them
    expected = hashlib.sha256(b"RGB 3x2\n" + bytes([200, 30, 30] * 6)).hexdigest()
    assert RED.sha256 == expected
    assert RED.reference == f"sha256:{expected}"


def test_images_are_equal_when_they_show_the_same():
    again = ChatImage(RED.sha256, b"another encoder's bytes", "image/png")
    assert again == RED
    assert hash(again) == hash(RED)
    assert RED != BLUE
    assert ChatImage.of_pixels(picture(size=(2, 3))) != RED
    assert repr(RED) == f"ChatImage(sha256='{RED.sha256}', media_type='image/png')"


@pytest.mark.parametrize(
    ("mode", "colour", "sent"),
    [("L", 7, "L"), ("RGBA", (1, 2, 3, 4), "RGBA"), ("CMYK", 0, "RGB"), ("1", 1, "RGB"), ("LA", (9, 9), "RGBA")],
)
def test_every_mode_is_sent_in_one_that_servers_read(mode, colour, sent):
    made = ChatImage.of_pixels(picture(colour, mode))
    assert Image.open(io.BytesIO(made.data)).mode == sent


def test_a_palette_with_transparency_keeps_it():
    image = picture(0, "P")
    image.info["transparency"] = 0
    assert Image.open(io.BytesIO(ChatImage.of_pixels(image).data)).mode == "RGBA"


@pytest.mark.parametrize(
    ("format_", "kind"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")]
)
def test_a_file_is_sent_as_it_is(format_, kind):
    data = encoded(format_)
    made = ChatImage.of_file(data)
    assert (made.data, made.media_type, made.sha256) == (data, kind, hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"RIFF1234WAVE", b"BM"])
def test_a_file_of_another_format_is_refused(data):
    with pytest.raises(ImageError, match="expected PNG, JPEG, GIF or WebP"):
        ChatImage.of_file(data)


# --- images in messages ---


def test_images_stand_before_the_text_of_the_last_user_message():
    sent = with_images(MESSAGES, [RED, BLUE])
    assert sent[:3] == MESSAGES[:3]
    assert sent[3] == {
        "role": "user",
        "content": [
            {"type": "image_url", "image_url": {"url": RED.reference}},
            {"type": "image_url", "image_url": {"url": BLUE.reference}},
            {"type": "text", "text": "採点"},
        ],
    }
    assert isinstance(MESSAGES[3]["content"], str)
    assert images_of(sent[3], [BLUE, RED]) == [RED, BLUE]
    assert images_of(sent[0], [RED]) == []


def test_without_images_messages_stay_as_they_are():
    assert with_images(MESSAGES, []) == MESSAGES


def test_a_message_of_the_user_need_not_be_the_last():
    sent = with_images([*MESSAGES, {"role": "assistant", "content": "{"}], [RED])
    assert [isinstance(message["content"], list) for message in sent] == [False, False, False, True, False]


def test_an_image_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(images, "LARGEST_BYTES", len(RED.data))
    assert with_images(MESSAGES, [RED])
    monkeypatch.setattr(images, "LARGEST_BYTES", len(RED.data) - 1)
    with pytest.raises(ImageError, match=r"image 2 has 0\.0 MB.*sees_image = false"):
        with_images(MESSAGES, [ChatImage("0", b"", "image/png"), RED])


# --- images in requests ---


def request_with(*of: ChatImage) -> ChatRequest:
    return ChatRequest("asked", with_images(MESSAGES, of), {"max_tokens": 9}, images=of)


def test_the_key_holds_the_images_hash():
    assert request_with(RED).key() != request_with(BLUE).key() != request_with().key()
    assert request_with(RED).key() == request_with(ChatImage(RED.sha256, b"", "image/png")).key()
    assert request_with(RED, BLUE).key() != request_with(BLUE, RED).key()


def test_what_is_stored_holds_hashes_and_what_is_sent_the_images():
    request = request_with(RED)
    assert "base64" not in json.dumps(request.messages)
    assert RED.reference in json.dumps(request.messages)
    assert request_with().sent_messages() == MESSAGES

    async def run() -> None:
        client = ChatClient(JudgeSettings(base_url=server.base_url, model="asked"))
        await client.ask(request)
        await client.close()

    with JudgeServer(lambda body: "5") as server:
        asyncio.run(run())
    (body,) = server.requests
    assert body["messages"][:3] == MESSAGES[:3]
    assert body["messages"][3]["content"] == [
        {"type": "image_url", "image_url": {"url": RED.data_url}},
        {"type": "text", "text": "採点"},
    ]
