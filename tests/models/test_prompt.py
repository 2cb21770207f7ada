"""From a task's messages to one form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.prompt import Prompt, chat_messages, message_images, message_text

RED = Image.new("RGB", (4, 3), (255, 0, 0))


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_images_and_texts_keep_their_places() -> None:
    blue = Image.new("RGB", (2, 2), (0, 0, 255))
    raw = user({"type": "text", "text": "一"}, {"type": "image", "url": RED}, {"type": "text", "text": "二"})
    raw += [{"role": "assistant", "content": "はい"}, *user({"type": "image", "image": blue})]
    made = chat_messages(raw)
    assert [part["type"] for m in made for part in m["content"]] == ["text", "image", "text", "text", "image"]
    assert [image.size for image in message_images(made)] == [(4, 3), (2, 2)]
    assert message_text(made[0], "<image>") == "一<image>二"
    assert made[1] == {"role": "assistant", "content": [{"type": "text", "text": "はい"}]}


def test_an_image_may_be_a_file(tmp_path: Path) -> None:
    RED.save(path := tmp_path / "red.png")
    (image,) = message_images(chat_messages(user({"type": "image", "url": str(path)})))
    assert (image.mode, image.getpixel((0, 0))) == ("RGB", (255, 0, 0))


def test_images_become_rgb() -> None:
    (image,) = message_images(chat_messages(user({"type": "image", "url": RED.convert("P")})))
    assert (image.mode, image.getpixel((0, 0))) == ("RGB", (255, 0, 0))


def test_a_system_prompt_is_put_in_front_once() -> None:
    raw = user({"type": "text", "text": "問"})
    system = {"role": "system", "content": [{"type": "text", "text": "丁寧に"}]}
    assert chat_messages(raw, "丁寧に")[0] == system
    own = [{"role": "system", "content": "簡潔に"}, *raw]
    assert [m["role"] for m in chat_messages(own, "丁寧に")] == ["system", "user"]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "video", "url": "x.mp4"}, "a message holds video; this model takes text and images"),
        ({"type": "image", "url": 5}, "an image of type int; expected a PIL image or a path"),
        ({"type": "image", "url": "/nonexistent.png"}, "an image that does not decode (FileNotFoundError"),
    ],
)
def test_what_cannot_be_asked_is_named(part: Any, message: str) -> None:
    with pytest.raises(DocumentError) as caught:
        chat_messages(user(part))
    assert message in str(caught.value)


@pytest.mark.parametrize("filled_up", [False, True])
def test_an_image_that_breaks_off_does_not_decode(
    tmp_path: Path, filled_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", filled_up)  # lmms-eval sets it
    Image.effect_noise((64, 64), 50).save(path := tmp_path / "x.png")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(DocumentError, match="does not decode"):
        chat_messages(user({"type": "image", "url": Image.open(path)}))


def test_no_messages_at_all() -> None:
    with pytest.raises(DocumentError, match="no messages"):
        chat_messages([])


def test_the_hash_of_an_image_sees_size_and_pixels() -> None:
    # 6 x 2 and 3 x 4 black pixels are the same bytes.
    wide, high, red = Image.new("RGB", (6, 2)), Image.new("RGB", (3, 4)), Image.new("RGB", (6, 2), (255, 0, 0))
    hashes = Prompt("", (wide, high, red, wide.copy())).image_hashes
    assert len(set(hashes)) == 3
    assert hashes[0] == hashes[3]
    assert Prompt("", (wide, high)).pixels == 24
