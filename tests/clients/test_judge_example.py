"""What judge.example.toml shows holds, also what is commented out there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lmms_eval_ja.clients import JudgeSettings, load_settings

EXAMPLE = Path(__file__).parents[2] / "judge.example.toml"
_COMMENTED = re.compile(r"^# (?=\[judges\.|[a-z_]+ = )", re.MULTILINE)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The example with everything in force that is commented out."""
    path = tmp_path / "judge.toml"
    path.write_text(_COMMENTED.sub("", EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    return {"LMMS_EVAL_JA_JUDGE_FILE": str(path)}


@pytest.mark.parametrize("name", ["openai", "local", "azure", "in_process", "prometheus", "prometheus_served", "jury"])
def test_every_judge_of_the_example_can_be_chosen(environ, name):
    settings = load_settings(environ | {"LMMS_EVAL_JA_JUDGE": name})
    assert settings.judge_name == name
    assert settings.budget_usd is None or settings.budget_usd > 0


def test_the_example_of_each_provider(environ):
    azure = load_settings(environ | {"LMMS_EVAL_JA_JUDGE": "azure"}).judge
    assert (azure.provider, azure.key_variable, azure.thinks) == ("azure", "AZURE_OPENAI_API_KEY", True)
    local = load_settings(environ | {"LMMS_EVAL_JA_JUDGE": "in_process"}).judge
    assert (local.provider, local.dtype, local.batch_size) == ("transformers", "auto", 8)


def test_the_example_names_every_field():
    text = EXAMPLE.read_text(encoding="utf-8")
    missing = [name for name in JudgeSettings.model_fields if not re.search(rf"^(# )?{name} = ", text, re.MULTILINE)]
    assert missing == []
