"""Conversation and pixels."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.judges.original_llava.layout import LayoutError, read_layout
from lmms_eval_ja.judges.original_llava.processor import OriginalProcessor, preprocessing

SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions."
)


def said(role: str, *parts: str) -> dict[str, Any]:
    """A message; "!" stands for an image."""
    made = [{"type": "image"} if part == "!" else {"type": "text", "text": part} for part in parts]
    return {"role": role, "content": made}


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([said("user", "採点して。")], f"{SYSTEM} USER: 採点して。 ASSISTANT:"),
        ([said("user", "!", "a")], f"{SYSTEM} USER: <image>\na ASSISTANT:"),
        ([said("user", "a", "!")], f"{SYSTEM} USER: <image>\na ASSISTANT:"),
        ([said("user", "!", "!", "a\n")], f"{SYSTEM} USER: <image>\n<image>\na\n ASSISTANT:"),
        ([said("system", "S."), said("user", "a")], "S. USER: a ASSISTANT:"),
        (
            [said("user", "a"), said("assistant", "b"), said("user", "c")],
            f"{SYSTEM} USER: a ASSISTANT: b</s>USER: c ASSISTANT:",
        ),
        ([{"role": "user", "content": "a {{ b }}"}], f"{SYSTEM} USER: a {{{{ b }}}} ASSISTANT:"),
    ],
)
def test_the_conversation_is_vicuna_v1_with_the_image_first(messages, text, loaded):
    assert loaded[1].apply_chat_template(messages, add_generation_prompt=True) == text


def test_images_are_resized_by_their_shorter_side_and_cropped_not_padded(loaded, picture):
    """By Pillow and hand, as CLIP's preprocessing is described: 70 x 50 to 58 x 42, of which the middle 42."""
    import numpy as np
    from PIL import Image

    shown = picture.resize((58, 42), Image.Resampling.BICUBIC).crop((8, 0, 50, 42))  # 70 / 50 * 42 = 58.8, cut off
    mean, std = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    expected = ((np.asarray(shown) / 255 - mean) / std).transpose(2, 0, 1)
    pixels = loaded[1](["<image>"], [[picture]])["pixel_values"]
    assert tuple(pixels.shape) == (1, 3, 42, 42)
    assert np.abs(pixels[0].numpy() - expected).max() < 1e-5


def test_the_tower_of_prometheus_vision_makes_576_positions(small, tmp_path):
    import json

    config = json.loads((small / "config.json").read_text(encoding="utf-8"))
    config |= {"mm_vision_tower": "openai/clip-vit-large-patch14-336", "mm_hidden_size": 1024}
    for name in ("config.json", "tokenizer.json", "pytorch_model.bin"):
        (tmp_path / name).write_text(json.dumps(config), encoding="utf-8")
    layout = read_layout(tmp_path)
    assert layout.image_tokens == 576
    assert layout.vision["num_hidden_layers"] == 24
    assert preprocessing(layout)["crop_size"] == {"height": 336, "width": 336}


@pytest.mark.parametrize(("text", "images"), [("a", 1), ("<image>", 0), ("<image><image>", 1)])
def test_a_prompt_has_a_tag_for_each_image(text, images, small, picture):
    with pytest.raises(LayoutError, match=f"{text.count('<image>')} <image> tags in a prompt with {images} images"):
        OriginalProcessor(read_layout(small))([text], [[picture] * images])
