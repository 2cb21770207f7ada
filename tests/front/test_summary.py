from __future__ import annotations

from lmms_eval_ja import summary

USAGE = {
    "replies": 40,
    "prompt_tokens": 8000,
    "completion_tokens": 400,
    "usd": 0.5,
    "now": {"requests": 10, "usd": 0.1},
}
QUIET = {"models": {"m": ["m-1"]}, "usage": USAGE, "agreement": {}, "position_bias": None}


def section(**judging: object) -> dict:
    return {"tasks": {"ja_sample": {"judging": {"vqa_likert": QUIET | judging}}, "unjudged": {"judging": None}}}


def test_what_it_cost():
    [line] = summary.sentences(section())
    assert line == "ja_sample, vqa_likert: 10 of 40 replies were asked for now ($0.1000 of $0.5000)"


def test_tokens_where_no_price_is_known():
    [line] = summary.sentences(section(usage=USAGE | {"usd": None, "now": {"requests": 10, "usd": None}}))
    assert line.endswith("(8,000 tokens in and 400 out, of no known price)")


def test_nothing_is_said_of_tokens_that_are_not_known():
    unknown = {"usd": None, "prompt_tokens": None, "now": {"requests": 10, "usd": None}}
    [line] = summary.sentences(section(usage=USAGE | unknown))
    assert line == "ja_sample, vqa_likert: 10 of 40 replies were asked for now"


def test_agreement_bias_and_anchors():
    agreement = {"between_judges": 1 / 3, "between_repeats": {"a": 0.9, "b": None}}
    [line] = summary.sentences(section(agreement=agreement, position_bias={"points": -0.25}, usage_of_anchors=USAGE))
    assert line.split("; ")[1:] == [
        "recorded answers: 10 of 40 replies were asked for now ($0.1000 of $0.5000)",
        "agreement of the jury: alpha 0.333",
        "agreement of a with itself: alpha 0.900",
        "standing first is worth -0.25 points",
    ]


def test_two_models_under_one_name():
    [line] = summary.warnings(section(models={"m": ["m-1", "m-2"], "n": ["n-1"]}))
    assert line.startswith(
        "ja_sample: the judge m (vqa_likert) answered as m-1, m-2: its name stood for several models"
    )
    assert list(summary.warnings(section())) == []


def test_doubts_about_a_judge_are_said_once_for_all_tasks():
    found = section(warnings=["nothing is known of m"])
    found["tasks"]["other"] = {"judging": {"rubric": QUIET | {"warnings": ["nothing is known of m"]}}}
    assert list(summary.warnings(found)) == ["ja_sample (vqa_likert), other (rubric): nothing is known of m"]


def test_a_score_that_is_not_defined() -> None:
    scores = {"overall": {"value": 50.0}, "alignment": {"value": None, "undefined": "no cluster has two scores"}}
    section = {"tasks": {"ja_sample_robust": {"judging": None, "scores": scores}}}
    assert list(summary.sentences(section)) == ["ja_sample_robust, alignment: no cluster has two scores"]
