"""The checkpoint as it is written for transformers and vLLM."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.judges.original_llava import export
from lmms_eval_ja.judges.original_llava.export import ExportedLlava, export_original
from lmms_eval_ja.judges.original_llava.layout import LayoutError, is_original
from support.tiny_original_llava import make_original_llava

ASKED = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Is 回答 good?"}]}]


@pytest.fixture(scope="module")
def written(small: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportedLlava:
    return export_original(small, tmp_path_factory.mktemp("written") / "hf")


@pytest.fixture(scope="module")
def plain(written: ExportedLlava) -> tuple[Any, Any]:
    """As anybody loads it, without anything of this project."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model, report = AutoModelForImageTextToText.from_pretrained(written.folder, output_loading_info=True)
    assert not any(report.values())
    return model.eval(), AutoProcessor.from_pretrained(written.folder)


def test_it_computes_what_the_published_one_does(plain, loaded, picture):
    import torch

    text = plain[1].apply_chat_template(ASKED, add_generation_prompt=True)
    assert text == loaded[1].apply_chat_template(ASKED, add_generation_prompt=True)
    own = loaded[1]([text], [[picture]])
    inputs = plain[1](text=[text], images=[picture], return_tensors="pt")
    unknown, image_id = loaded[1].image_id, plain[0].config.image_token_id
    assert (
        torch.where(inputs["input_ids"] == image_id, unknown, inputs["input_ids"]).tolist() == own["input_ids"].tolist()
    )
    inputs["pixel_values"] = own["pixel_values"]  # else by torchvision, in transformers 5
    with torch.inference_mode():
        published, converted = loaded[0](**own).logits[0], plain[0](**inputs).logits[0]
    rows = published.shape[1]
    assert float((converted[:, :rows] - published).abs().max()) < 1e-5
    # what no token has ties with the unknown token, which is there before
    assert float((converted[:, rows:] - published[:, :1]).abs().max()) < 1e-5


def test_it_never_says_what_no_token_has(plain, written):
    assert plain[0].config.text_config.vocab_size == 320  # 259 bytes and special tokens, <image>, up to 5 * 64
    assert plain[0].generation_config.suppress_tokens == [*range(259, 320)]
    assert (written.image_id, written.dtype) == (259, "float32")


def test_tensors_have_the_names_that_vllm_reads(written):
    index = json.loads((written.folder / "model.safetensors.index.json").read_text(encoding="utf-8"))
    names = {name.split(".layers")[0] for name in index["weight_map"] if ".layers." in name}
    assert names == {"language_model.model", "vision_tower.vision_model.encoder"}
    assert {"language_model.lm_head.weight", "multi_modal_projector.linear_2.bias"} <= index["weight_map"].keys()
    assert len(index["weight_map"]) == written.tensors
    assert not any("inv_freq" in name or "position_ids" in name for name in index["weight_map"])
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in written.folder.iterdir())


def test_its_config_says_all_and_is_not_taken_for_the_published_format(written):
    config = json.loads((written.folder / "config.json").read_text(encoding="utf-8"))
    assert not is_original(config)
    assert config["vision_feature_layer"] == -2
    assert config["vision_feature_select_strategy"] == "default"
    assert config["text_config"]["rms_norm_eps"] == 1e-5
    assert config["text_config"]["torch_dtype"] == "float32"


def test_nothing_is_overwritten(small, tmp_path):
    with pytest.raises(LayoutError, match="exists already; name a folder that does not exist"):
        export_original(small, tmp_path)


def test_a_disk_that_is_too_small(small, tmp_path, monkeypatch):
    monkeypatch.setattr(export.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 0, 10))
    with pytest.raises(LayoutError, match=r"0\.0 GB are needed, 0\.0 GB are free"):
        export_original(small, tmp_path / "out")
    assert not [*tmp_path.iterdir()]


def test_what_breaks_off_leaves_nothing(tmp_path):
    folder = make_original_llava(tmp_path / "own")

    def stop(name: str) -> None:
        if name.startswith("model-00002"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_original(folder, tmp_path / "out", stop)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
