"""`comparison.yaml`: what is read from it, and what is refused with file, field and the nearest valid name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.faults import ComparisonError
from lmms_eval_ja.compare.file import Comparison, read_comparison
from lmms_eval_ja.compare.model_args import ArgumentError, text_of
from lmms_eval_ja.models.catalogue import catalogue
from support.comparison_file import GOOD, written

MINE = {"id": "mine", "plugin": "ja_vlm", "args": {"pretrained": "org/mine"}}


def read(folder: Path, **fields: Any) -> Comparison:
    return read_comparison(written(folder, GOOD | fields))


def test_a_file_with_every_kind_of_model(tmp_path: Path) -> None:
    for step in (3000, 200, 1000):
        (tmp_path / "training" / f"checkpoint-{step}").mkdir(parents=True)
    (tmp_path / "training" / "tmp-checkpoint-4000").mkdir()
    (tmp_path / "training" / "runs").mkdir()
    (tmp_path / "training" / "trainer_state-1.json").touch()
    (tmp_path / "weights").mkdir()
    (tmp_path / "answers.jsonl").touch()
    found = read(
        tmp_path,
        title="比較",
        tasks=["japanese_vlm", "ja_sample", "heron_bench_ja"],
        baseline="run1-1000",
        models=[
            "qwen2-vl-7b-instruct",
            {"id": "sarashina2-vision-8b", "label": "Sarashina", "gpus": 2, "args": {"dtype": "float16"}},
            {"id": "mine", "plugin": "ja_vlm", "args": {"pretrained": "weights", "dtype": "float32"}},
            {"id": "hub", "plugin": "ja_vlm", "args": {"pretrained": "org/name"}},
            {"id": "run1", "plugin": "ja_vlm", "checkpoints": "training", "label": "Run 1", "gpus": 4},
            {"id": "claude3", "plugin": "replay", "args": {"answers": "answers.jsonl"}},
        ],
    )
    assert found.output == tmp_path / "out"
    assert found.title == "比較"
    assert found.tasks == ("heron_bench_ja", "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500", "ja_sample")
    by_id = {model.id: model for model in found.models}
    assert list(by_id) == [
        "qwen2-vl-7b-instruct",
        "sarashina2-vision-8b",
        "mine",
        "hub",
        "run1-200",
        "run1-1000",
        "run1-3000",
        "claude3",
    ]
    assert by_id["qwen2-vl-7b-instruct"].entry == catalogue()["qwen2-vl-7b-instruct"]
    sarashina = by_id["sarashina2-vision-8b"]
    assert (sarashina.label, sarashina.entry.env, sarashina.entry.gpus) == ("Sarashina", "sarashina2", 2)
    assert sarashina.entry.args == {"trust_remote_code": True, "dtype": "float16"}
    assert by_id["mine"].entry.args == {"pretrained": str(tmp_path / "weights"), "dtype": "float32"}
    assert by_id["mine"].args == {"pretrained": "weights", "dtype": "float32"}
    assert by_id["hub"].entry.args == {"pretrained": "org/name"}
    step = by_id["run1-1000"]
    assert (step.series, step.step, step.label, step.entry.gpus) == ("run1", 1000, "Run 1 (1,000)", 4)
    assert step.entry.args == {"pretrained": str(tmp_path / "training" / "checkpoint-1000")}
    assert by_id["claude3"].entry.args == {"answers": str(tmp_path / "answers.jsonl")}
    assert by_id["claude3"].entry.gpus == 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"modles": []}, "unknown field 'modles'; did you mean models?"),
        ({"tasks": ["heron_bench"]}, "tasks: unknown task 'heron_bench'; did you mean heron_bench_ja"),
        ({"tasks": ["japanese_vlms"]}, "tasks: unknown task 'japanese_vlms'; did you mean japanese_vlm"),
        ({"tasks": []}, "tasks: List should have at least 1 item"),
        ({"models": []}, "models: List should have at least 1 item"),
        ({"models": ["qwen2-vl-7b"]}, "models: qwen2-vl-7b: unknown model 'qwen2-vl-7b'; did you mean qwen2-vl-7b-in"),
        ({"models": ["gpt-4o-2024-05-13"]}, "models: gpt-4o-2024-05-13: it cannot be run: The API retired it"),
        ({"models": [3]}, "models: entry 1: expected an id of the catalogue, or fields with id"),
        ({"models": [MINE, MINE]}, "models: two entries are named 'mine'"),
        ({"models": [MINE, MINE | {"id": "other", "label": "mine"}]}, "models: two entries are shown as 'mine'"),
        ({"models": [MINE | {"id": "../mine"}]}, "models: ../mine: id: it names a folder: expected lower-case letters"),
        ({"models": [MINE | {"id": "Mine"}]}, "models: Mine: id: it names a folder"),
        ({"models": [MINE | {"gpu": 2}]}, "models: mine: unknown field 'gpu'; did you mean gpus"),
        ({"models": [MINE | {"gpus": "two"}]}, "models: mine: gpus: Input should be a valid integer"),
        ({"models": [MINE | {"env": "sarashina"}]}, "env: unknown environment 'sarashina'; did you mean sarashina2"),
        ({"models": [MINE | {"label": 3}]}, "models: mine: label: expected a text, got 3"),
        ({"models": [{"id": "mine"}]}, "models: mine: plugin: state one"),
        ({"models": [MINE | {"contaminated_tasks": ["ja_vg_vqa"]}]}, "contaminated_tasks: unknown task 'ja_vg_vqa'"),
        (
            {"models": [MINE | {"args": {"system_prompt": "a, b"}}]},
            "args: system_prompt: lmms-eval splits arguments at",
        ),
        ({"models": [{"id": "r", "plugin": "replay", "args": {"answers": "no"}}]}, "answers: there is no such file or"),
        ({"models": [{"id": "s", "plugin": "ja_vlm", "checkpoints": "no"}]}, "s: checkpoints: "),
        ({"models": [MINE | {"args": {"api_key": "sk-x"}}]}, "args: api_key: a secret does not belong in the file"),
        ({"models": [MINE | {"args": {"base_url": "http://u:pw@h/v1"}}]}, "args: base_url: a secret does not belong"),
        ({"baseline": "qwen2-vl"}, "baseline: unknown model 'qwen2-vl'; did you mean qwen2-vl-7b-instruct?"),
        ({"output": None}, "output is missing"),
        ({"repeats": 0}, "repeats: Input should be greater than or equal to 1"),
        ({"batch_size": "large"}, "batch_size: expected a whole number from 1, or auto; got 'large'"),
        ({"batch_size": 0}, "batch_size"),
        ({"gen_kwargs": {"until": "a,b"}}, "gen_kwargs: until: lmms-eval splits arguments at commas"),
        ({"gpus": -1}, "gpus: Input should be greater than or equal to 0"),
    ],
)
def test_what_is_refused(changed: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(ComparisonError) as caught:
        read(tmp_path, **changed)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'comparison.yaml'}: ")


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "japanese-stable-vlm", "plugin": "replay", "args": {"answers": "."}},
        {"id": "mine", "plugin": "ja_vlm", "hub": "stabilityai/japanese-stable-vlm"},
    ],
)
def test_what_is_known_of_a_models_data_stays_known_whatever_runs_it(entry: dict[str, Any], tmp_path: Path) -> None:
    (model,) = read(tmp_path, models=[entry]).models
    assert model.entry.contaminated_tasks == ("ja_vg_vqa_500", "ja_vg_vqa_500_first")
    (cleared,) = read(tmp_path, models=[entry | {"contaminated_tasks": []}]).models
    assert cleared.entry.contaminated_tasks == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tasks: [", "comparison.yaml: while parsing"),
        ("- a\n- b\n", "expected fields (output, title, tasks"),
        ("tasks: [ja_sample]\ntasks: [ja_sample]\n", "the key 'tasks' stands twice in the entry that begins in line 1"),
    ],
)
def test_what_is_no_comparison(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ComparisonError) as caught:
        read_comparison(written(tmp_path, text))
    assert says in str(caught.value)
    with pytest.raises(ComparisonError, match=r"nowhere.yaml: .*No such file"):
        read_comparison(tmp_path / "nowhere.yaml")


def test_a_folder_without_checkpoints_is_named_with_the_pattern(tmp_path: Path) -> None:
    (tmp_path / "training" / "logs").mkdir(parents=True)
    series = {"id": "run1", "plugin": "ja_vlm", "checkpoints": "training"}
    with pytest.raises(ComparisonError, match=rf"{tmp_path / 'training'} holds no checkpoint, .* \(checkpoint-1000, "):
        read(tmp_path, models=[series])
    for name in ("checkpoint-10", "step_10"):
        (tmp_path / "training" / name).mkdir()
    with pytest.raises(ComparisonError, match="two folders of step 10"):
        read(tmp_path, models=[series])
    with pytest.raises(ComparisonError, match="checkpoints take the place of pretrained and hub"):
        read(tmp_path, models=[series | {"hub": "org/name"}])


def test_an_output_that_is_stated_apart_takes_the_place_of_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, {name: value for name, value in GOOD.items() if name != "output"})
    assert read_comparison(path, tmp_path / "elsewhere").output == tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, ""),
        ({"pretrained": "a/b=c", "dtype": "float16", "batch": 3, "trust_remote_code": True},
         "pretrained=a/b=c,dtype=float16,batch=3,trust_remote_code=True"),
        ({"device_map": '{"a": 0, "b": 1}'}, 'device_map={"a": 0, "b": 1}'),
        ({"pretrained": "1000"}, "pretrained=1000"),
    ],
)  # fmt: skip
def test_arguments_are_read_back_by_lmms_eval_as_they_were(arguments: dict[str, Any], text: str) -> None:
    from lmms_eval.utils import simple_parse_args_string

    assert text_of(arguments) == text
    back = simple_parse_args_string(text)
    assert {name: str(value) for name, value in back.items()} == {n: str(v) for n, v in arguments.items()}


@pytest.mark.parametrize("value", ["a,b", "it's", '{"a"', "1e3", "007", "true", " a", ""])
def test_values_that_lmms_eval_would_change_are_refused(value: str) -> None:
    with pytest.raises(ArgumentError, match=r"^name: "):
        text_of({"name": value})


@pytest.mark.parametrize("name", ["", "a=b", "a,b", " a"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ArgumentError, match="is no name of an argument"):
        text_of({name: 1})
