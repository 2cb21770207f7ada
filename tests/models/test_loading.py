"""Loading: dtype, offloading, and what is said when it fails."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.fingerprint import checkpoint_identity
from support.vlm_requests import requests

Tiny = Callable[[str], Path]
Load = Callable[..., ChatVlm]


def test_the_dtype_is_the_checkpoint_s_own(tiny: Tiny, tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    folder = shutil.copytree(tiny("llava_next"), tmp_path / "half")
    AutoModelForImageTextToText.from_pretrained(folder).to(torch.bfloat16).save_pretrained(folder)
    model = ChatVlm(str(folder), device="cpu", answer_log="off")
    assert model.model.dtype == torch.bfloat16
    assert not model.model.training
    assert ChatVlm(str(folder), dtype="float32", device="cpu", answer_log="off").model.dtype == torch.float32
    with pytest.raises(ModelError, match="dtype=half32: expected auto, float32, float16 or bfloat16"):
        ChatVlm(str(folder), dtype="half32", device="cpu", answer_log="off")


@pytest.mark.parametrize("family", ["qwen2_5_vl", "llava_next"])
def test_a_model_half_on_disk_answers_as_a_whole_one(vlm: Load, family: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = [result.text for result in vlm(family).generate_until(requests(range(5)))]
    model = vlm(family, batch_size=2, device_map="auto", max_cpu_memory="150KB")
    assert set(map(str, model.model.hf_device_map.values())) == {"cpu", "disk"}
    assert [result.text for result in model.generate_until(requests(range(5)))] == whole
    assert "do not fit and are read from memory or disk at every step" in caplog.text


def test_attention_is_as_asked(vlm: Load) -> None:
    assert vlm(attn_implementation="eager").model.config._attn_implementation == "eager"


def test_a_checkpoint_that_is_not_there() -> None:
    with pytest.raises(ModelError, match="pretrained=/nonexistent/x cannot be loaded by AutoModelForImageTextToText"):
        ChatVlm("/nonexistent/x", device="cpu", answer_log="off")


def test_a_missing_shard_is_named(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llava_next"), tmp_path / "torn")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"cannot be loaded .* no file named|model\.safetensors"):
        ChatVlm(str(folder), device="cpu", answer_log="off")


def test_weights_under_other_names_are_an_error(tiny: Tiny, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny("qwen2_5_vl"), tmp_path / "renamed")
    weights = load_file(path := folder / "model.safetensors")
    renamed = {name.replace("mlp.up_proj", "mlp.lift"): tensor for name, tensor in weights.items()}
    save_file(renamed, path, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"weights of Qwen2_5_VLForConditionalGeneration are not there .*up_proj"):
        ChatVlm(str(folder), device="cpu", answer_log="off")


def test_code_of_a_checkpoint_is_not_run_unasked(tmp_path: Path) -> None:
    config = {"model_type": "own", "auto_map": {
        "AutoConfig": "own.OwnConfig", "AutoModelForImageTextToText": "own.Own"
    }}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (tmp_path / "own.py").write_text("raise RuntimeError('it ran')", encoding="utf-8")
    with pytest.raises(ModelError, match=r"runs code of its own; .* add trust_remote_code=True \(and revision=COMMIT"):
        ChatVlm(str(tmp_path), device="cpu", answer_log="off")


def test_a_family_with_code_of_its_own_says_so_before_anything_is_loaded() -> None:
    class Remote(ChatVlm):
        remote_code = True

    with pytest.raises(ModelError, match="pretrained=org/name runs code of its own"):
        Remote("org/name")


def test_what_tells_checkpoints_apart(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llava_next"), tmp_path / "a")
    first = checkpoint_identity(str(folder))
    assert first.startswith("sha256:")
    assert checkpoint_identity(str(folder.rename(tmp_path / "b"))) == first  # its place does not matter
    weights = tmp_path / "b" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert checkpoint_identity(str(tmp_path / "b")) != first


def test_a_large_file_counts_by_size_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr("lmms_eval_ja.models.fingerprint._READ_WHOLE", 3)
    (file := tmp_path / "weights").write_bytes(b"12345")
    os.utime(file, ns=(1, 1))
    first = checkpoint_identity(str(tmp_path))
    file.write_bytes(b"54321")
    assert checkpoint_identity(str(tmp_path)) != first
    os.utime(file, ns=(1, 1))
    assert checkpoint_identity(str(tmp_path)) == first


def test_a_name_on_the_hub_counts_by_its_commit() -> None:
    from types import SimpleNamespace

    config: Any = SimpleNamespace(_commit_hash="abc")
    assert checkpoint_identity("org/name", "main", config) == "org/name@abc"
    assert checkpoint_identity("org/name", "v1") == "org/name@v1"
