"""The catalogue of models: what it says hangs together, and a wrong one is refused by file, entry and field."""

from __future__ import annotations

import importlib
import math
from pathlib import Path

import pytest
import yaml

from lmms_eval_ja.jp_tasks.catalogue import tasks
from lmms_eval_ja.models import MANIFESTS
from lmms_eval_ja.models.catalogue import CATALOGUE, CatalogueError, Entry, Status, catalogue, read_catalogue
from lmms_eval_ja.models.environments import names

#: Hub repositories of the LLM-jp-3 VILA paper's Table 7, and its own model; GPT-4o is an API.
TABLE_7 = {
    "meta-llama/Llama-3.2-11B-Vision",
    "Qwen/Qwen2-VL-7B-Instruct",
    "OpenGVLab/InternVL2-8B",
    "llava-hf/llava-1.5-7b-hf",
    "llava-hf/llava-v1.6-mistral-7b-hf",
    "Efficient-Large-Model/VILA1.5-13b",
    "cyberagent/llava-calm2-siglip",
    "stabilityai/japanese-stable-vlm",
    "stabilityai/japanese-instructblip-alpha",
    "SakanaAI/Llama-3-EvoVLM-JP-v2",
    "llm-jp/llm-jp-3-vila-14b",
}
#: Gigabytes of an 80 GB GPU that weights, activations and cache may take.
GPU_GB = 72

every = pytest.mark.parametrize("entry", [pytest.param(entry, id=name) for name, entry in catalogue().items()])


def upstream() -> set[str]:
    from lmms_eval.models import AVAILABLE_CHAT_TEMPLATE_MODELS, AVAILABLE_SIMPLE_MODELS

    return {*AVAILABLE_CHAT_TEMPLATE_MODELS, *AVAILABLE_SIMPLE_MODELS}


def test_every_entry_names_an_existing_plugin() -> None:
    named = {entry.plugin for entry in catalogue().values() if entry.plugin is not None}
    foreign = named - MANIFESTS.keys()
    # Starting lmms-eval takes seconds, so it is asked for what is not ours only.
    assert foreign <= (upstream() if foreign else set())


@every
def test_every_entry_names_an_existing_environment_and_tasks(entry: Entry) -> None:
    assert entry.env is None or entry.env in names()
    assert set(entry.contaminated_tasks) <= {task.name for task in tasks()}


@every
def test_gpus_hold_the_model_and_none_is_idle(entry: Entry) -> None:
    if entry.needed_gb is None or entry.gpus == 0:
        return
    assert entry.gpus == math.ceil(entry.needed_gb / GPU_GB)


@every
def test_an_entry_says_what_its_plugin_says(entry: Entry) -> None:
    path = MANIFESTS.get(entry.plugin or "")
    if path is None or entry.status is Status.UNSUPPORTED:
        return
    module, _, name = path.rpartition(".")
    plugin = getattr(importlib.import_module(module), name)
    assert getattr(plugin, "remote_code", False) is entry.runs_remote_code
    assert getattr(plugin, "environment", None) == entry.env


def test_nothing_claims_to_have_been_run_with_real_weights() -> None:
    assert {entry.status for entry in catalogue().values()} == {Status.TINY_ONLY, Status.UNSUPPORTED}
    assert all(entry.memory_gb is None and entry.minutes_estimate is None for entry in catalogue().values())


def test_the_papers_models_and_herons_baseline_are_there() -> None:
    hubs = {entry.hub for entry in catalogue().values()}
    assert hubs >= TABLE_7 | {"turing-motors/heron-chat-git-ja-stablelm-base-7b-v1"}
    assert "gpt-4o-2024-05-13" in catalogue()


def test_contaminated_cells_are_those_that_the_paper_leaves_empty() -> None:
    marked = {name: entry.contaminated_tasks for name, entry in catalogue().items() if entry.contaminated_tasks}
    tasks_of_it = ("ja_vg_vqa_500", "ja_vg_vqa_500_first")
    assert marked == {"japanese-instructblip-alpha": tasks_of_it, "japanese-stable-vlm": tasks_of_it}
    assert catalogue()["llm-jp-3-vila-14b"].flags == ("in_domain", "teacher_is_judge")


def test_memory_is_estimated_unless_it_was_measured() -> None:
    entry = Entry(id="m", hub="o/m", plugin="ja_vlm", params_b=13, status=Status.TINY_ONLY)
    assert entry.needed_gb == 32.5  # 13 * 2 * 1.25
    assert entry.model_copy(update={"memory_gb": 29.0}).needed_gb == 29.0
    assert entry.model_copy(update={"params_b": None}).needed_gb is None


def test_model_args_name_the_checkpoint_first_and_spread_over_gpus() -> None:
    entry = Entry(
        id="m", hub="o/m", revision="abc", plugin="x", gpus=2, args={"trust_remote_code": True}, status=Status.TINY_ONLY
    )
    assert list(entry.model_args.items()) == [
        ("pretrained", "o/m"),
        ("revision", "abc"),
        ("device_map", "auto"),
        ("trust_remote_code", True),
    ]
    assert entry.runs_remote_code
    assert Entry(id="a", plugin="ja_api", args={"model": "g"}, gpus=0, status=Status.TINY_ONLY).model_args == {
        "model": "g"
    }


VALID = {"id": "a", "hub": "o/a", "plugin": "ja_vlm", "status": "tiny_only"}


def read(tmp_path: Path, rows: object) -> dict[str, Entry]:
    path = tmp_path / "models.yaml"
    path.write_text(yaml.safe_dump(rows), encoding="utf-8")
    return read_catalogue(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gpu": 1}, "entry 'a': gpu: unknown field; expected some of id, hub, revision, plugin, args,"),
        ({"gpus": "two"}, "entry 'a': gpus: Input should be a valid integer"),
        ({"gpus": -1}, "entry 'a': gpus: Input should be greater than or equal to 0"),
        ({"params_b": 0}, "entry 'a': params_b: Input should be greater than 0"),
        ({"hub": "no-owner"}, "entry 'a': hub: String should match pattern"),
        ({"status": "works"}, "entry 'a': status: Input should be 'checked', 'tiny_only' or 'unsupported'"),
        ({"flags": ["dubious"]}, "entry 'a': flags.0: Input should be 'in_domain' or 'teacher_is_judge'"),
        ({"plugin": None}, "entry 'a': plugin: state one, or status: unsupported"),
        ({"status": "unsupported"}, "entry 'a': note: say why it is unsupported"),
        ({"hub": None, "revision": "abc"}, "entry 'a': revision: there is no hub repository that it could be of"),
        ({"id": "Ä"}, "entry 'Ä': id: String should match pattern"),
        ({"id": None}, "entry number 1: id: Input should be a valid string"),
    ],
)
def test_a_wrong_entry_is_refused_by_file_entry_and_field(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, [VALID | change])
    assert f"{tmp_path / 'models.yaml'}: {message}" in str(caught.value)


def test_all_faults_of_an_entry_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        read(tmp_path, [VALID | {"gpus": -1, "wrong": 1}])
    assert len(str(caught.value).splitlines()) == 2


def test_other_faults_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="expected a list of entries"):
        read(tmp_path, {"a": 1})
    with pytest.raises(CatalogueError, match=r"entry number 2: expected fields \(id, hub"):
        read(tmp_path, [VALID, "text"])
    with pytest.raises(CatalogueError, match="entry 'a' stands twice"):
        read(tmp_path, [VALID, VALID])
    with pytest.raises(CatalogueError, match=r"missing\.yaml"):
        read_catalogue(tmp_path / "missing.yaml")


def test_fields_in_the_file_are_not_repeated_by_accident() -> None:
    # YAML takes the last of two equal keys silently.
    for block in CATALOGUE.read_text(encoding="utf-8").split("\n- ")[1:]:
        fields = [line.split(":")[0].strip() for line in block.splitlines() if line[:3].strip() and ":" in line]
        assert len(fields) == len(set(fields)), block
