"""`internvl2` on a stand-in with the same `chat`; real weights were not run.

The stand-in's code lies in the checkpoint's folder and is loaded by transformers itself; it answers with what it was
asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote.internvl2 import InternVl2
from support.remote_checkpoints import make_asked
from support.vlm_requests import requests

Load = Callable[..., Any]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return make_asked(tmp_path / "internvl2", "AskedByChat", force_image_size=16)


def asked(model: Any, doc_ids: list[int], **settings: Any) -> list[dict[str, Any]]:
    return [json.loads(result.text) for result in model.generate_until(requests(doc_ids, settings))]


def test_chat_gets_the_question_with_a_tag_for_each_image_and_the_settings(loaded: Load, checkpoint: Path) -> None:
    said = asked(loaded(InternVl2, checkpoint), [0, 1, 2], max_new_tokens=8, temperature=0, until=[])
    assert [one["question"] for one in said] == [
        "0番は何色ですか。",
        "<image>\n1番は何色ですか。何色ですか。",
        "<image>\n<image>\n2番は何色ですか。何色ですか。何色ですか。",
    ]
    greedy = {"max_new_tokens": 8, "num_beams": 1, "do_sample": False}
    assert [one["settings"] for one in said] == [greedy] * 3
    # Every token of the stand-in is a byte.
    assert [one["tokens"] for one in said] == [len(one["question"].encode()) for one in said]


def test_chat_gets_the_tiles_of_its_own_images(loaded: Load, checkpoint: Path) -> None:
    """The image of document 1 has 40 x 32 pixels; of at most 12 tiles 4 x 3 is closest to 5:4; the whole comes last."""
    bare, seeing = asked(loaded(InternVl2, checkpoint), [0, 1])
    assert (bare["pixels"], bare["counts"]) == (None, None)
    assert (seeing["pixels"], seeing["counts"]) == ([[13, 3, 16, 16], "torch.float32"], [13])
    (seeing,) = asked(loaded(InternVl2, checkpoint, max_tiles=2), [1])
    assert (seeing["pixels"][0], seeing["counts"]) == ([1, 3, 16, 16], [1])


def test_a_batch_gives_the_same_answers(loaded: Load, checkpoint: Path) -> None:
    alone = asked(loaded(InternVl2, checkpoint), list(range(6)))
    assert asked(loaded(InternVl2, checkpoint, batch_size=4), list(range(6))) == alone
    assert [len(one["counts"] or []) for one in alone] == [0, 1, 2, 0, 1, 2]


def test_pixels_have_the_models_dtype(loaded: Load, checkpoint: Path) -> None:
    assert asked(loaded(InternVl2, checkpoint, dtype="bfloat16"), [1])[0]["pixels"][1] == "torch.bfloat16"


def test_sampling_depends_on_the_document_not_on_the_batch(loaded: Load, checkpoint: Path) -> None:
    settings = {"do_sample": True, "temperature": 0.7}
    alone = asked(loaded(InternVl2, checkpoint), [0, 3], **settings)
    assert asked(loaded(InternVl2, checkpoint, batch_size=2), [0, 3], **settings) == alone
    assert alone[0]["chance"] != alone[1]["chance"]
    assert alone[0]["settings"]["temperature"] == 0.7


def test_what_fails_is_named_and_the_others_are_answered(loaded: Load, checkpoint: Path) -> None:
    model = loaded(InternVl2, checkpoint, batch_size=3)
    model.task_dict["t"]["test"][3]["question"] = "fail"
    first, failed = model.generate_until(requests([0, 3]))
    assert generation_failure(first.text) is None
    assert "this question fails" in (generation_failure(failed.text) or "")


def test_several_turns_are_refused_by_name(loaded: Load, checkpoint: Path) -> None:
    (result,) = loaded(InternVl2, checkpoint, system_prompt="簡潔に。").generate_until(requests([0]))
    assert "messages of system, user" in (generation_failure(result.text) or "")


def test_likelihoods_are_refused(loaded: Load, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="InternVl2 only answers questions, and 2 likelihoods are asked for"):
        loaded(InternVl2, checkpoint).loglikelihood([None, None])


@pytest.mark.parametrize("most", [0, "many"])
def test_a_senseless_number_of_tiles_is_refused(loaded: Load, checkpoint: Path, most: Any) -> None:
    with pytest.raises(ModelError, match="max_tiles"):
        loaded(InternVl2, checkpoint, max_tiles=most)
