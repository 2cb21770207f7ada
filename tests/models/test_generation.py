"""A task's generation settings."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.models.generation import GenerationSettings, cut_at_stop, settings_of, warn_of_ignored


def read(**stated: Any) -> GenerationSettings:
    return settings_of(stated, max_new_tokens=99, stop=("###",))


def test_what_a_task_does_not_state() -> None:
    assert read() == GenerationSettings(max_new_tokens=99, until=("###",))


def test_what_a_task_states() -> None:
    stated = {"max_new_tokens": 5, "temperature": 0.7, "top_p": 0.9, "top_k": 20, "until": ["\n\n", "", "###"]}
    assert read(**stated) == GenerationSettings(5, temperature=0.7, top_p=0.9, top_k=20, until=("\n\n", "###"))
    assert read(until="。", max_gen_toks=7) == GenerationSettings(7, until=("。", "###"))


@pytest.mark.parametrize(
    ("stated", "temperature"),
    [
        ({"do_sample": False, "temperature": 0.7}, 0.0),
        ({"do_sample": True, "temperature": 0}, 0.0),
        ({"do_sample": True}, 1.0),
        ({"temperature": 0.7}, 0.7),
        ({"do_sample": None, "temperature": None, "top_p": None}, 0.0),
    ],
)
def test_whether_it_samples(stated: dict[str, Any], temperature: float) -> None:
    assert read(**stated).temperature == temperature
    assert read(**stated).samples == (temperature > 0)


def test_greedy_settings_are_equal_whatever_sampling_settings_stand_beside_them() -> None:
    assert read(temperature=0, top_p=0.5, top_k=3) == read()


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens = 0"),
        ({"temperature": -1}, "temperature = -1"),
        ({"temperature": 1, "top_p": 0}, "top_p = 0"),
        ({"num_beams": 0}, "num_beams = 0"),
        ({"num_beams": 2, "temperature": 1}, "sampling takes one beam"),
    ],
)
def test_what_makes_no_sense(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(**stated)


def test_the_first_stop_string_in_the_text_counts() -> None:
    assert cut_at_stop("白です。\n\n赤です。", ("。", "\n\n")) == "白です"
    assert cut_at_stop("白です", ("。",)) == "白です"
    assert cut_at_stop("白です", ()) == "白です"


def test_settings_that_nobody_reads_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        warn_of_ignored({"image_aspect_ratio": "pad", "until": [], "max_gen_toks": 3})
    assert [r.getMessage() for r in caplog.records] == [
        "generation_kwargs that our models do not know are ignored: image_aspect_ratio"
    ]
