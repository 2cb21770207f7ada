"""`lmms-eval-ja convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lmms_eval_ja.cli import app
from support.tiny_original_llava import make_original_llava
from support.tiny_vila import edit_json, make_vila


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_vila(tmp_path_factory.mktemp("vila"))


def test_it_says_what_it_writes_and_how_to_serve_it(checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "llava"
    done = CliRunner().invoke(app, ["convert", str(checkpoint), str(out)])
    assert done.exit_code == 0, done.output
    assert "writing model-00004-of-00004.safetensors" in done.output
    assert "tensors, 0.0 GB, LlavaForConditionalGeneration; <image> is token 259." in done.output
    assert "resize images to 30 x 30 with Pillow" in done.output
    assert f"vllm serve {out} --dtype float32" in done.output
    assert (out / "config.json").exists()


def test_it_overwrites_nothing(checkpoint: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["convert", str(checkpoint), str(tmp_path)])
    assert done.exit_code == 1
    assert "error: " in done.output
    assert "exists already" in done.output


def test_a_checkpoint_of_another_layout(tmp_path: Path) -> None:
    folder = make_vila(tmp_path / "vila")
    edit_json(folder / "config.json", model_type="qwen2_vl")
    done = CliRunner().invoke(app, ["convert", str(folder), str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "model_type is 'qwen2_vl'; expected 'llava_llama'" in done.output
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_in_llavas_own_format(tmp_path: Path) -> None:
    source, out = make_original_llava(tmp_path / "prometheus"), tmp_path / "llava"
    done = CliRunner().invoke(app, ["convert", str(source), str(out)])
    assert done.exit_code == 0, done.output
    assert "writing model-00002-of-00002.safetensors" in done.output
    assert "tensors, 0.0 GB, LlavaForConditionalGeneration; <image> is token 259." in done.output
    assert f"vllm serve {out} --dtype float32" in done.output
    assert (out / "chat_template.jinja").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mm_projector_type": "linear"}, "mm_projector_type is 'linear'; expected 'mlp2x_gelu'"),
        ({"hidden_size": 40}, "no tensor for model.|config.json it would be [40"),
        ({"vocab_size": 200}, "vocab_size is 200, and the tokenizer there has 259 tokens"),
    ],
)
def test_a_fault_in_llavas_own_format_names_file_and_field(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    source = make_original_llava(tmp_path / "prometheus")
    edit_json(source / "config.json", **changes)
    done = CliRunner().invoke(app, ["convert", str(source), str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "error: " in done.output
    assert str(source / "config.json") in done.output
    assert any(text in done.output for text in said.split("|"))
    assert not (tmp_path / "out").exists()


def test_a_config_that_is_no_json(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    done = CliRunner().invoke(app, ["convert", str(tmp_path), str(tmp_path / "out")])
    assert done.exit_code == 1
    assert "config.json cannot be read: " in done.output
