"""What is recognised as LLaVA's own format, and what of it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.judges.original_llava.layout import LayoutError, is_original, read_layout
from support.tiny_original_llava import make_original_llava


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return make_original_llava(tmp_path / "own")


def change(path: Path, **fields: Any) -> None:
    stated = json.loads(path.read_text(encoding="utf-8")) | fields
    path.write_text(json.dumps({name: value for name, value in stated.items() if value is not None}), encoding="utf-8")


@pytest.mark.parametrize(
    ("config", "original"),
    [
        ({"model_type": "llava", "architectures": ["LlavaLlamaForCausalLM"]}, True),
        ({"model_type": "llava_llama", "mm_vision_tower": "openai/clip-vit-large-patch14-336"}, True),
        ({"model_type": "llava", "text_config": {}, "vision_config": {}}, False),
        ({"model_type": "llava_llama", "architectures": ["LlavaLlamaModel"], "llm_cfg": {}}, False),
        ({"model_type": "llava_llama", "mm_hidden_size": 1152}, False),
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, False),
        ({}, False),
    ],
)
def test_the_format_is_known_by_the_config(config, original):
    assert is_original(config) is original


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"architectures": ["LlavaMptForCausalLM"]}, r"architectures is \['LlavaMptForCausalLM'\]; expected \['Llav"),
        ({"mm_projector_type": "linear"}, "mm_projector_type is 'linear'; expected 'mlp2x_gelu'"),
        ({"mm_vision_select_feature": "cls_patch"}, "is 'cls_patch'; expected no such field or 'patch'"),
        ({"image_aspect_ratio": "anyres"}, "image_aspect_ratio is 'anyres'; expected no such field or 'square' or"),
        ({"mm_use_im_start_end": True}, "mm_use_im_start_end is True; expected false or no such field"),
        ({"hidden_size": None}, "hidden_size is None; expected a whole number above 0"),
        ({"num_hidden_layers": 2.5}, "num_hidden_layers is 2.5; expected a whole number above 0"),
        ({"mm_hidden_size": 1024}, "mm_hidden_size is 1024; the tower tower has 24"),
        ({"mm_vision_select_layer": None}, "mm_vision_select_layer is None; the vision tower has 3 layers"),
        ({"mm_vision_select_layer": -5}, "mm_vision_select_layer is -5; the vision tower has 3 layers"),
        (
            {"mm_vision_tower": "openai/clip"},
            "mm_vision_tower is 'openai/clip'; expected openai/clip-vit-large-patch14",
        ),
    ],
)
def test_a_field_that_would_not_be_reproduced_is_named(fields, said, own):
    change(own / "config.json", **fields)
    with pytest.raises(LayoutError, match=rf"own/config\.json: .*{said}"):
        read_layout(own)


def test_a_field_of_the_towers_config(own):
    change(own / "tower" / "config.json", patch_size=0)
    with pytest.raises(LayoutError, match=r"tower/config\.json: patch_size is 0; expected a whole number above 0"):
        read_layout(own)


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("config.json", r"config\.json cannot be read: "),
        ("tokenizer.json", r"own: no tokenizer \(tokenizer\.json or tokenizer\.model\)"),
        ("pytorch_model.bin.index.json", r"own has no weights \(model\.safetensors or pytorch_model\.bin, or shards"),
        ("pytorch_model-00002-of-00002.bin", r"index\.json names pytorch_model-00002-of-00002\.bin, not there"),
    ],
)
def test_a_file_that_is_missing_is_named(lacking, said, own):
    (own / lacking).unlink()
    with pytest.raises(LayoutError, match=said):
        read_layout(own)


def test_an_index_that_names_nothing(own):
    (own / "pytorch_model.bin.index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"index\.json: no weight_map"):
        read_layout(own)


def test_a_config_that_is_no_object(own):
    (own / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"config\.json: expected a JSON object"):
        read_layout(own)
