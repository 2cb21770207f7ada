"""A model is shown what the setting `image` says: a tiny one answers differently each time, and each time the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.worker import Worker
from lmms_eval_ja.clients.settings import IMAGE_SETTINGS
from lmms_eval_ja.models.tiny import make_tiny_vlm

pytestmark = pytest.mark.slow


def test_a_models_answers_depend_on_what_it_is_shown(worker: Worker, tmp_path: Path) -> None:
    arguments = f"pretrained={make_tiny_vlm(tmp_path / 'tiny', positions=4096)},dtype=float32,answer_log=off"
    answers = {}
    for image in (*IMAGE_SETTINGS, IMAGE_SETTINGS[-1]):
        done = worker.evaluate(
            ["ja_sample"],
            "",
            {"LMMS_EVAL_JA_IMAGE": image},
            model="ja_vlm",
            model_args=arguments,
            gen_kwargs="max_new_tokens=12",
            limit=6,
        )
        found = [sample["filtered_resps"] for sample in done.samples("ja_sample")]
        assert answers.setdefault(image, found) == found
        assert done.facts("ja_sample")["fingerprint"].get("image", IMAGE_SETTINGS[0]) == image
    assert len({str(found) for found in answers.values()}) == len(IMAGE_SETTINGS)
