"""`lmms-eval-ja models` and `lmms-eval-ja env`, as a user sees them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from lmms_eval_ja import envs, model_table
from lmms_eval_ja.cli import app
from lmms_eval_ja.models.catalogue import catalogue
from lmms_eval_ja.models.environments import environment, names


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (envs, model_table):
        monkeypatch.setattr(module, "console", Console(width=300))


def call(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_the_table_has_a_row_for_each_entry_with_its_marks() -> None:
    shown = call("models")
    assert shown.exit_code == 0
    rows = {cells[0]: cells for line in shown.output.splitlines() if len(cells := line.strip("│ ").split()) > 1}
    assert catalogue().keys() <= rows.keys()
    row = next(line for line in shown.output.splitlines() if "japanese-stable-vlm " in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        "japanese-stable-vlm",
        "stabilityai/japanese-stable-vlm",
        "japanese_stable_vlm",
        "stabilityai",
        "7",
        "~18",  # 7 * 2 * 1.25 = 17.5
        "1",
        "tiny_only",
        "ja_vg_vqa_500, ja_vg_vqa_500_first (not ranked)",
    ]


def test_an_entry_is_shown_with_the_command_that_runs_it() -> None:
    shown = call("models", "llava-calm2-siglip")
    assert shown.exit_code == 0
    assert "licence             Apache-2.0" in shown.output
    assert "minutes_estimate    not known" in shown.output
    last = shown.output.splitlines()[-1]
    assert last == (
        "lmms-eval --model llava_calm2_siglip --model_args pretrained=cyberagent/llava-calm2-siglip --tasks "
        "japanese_vlm --batch_size auto --log_samples --output_path results/llava-calm2-siglip"
    )


def test_the_command_of_a_family_runs_in_its_environment_and_tells_of_remote_code() -> None:
    *_, warning, create, run = call("models", "sarashina2-vision-8b").output.splitlines()
    assert warning.startswith("trust_remote_code=True lets Python code of sbintuitions/sarashina2-vision-8b run")
    assert create == "lmms-eval-ja env create sarashina2"
    words = shlex.split(run)
    assert words[:3] == [str(environment("sarashina2").python), "-m", "lmms_eval"]
    assert words[words.index("--model_args") + 1] == (
        "pretrained=sbintuitions/sarashina2-vision-8b,trust_remote_code=True"
    )


def test_a_model_on_several_gpus_is_spread_and_an_api_model_has_no_batch_size() -> None:
    assert "device_map=auto" in call("models", "qwen2.5-vl-72b-instruct").output.splitlines()[-1]
    assert (
        call("models", "gpt-4o-2024-11-20")
        .output.splitlines()[-1]
        .startswith("lmms-eval --model ja_api --model_args model=gpt-4o-2024-11-20 --tasks japanese_vlm --log_samples")
    )


def test_what_is_unsupported_has_a_reason_and_no_command() -> None:
    shown = call("models", "gpt-4o-2024-05-13").output
    assert "retired it on 2026-10-23" in shown
    assert shown.splitlines()[-1] == "It cannot be run; the note says why."
    assert "pretrained=" not in shown


def test_every_entry_can_be_shown() -> None:
    for entry in catalogue().values():
        assert [line for line in model_table.described(entry) if "None" in line] == []


def test_an_unknown_model_names_the_nearest() -> None:
    failed = call("models", "llm-jp-3-vila")
    assert failed.exit_code == 1
    assert failed.output.startswith("error: unknown model 'llm-jp-3-vila'; did you mean llm-jp-3-vila-14b")


def test_environments_are_listed_with_their_models(tmp_path: Path) -> None:
    shown = call("env", "list", "--folder", str(tmp_path))
    assert shown.exit_code == 0
    lines = {name: next(line for line in shown.output.splitlines() if f" {name} " in line) for name in names()}
    assert [cell.strip() for cell in lines["stabilityai"].strip("│").split("│")] == [
        "stabilityai",
        "4.45.2",
        "absent",
        "japanese-instructblip-alpha, japanese-stable-vlm, heron-chat-git-ja-stablelm-base-7b-v1",
    ]
    assert shown.output.splitlines()[-1] == f"In {tmp_path}"


def test_every_environment_is_needed_by_a_model() -> None:
    assert {entry.env for entry in catalogue().values()} - {None} == set(names())


def test_what_cannot_be_done_ends_with_1_and_says_what_to_do(tmp_path: Path) -> None:
    here = ("--folder", str(tmp_path))
    failed = call("env", "check", "evovlm", "sarashina2", *here)
    assert failed.exit_code == 1
    # Both are looked at.
    assert "error: environment evovlm is not made: lmms-eval-ja env create evovlm" in failed.output
    assert "error: environment sarashina2 is not made: lmms-eval-ja env create sarashina2" in failed.output
    unknown = call("env", "create", "sarashina", *here)
    assert unknown.exit_code == 1
    assert "unknown environment 'sarashina'; expected one of evovlm, heron_nvila" in unknown.output
    assert call("env", "remove", "evovlm", *here).output == "evovlm: was not there\n"
