from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.models.vila.layout import LayoutError, read_layout
from support.tiny_vila import edit_json, write_json

TOP, LLM, VISION, PROJECTOR = (f"{folder}config.json" for folder in ("", "llm/", "vision_tower/", "mm_projector/"))
PREPROCESSOR = "vision_tower/preprocessor_config.json"


def test_what_a_layout_says(tiny_vila: Callable[[str], Path]) -> None:
    layout = read_layout(tiny_vila("mlp2x_gelu"))
    assert [part.name for part in layout.parts] == ["llm", "vision_tower", "mm_projector"]
    assert [len(part.shards) for part in layout.parts] == [2, 1, 1]
    assert (layout.select_layer, layout.projector) == (-1, "mlp2x_gelu")
    assert (layout.image_size, layout.image_tokens) == (30, 25)  # 30 / 6 = 5 patches a side
    assert (layout.vocab_size, layout.max_length) == (259 + 5, 448)


def test_a_folded_image_takes_a_quarter_rounded_up(tiny_vila: Callable[[str], Path]) -> None:
    layout = read_layout(tiny_vila("mlp_downsample"))
    assert (layout.select_layer, layout.image_tokens) == (-2, 9)  # 5 patches a side, padded to 6


def test_without_a_stated_context_nothing_is_cut(broken: Path) -> None:
    edit_json(broken / LLM, tokenizer_model_max_length=None)
    assert read_layout(broken).max_length is None


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (TOP, {"model_type": "llava"}, "an ordinary LLaVA checkpoint; run it with --model ja_vlm"),
        (TOP, {"model_type": "qwen2_vl"}, "model_type is 'qwen2_vl'; expected 'llava_llama'"),
        (TOP, {"image_aspect_ratio": "pad"}, "image_aspect_ratio is 'pad'; expected 'resize'"),
        (TOP, {"mm_vision_select_feature": "patch"}, "mm_vision_select_feature is 'patch'; expected 'cls_patch'"),
        (TOP, {"mm_vision_select_layer": -9}, "mm_vision_select_layer is -9; the vision tower has 3 layers"),
        (TOP, {"mm_vision_select_layer": None}, "mm_vision_select_layer is None"),
        (TOP, {"s2": True}, "s2 is True; expected absent or False"),
        (TOP, {"mm_use_im_start_end": True}, "mm_use_im_start_end is True"),
        (TOP, {"hidden_size": 5120}, "hidden_size is 5120; expected absent or 32"),
        (TOP, {"mm_hidden_size": 1152}, "mm_hidden_size is 1152; expected absent or 16"),
        (LLM, {"model_type": "qwen2"}, "model_type is 'qwen2'; expected 'llama'"),
        (LLM, {"vocab_size": "264"}, "vocab_size is '264'; expected a positive integer"),
        (LLM, {"tie_word_embeddings": True}, "tie_word_embeddings is True"),
        (LLM, {"model_max_length": 1024}, "model_max_length 1024 is more than max_position_embeddings 512"),
        (VISION, {"model_type": "clip_vision_model"}, "expected 'siglip_vision_model'"),
        (VISION, {"image_size": None}, "image_size is None; expected a positive integer"),
        (PREPROCESSOR, {"size": {"height": 384, "width": 384}}, "expected {'height': 30, 'width': 30}"),
        (PREPROCESSOR, {"resample": 2}, "resample is 2; expected 3"),
        (PREPROCESSOR, {"do_rescale": False}, "do_rescale is False; expected True"),
        (PREPROCESSOR, {"image_mean": [0.5]}, "image_mean is [0.5]; expected three numbers"),
        (PROJECTOR, {"mm_projector_type": "linear"}, "expected 'mlp2x_gelu' or 'mlp_downsample'"),
    ],
)
def test_a_field_of_another_value(broken: Path, file: str, changes: dict[str, Any], message: str) -> None:
    edit_json(broken / file, **changes)
    with pytest.raises(LayoutError, match=re.escape(message)) as raised:
        read_layout(broken)
    assert str(broken / file) in str(raised.value)


@pytest.mark.parametrize("name", ["llm", "vision_tower", "mm_projector"])
def test_a_missing_folder(broken: Path, name: str) -> None:
    shutil.rmtree(broken / name)
    with pytest.raises(LayoutError, match=f"{name}: there is no such folder; expected a VILA checkpoint as published"):
        read_layout(broken)


@pytest.mark.parametrize("file", [TOP, LLM, PREPROCESSOR])
def test_a_missing_or_broken_file(broken: Path, file: str) -> None:
    (broken / file).write_text("{", encoding="utf-8")
    with pytest.raises(LayoutError, match=re.escape(str(broken / file))):
        read_layout(broken)
    (broken / file).write_text("[]", encoding="utf-8")
    with pytest.raises(LayoutError, match="expected a JSON object"):
        read_layout(broken)
    (broken / file).unlink()
    with pytest.raises(LayoutError, match=r"config.json: there is no such file"):
        read_layout(broken)


def test_missing_shards_are_counted_and_named(broken: Path) -> None:
    (broken / "llm" / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(LayoutError, match=r"1 of 2 weight files are missing: model-00002-of-00002.safetensors"):
        read_layout(broken)


def test_an_index_without_files(broken: Path) -> None:
    write_json(broken / "llm" / "model.safetensors.index.json", {"metadata": {}})
    with pytest.raises(LayoutError, match="no weight_map"):
        read_layout(broken)


def test_weights_in_another_format(broken: Path) -> None:
    (broken / "mm_projector" / "model.safetensors").rename(broken / "mm_projector" / "pytorch_model.bin")
    with pytest.raises(LayoutError, match=r"mm_projector: 1 of 1 weight files are missing: model.safetensors"):
        read_layout(broken)
