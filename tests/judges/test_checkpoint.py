from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges import PROTOCOLS, Judge, checkpoint
from lmms_eval_ja.judges.checkpoint import asked_model, checkpoint_problem, loaded_model


@pytest.fixture(autouse=True)
def _fresh() -> None:
    checkpoint._name.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "my-judge")


def written(folder: Path, weights: bytes = b"0123", config: dict[str, Any] | None = None) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config or {"model_type": "llama"}), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text('{"chat_template": "x"}', encoding="utf-8")
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def settings(model: object, **more: Any) -> JudgeSettings:
    return JudgeSettings(provider="transformers", model=str(model), **more)


# --- names ---


def test_a_model_of_a_server_is_named_as_it_is():
    assert asked_model(JudgeSettings(model="gpt", revision="v2", dtype="float32")) == "gpt"


def test_a_checkpoint_of_the_hub_is_named_with_its_revision():
    assert asked_model(settings("org/judge")) == "org/judge"
    assert asked_model(settings("org/judge", revision="v2")) == "org/judge@v2"
    assert asked_model(settings("org/judge", revision="v2", dtype="float32")) == "org/judge@v2:float32"
    assert loaded_model(settings("org/judge"), None) == "org/judge"
    assert loaded_model(settings("org/judge"), "0a1b") == "org/judge@0a1b"
    assert loaded_model(settings("org/judge", revision="v2", dtype="float32"), "0a1b") == "org/judge@0a1b:float32"


def test_a_folder_is_named_by_what_is_in_it_wherever_it_lies(tmp_path, folder, monkeypatch):
    name = asked_model(settings(folder))
    assert name.startswith("my-judge@")
    assert len(name) == len("my-judge@") + 12
    (tmp_path / "elsewhere").mkdir()
    assert asked_model(settings(written(tmp_path / "elsewhere" / "my-judge"))) == name
    monkeypatch.chdir(folder.parent)
    assert asked_model(settings("my-judge")) == name
    assert loaded_model(settings(folder), "0a1b") == name


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", b"0124"),
        ("config.json", b'{"model_type": "llama", "rope_theta": 2}'),
        ("generation_config.json", b"{}"),
        ("chat_template.jinja", b"{{ messages }}"),
        ("tokenizer.model", b"x"),
    ],
)
def test_whatever_moves_a_reply_moves_the_name(folder, file, content):
    before = asked_model(settings(folder))
    (folder / file).write_bytes(content)
    checkpoint._name.cache_clear()
    assert asked_model(settings(folder)) != before


def test_what_moves_no_reply_does_not(folder):
    before = asked_model(settings(folder))
    (folder / "README.md").write_text("読んでください", encoding="utf-8")
    checkpoint._name.cache_clear()
    assert asked_model(settings(folder)) == before


def test_large_weights_of_one_size_are_told_apart_by_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_WHOLE", 1000)
    monkeypatch.setattr(checkpoint, "_PIECES", 5)
    monkeypatch.setattr(checkpoint, "_PIECE", 10)
    # pieces of 10 bytes at 0, 500, 1000, 1500 and 2000 of these 2010 bytes
    names = set()
    for at in (None, 0, 505, 1500, 2009):
        weights = bytearray(2010)
        if at is not None:
            weights[at] = 1
        names.add(asked_model(settings(written(_named(tmp_path, at), bytes(weights)))))
    assert len(names) == 5


def _named(tmp_path: Path, at: object) -> Path:
    parent = tmp_path / str(at)
    parent.mkdir()
    return parent / "judge"


def test_the_fingerprint_names_the_checkpoint(folder):
    judge = Judge(settings(folder))
    assert judge.label == asked_model(judge.settings)
    assert judge.fingerprint(PROTOCOLS["vqa_likert"])["judge"] == judge.label


# --- what can be seen to be wrong ---


def test_a_checkpoint_with_all_its_parts_has_no_problem(folder):
    assert checkpoint_problem(settings(folder)) is None
    assert Judge(settings(folder)).problem() is None


def test_a_checkpoint_that_is_to_be_fetched_has_no_problem_yet():
    assert checkpoint_problem(settings("org/judge")) is None


def test_offline_a_checkpoint_must_be_in_the_cache(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    problem = checkpoint_problem(settings("org/judge"))
    assert problem is not None
    assert "hf download org/judge" in problem


@pytest.mark.parametrize("model", ["/nowhere/judge", "./judge", "~/judge"])
def test_a_folder_that_is_not_there(model):
    problem = checkpoint_problem(settings(model))
    assert problem is not None
    assert f"{model} is not there: correct model in judge.toml" in problem


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("config.json", "has no config.json"),
        ("model.safetensors", "has no weights (*.safetensors or *.bin)"),
        ("tokenizer_config.json", "has no chat template"),
    ],
)
def test_a_part_that_is_missing_is_named(folder, lacking, said):
    (folder / lacking).unlink()
    problem = checkpoint_problem(settings(folder))
    assert problem is not None
    assert str(folder) in problem
    assert said in problem


def test_a_chat_template_may_stand_in_a_file_of_its_own(folder):
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    (folder / "chat_template.jinja").write_text("x", encoding="utf-8")
    assert checkpoint_problem(settings(folder)) is None


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"model_type": "unheard_of"}, "is of type 'unheard_of', which this version of transformers does not know"),
        ({"model_type": "own", "auto_map": {"AutoModel": "x.Y"}}, "brings code of its own, which is not run"),
    ],
)
def test_a_type_that_transformers_does_not_know(tmp_path, config, said):
    problem = checkpoint_problem(settings(written(tmp_path / "judge", config=config)))
    assert problem is not None
    assert said in problem


def test_a_precision_that_there_is_not(folder):
    problem = checkpoint_problem(settings(folder, dtype="fp16"))
    assert problem is not None
    assert "dtype = 'fp16'" in problem
    assert "auto, float32, float16, bfloat16" in problem


def test_a_judge_that_is_only_looked_up_has_no_problem():
    assert Judge(settings("/nowhere/judge", mode="store")).problem() is None
    assert Judge.overlap().problem() is None


def test_of_a_jury_the_first_problem_counts(folder):
    jury = JudgeSettings(provider="jury", members=("a", "b"))
    members = {"a": settings(folder), "b": settings("/nowhere/judge")}
    problem = Judge(jury, members).problem()
    assert problem is not None
    assert "/nowhere/judge" in problem
