"""A checkpoint written out, read again by plain transformers."""

from __future__ import annotations

import json
import re
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoProcessor, AutoTokenizer, LlavaForConditionalGeneration

from lmms_eval_ja.models.vila.conversation import LLMJP_V3
from lmms_eval_ja.models.vila.export import Exported, export_llava
from lmms_eval_ja.models.vila.layout import LayoutError
from lmms_eval_ja.models.vila.loading import load_vila
from lmms_eval_ja.models.vila.pixels import resized
from support.tiny_vila import edit_json, make_vila
from support.vila_golden import CASES, CHECKPOINT, needs_golden
from support.vlm_requests import picture

IMAGE = {"type": "image", "image": picture(0)}


@pytest.fixture(scope="module")
def exported(tiny_vila: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_llava(tiny_vila("mlp2x_gelu"), tmp_path_factory.mktemp("out") / "llava")


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    found = {}
    for path in folder.rglob("*.safetensors"):
        with safe_open(path, framework="pt") as stored:
            found |= {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    return found


def test_what_was_written(exported: Exported) -> None:
    assert (exported.image_id, exported.image_size, exported.dtype) == (259, 30, "float32")
    assert exported.tensors == len(_tensors(exported.folder))
    assert exported.size == sum(path.stat().st_size for path in exported.folder.iterdir())
    index = json.loads((exported.folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    assert index["weight_map"].keys() == _tensors(exported.folder).keys()
    assert not list(exported.folder.parent.glob("*.partial"))


def test_names_are_those_that_vllm_reads(exported: Exported) -> None:
    prefixes = {
        re.sub(r"\.(layers|encoder)\.\d.*|\.[^.]+\.(weight|bias)$", "", name) for name in _tensors(exported.folder)
    }
    assert {"vision_tower.vision_model.embeddings", "multi_modal_projector", "language_model"} <= prefixes
    assert all(name.startswith(("vision_tower.vision_model.", "multi_modal_projector.linear_", "language_model.model.",
                                "language_model.lm_head.weight")) for name in _tensors(exported.folder))  # fmt: skip


def test_values_are_unchanged_but_for_the_output_rows_without_a_token(
    exported: Exported, tiny_vila: Callable[[str], Path]
) -> None:
    before, after = _tensors(tiny_vila("mlp2x_gelu")), _tensors(exported.folder)
    head = after.pop("language_model.lm_head.weight")
    assert torch.equal(head[:259], before["lm_head.weight"][:259])
    assert torch.equal(head[259:], head[:1].expand(5, -1))  # the unknown token's
    embedded = "language_model.model.embed_tokens.weight"
    assert torch.equal(after[embedded], before["model.embed_tokens.weight"])
    assert torch.equal(after["multi_modal_projector.linear_2.bias"], before["layers.2.bias"])


def test_every_figure_of_the_parts_is_written_out(exported: Exported, tiny_vila: Callable[[str], Path]) -> None:
    config = json.loads((exported.folder / "config.json").read_text(encoding="utf-8"))
    for name, folder in (("text_config", "llm"), ("vision_config", "vision_tower")):
        part = json.loads((tiny_vila("mlp2x_gelu") / folder / "config.json").read_text(encoding="utf-8"))
        assert config[name].items() >= part.items()
    assert (config["vision_feature_layer"], config["vision_feature_select_strategy"]) == (-1, "full")


def test_plain_transformers_answers_as_the_plugins_model(exported: Exported, tiny_vila: Callable[[str], Path]) -> None:
    """Also without `suppress_tokens`, which other engines do not know."""
    ours, processor = load_vila(tiny_vila("mlp2x_gelu"))
    model, report = LlavaForConditionalGeneration.from_pretrained(exported.folder, output_loading_info=True)
    assert not any(report.values())
    theirs = AutoProcessor.from_pretrained(exported.folder)
    for number, text in enumerate(("<image>何色?", "a<image>b<image>\nc", "文だけ")):
        images = [picture(number + k) for k in range(text.count("<image>"))]
        mine = processor([text], [images])
        inputs = theirs(text=[text], images=[resized(i, 30) for i in images] or None, return_tensors="pt")
        assert inputs["input_ids"].tolist() == mine["input_ids"].tolist()
        if images:
            torch.testing.assert_close(inputs["pixel_values"], mine["pixel_values"], rtol=0, atol=1e-6)
        expected = ours.generate(**mine, max_new_tokens=12)
        assert model.generate(**inputs, max_new_tokens=12).tolist() == expected.tolist()
        model.generation_config.suppress_tokens = None
        assert model.generate(**inputs, max_new_tokens=12).tolist() == expected.tolist()


def test_the_chat_template_is_the_plugins(exported: Exported) -> None:
    template = AutoProcessor.from_pretrained(exported.folder).apply_chat_template
    words = {"type": "text", "text": "甲\n乙 "}
    asked: list[list[dict[str, Any]]] = [
        [{"role": "user", "content": [IMAGE, IMAGE, words]}],
        [{"role": "user", "content": [words, IMAGE, words]}],
        [{"role": "system", "content": [words]}, {"role": "user", "content": [words]}],
        [
            {"role": "user", "content": [IMAGE, words]},
            {"role": "assistant", "content": [words]},
            {"role": "user", "content": [words]},
        ],
    ]
    for messages in asked:
        assert template(messages, tokenize=False, add_generation_prompt=True) == LLMJP_V3.render(messages)


def test_the_tokenizer_has_one_token_more(exported: Exported, tiny_vila: Callable[[str], Path]) -> None:
    before = AutoTokenizer.from_pretrained(tiny_vila("mlp2x_gelu") / "llm")
    after = AutoTokenizer.from_pretrained(exported.folder)
    assert len(after) == len(before) + 1
    assert after.convert_tokens_to_ids("<image>") == 259
    assert after("甲<s>b").input_ids == before("甲<s>b").input_ids


def test_nothing_is_overwritten(tiny_vila: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="exists already"):
        export_llava(tiny_vila("mlp2x_gelu"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_vila15s_projector_is_not_llavas(tiny_vila: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"mm_projector_type is 'mlp_downsample', which LLaVA does not have"):
        export_llava(tiny_vila("mlp_downsample"), tmp_path / "out")


def test_without_a_free_row_there_is_no_place_for_the_image_token(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no row of the embedding is free"):
        export_llava(make_vila(tmp_path / "vila", spare=0), tmp_path / "out")


def test_a_disk_that_is_too_small(
    tiny_vila: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 95, 5))
    with pytest.raises(LayoutError, match=r"0\.0 GB are needed, 0\.0 GB are free"):
        export_llava(tiny_vila("mlp2x_gelu"), tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())


def test_a_failure_half_way_leaves_nothing(
    tiny_vila: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("lmms_eval_ja.models.vila.export._write_processor", fail)
    with pytest.raises(OSError, match="disk full"):
        export_llava(tiny_vila("mlp2x_gelu"), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_bfloat16_weights_are_to_be_computed_with_in_float16(broken: Path, tmp_path: Path) -> None:
    edit_json(broken / "llm" / "config.json", torch_dtype="bfloat16")
    assert export_llava(broken, tmp_path / "out").dtype == "float16"


@needs_golden
def test_the_references_ids_through_plain_transformers(tmp_path: Path) -> None:
    folder = export_llava(CHECKPOINT, tmp_path / "out").folder
    model, processor = LlavaForConditionalGeneration.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
    for case in (case for case in CASES if case.name != "truncated"):
        images = [resized(image, 62) for image in case.images]
        inputs = processor(text=[case.prompt], images=images or None, return_tensors="pt")
        made = model.generate(**inputs, max_new_tokens=case.max_new_tokens)
        assert made[0, inputs["input_ids"].shape[1] :].tolist() == case.new_ids
