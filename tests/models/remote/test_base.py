"""What all plugins of remote code do alike."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers

from lmms_eval_ja.models import MANIFESTS
from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.environments import names
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.remote import base
from lmms_eval_ja.models.remote.base import auto_class, generation_keywords, seeded
from lmms_eval_ja.models.remote.internvl2 import InternVl2
from support.remote_checkpoints import make_asked

PLUGINS = {name: path for name, path in MANIFESTS.items() if ".remote." in path}
#: Run code of an installed package, none of the checkpoint's.
OF_A_PACKAGE = {MANIFESTS[name] for name in ("evovlm_jp_v1", "evovlm_jp_v2", "heron_git")}


def plugin(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", PLUGINS.values(), ids=PLUGINS)
def test_every_plugin_has_an_environment(path: str) -> None:
    assert plugin(path).environment in names()


@pytest.mark.parametrize("path", [path for path in PLUGINS.values() if path not in OF_A_PACKAGE])
def test_code_is_not_run_until_the_user_says_so(path: str, tmp_path: Path) -> None:
    checkpoint = make_asked(tmp_path / "checkpoint", "AskedByChat")
    (checkpoint / "modeling_asked.py").write_text("raise AssertionError('this code was run')")
    with pytest.raises(ModelError, match="add trust_remote_code=True"):
        plugin(path)(str(checkpoint), answer_log="off", device="cpu")


def test_a_checkpoint_without_code_is_refused(tmp_path: Path, loaded: Callable[..., Any]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(ModelError, match="no auto_map with one of AutoModelForImageTextToText"):
        loaded(InternVl2, tmp_path)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path, loaded: Callable[..., Any]) -> None:
    with pytest.raises(ModelError, match="its configuration cannot be loaded"):
        loaded(InternVl2, tmp_path)


def test_a_class_that_transformers_no_longer_has_names_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = make_asked(tmp_path / "checkpoint", "AskedByChat")
    config = json.loads((checkpoint / "config.json").read_text())
    config["auto_map"]["AutoModelForVision2Seq"] = config["auto_map"].pop("AutoModel")
    (checkpoint / "config.json").write_text(json.dumps(config))
    arguments = ModelArguments.of("Some", pretrained=str(checkpoint), trust_remote_code=True)
    newest = SimpleNamespace(AutoConfig=transformers.AutoConfig, __version__="5.0.0")
    monkeypatch.setattr(base, "transformers", newest)
    with pytest.raises(ModelError, match=r"needs AutoModelForVision2Seq.*lmms-eval-ja env create stabilityai"):
        auto_class(arguments, "stabilityai")
    newest.AutoModelForVision2Seq = "the class"
    assert auto_class(arguments, "stabilityai") == "the class"


def test_settings_by_the_names_of_transformers() -> None:
    assert generation_keywords(GenerationSettings(5)) == {"max_new_tokens": 5, "num_beams": 1, "do_sample": False}
    assert generation_keywords(GenerationSettings(5, 0.5, 0.9, 3, repetition_penalty=1.1)) == {
        "max_new_tokens": 5,
        "num_beams": 1,
        "do_sample": True,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 3,
        "repetition_penalty": 1.1,
    }


def test_a_seed_holds_inside_only() -> None:
    torch.manual_seed(1)
    before = torch.rand(2).tolist()
    torch.manual_seed(1)
    after = [float(torch.rand(1))]
    with seeded(7):
        inside = torch.rand(1)
    after.append(float(torch.rand(1)))
    with seeded(7):
        assert torch.rand(1) == inside
    assert after == before
