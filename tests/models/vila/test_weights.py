from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lmms_eval_ja.models.vila.layout import LayoutError, read_layout
from lmms_eval_ja.models.vila.loading import VilaCheckpoint
from lmms_eval_ja.models.vila.weights import key_mapping, stored_tensors, transformers_name
from support.tiny_vila import edit_json, rewrite

PROJECTOR, TOWER = "mm_projector/model.safetensors", "vision_tower/model.safetensors"


def test_names_of_the_projectors(tiny_vila: Callable[[str], Path]) -> None:
    for projector, numbers in (("mlp2x_gelu", {"0": "linear_1", "2": "linear_2"}),
                               ("mlp_downsample", {"1": "norm", "2": "linear_1", "4": "linear_2"})):  # fmt: skip
        layout = read_layout(tiny_vila(projector))
        names = {
            name: transformers_name(layout, layout.mm_projector, name) for name in stored_tensors(layout.mm_projector)
        }
        assert names == {
            f"layers.{number}.{kind}": f"model.multi_modal_projector.{module}.{kind}"
            for number, module in numbers.items()
            for kind in ("weight", "bias")
        }


def test_the_mapping_gives_each_name_once_though_every_rule_is_tried(tiny_vila: Callable[[str], Path]) -> None:
    """transformers 5 applies all rules in turn, each to what the one before made."""
    layout = read_layout(tiny_vila("mlp2x_gelu"))
    for part in layout.parts:
        for name in stored_tensors(part):
            found = name
            for pattern, replacement in key_mapping(layout).items():
                found = re.sub(pattern, replacement, found, count=1)
            assert found == transformers_name(layout, part, name)


def test_a_tensor_too_few(broken: Path) -> None:
    rewrite(broken / PROJECTOR, layers__2__bias=None)
    with pytest.raises(LayoutError, match=r"no tensor for model\.multi_modal_projector\.linear_2\.bias"):
        VilaCheckpoint(broken)


def test_a_tensor_too_many(broken: Path) -> None:
    rewrite(broken / PROJECTOR, layers__4__bias=torch.zeros(3))
    with pytest.raises(LayoutError, match=re.escape(f"{broken / PROJECTOR}: unexpected tensor layers.4.bias")):
        VilaCheckpoint(broken)


def test_constants_that_old_versions_wrote_are_left_out(broken: Path) -> None:
    rewrite(broken / TOWER, vision_model__embeddings__position_ids=torch.arange(25))
    VilaCheckpoint(broken).load()


def test_a_tower_that_does_not_fit_its_config(broken: Path) -> None:
    edit_json(broken / "vision_tower" / "config.json", intermediate_size=48)
    with pytest.raises(LayoutError) as raised:
        VilaCheckpoint(broken)
    # Three layers and the head, with a weight and a bias into the wider layer and a weight out of it: 4 * 3 = 12.
    assert str(raised.value).endswith("\nand 7 more")
    assert f"{broken / TOWER}: vision_model.encoder.layers.0.mlp.fc1.bias has the shape [32]; " in str(raised.value)
    assert f"{broken / 'vision_tower' / 'config.json'} says [48]" in str(raised.value)


def test_more_layers_in_the_config_than_in_the_files(broken: Path) -> None:
    edit_json(broken / "llm" / "config.json", num_hidden_layers=3)
    with pytest.raises(LayoutError, match=r"no tensor for model\.language_model\.layers\.2\."):
        VilaCheckpoint(broken)


def test_a_file_that_was_cut_off(broken: Path) -> None:
    data = (broken / PROJECTOR).read_bytes()
    (broken / PROJECTOR).write_bytes(data[:-100])
    with pytest.raises(LayoutError, match=re.escape(f"{broken / PROJECTOR}: not a whole safetensors file")):
        VilaCheckpoint(broken)


def test_a_tensor_in_two_files(broken: Path) -> None:
    rewrite(broken / "llm" / "model-00001-of-00002.safetensors", model__norm__weight=torch.ones(32))
    with pytest.raises(LayoutError, match=r"model\.norm\.weight stands in model-00001-of-00002\.safetensors too"):
        VilaCheckpoint(broken)
