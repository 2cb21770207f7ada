"""`heron_nvila_lite` on a stand-in with the same `generate_content`; real weights were not run.

The stand-in's code lies in the checkpoint's folder and is loaded by transformers itself; it answers with what it was
asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote.heron_nvila_lite import HeronNvilaLite
from support.remote_checkpoints import make_asked
from support.vlm_requests import requests

Load = Callable[..., Any]


def test_it_gets_images_then_the_text_and_the_tasks_settings_over_its_own(loaded: Load, tmp_path: Path) -> None:
    model = loaded(HeronNvilaLite, make_asked(tmp_path / "heron", "AskedByContent"), batch_size=2)
    said = [json.loads(result.text) for result in model.generate_until(requests([0, 1, 2, 3]))]
    assert [one["parts"] for one in said] == [
        ["0番は何色ですか。"],
        [[40, 32], "1番は何色ですか。何色ですか。"],
        [[24, 40], [32, 24], "2番は何色ですか。何色ですか。何色ですか。"],
        ["3番は何色ですか。"],
    ]
    expected = {"max_new_tokens": 8, "do_sample": False, "repetition_penalty": 1.5}
    assert [one["settings"] for one in said] == [expected] * 4


def test_code_that_takes_no_settings_is_refused(loaded: Load, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="AskedWithoutSettings has no generate_content"):
        loaded(HeronNvilaLite, make_asked(tmp_path / "heron", "AskedWithoutSettings"))


def test_code_without_the_method_is_refused(loaded: Load, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="AskedByChat has no generate_content"):
        loaded(HeronNvilaLite, make_asked(tmp_path / "heron", "AskedByChat"))
