from __future__ import annotations

import pytest

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges import OVERLAP_LABEL, PROTOCOLS, Judge, Sample
from lmms_eval_ja.judges.judge import overlap_score
from lmms_eval_ja.judges.protocols import Score


def test_a_judge_is_read_from_the_settings():
    judge = Judge.from_settings({"LMMS_EVAL_JA_JUDGE_MODEL": "local", "LMMS_EVAL_JA_JUDGE_REPEATS": "3"})
    assert (judge.label, judge.settings.repeats, judge.is_overlap) == ("local", 3, False)
    assert Judge.from_settings({}).label == "gpt-5.1-2025-11-13"
    assert Judge.from_settings({"LMMS_EVAL_JA_JUDGE": "overlap"}) == Judge.overlap()


def test_the_fingerprint_says_what_is_sent():
    settings = JudgeSettings(base_url="http://127.0.0.1:8000/v1", model="m", temperature=0.5, repeats=2)
    assert Judge(settings).fingerprint(PROTOCOLS["original"]) == {
        "judge": "m",
        "sampling": {"temperature": 0.5, "max_tokens": 1024},
        "repeats": 2,
    }
    # the default judge thinks: no temperature
    assert Judge(JudgeSettings()).fingerprint(PROTOCOLS["vqa_likert"]) == {
        "judge": "gpt-5.1-2025-11-13",
        "sampling": {"seed": 0, "max_completion_tokens": 8192},
        "repeats": 1,
    }


@pytest.mark.parametrize(
    "change", [{"model": "n"}, {"seed": 1}, {"repeats": 2}, {"reasoning": True}, {"extra_body": {"top_k": 1}}]
)
def test_the_fingerprint_changes_with_what_moves_a_score(change):
    base = {"base_url": "http://127.0.0.1:8000/v1", "model": "m"}
    for protocol in PROTOCOLS.values():
        before = Judge(JudgeSettings(**base)).fingerprint(protocol)
        assert Judge(JudgeSettings(**(base | change))).fingerprint(protocol) != before


def test_overlap_is_labelled_as_no_judge():
    judge = Judge.overlap()
    assert judge.is_overlap
    assert judge.label == OVERLAP_LABEL == "overlap (not an LLM, for trying the pipeline)"
    assert judge.fingerprint(PROTOCOLS["vqa_likert"]) == {"judge": OVERLAP_LABEL, "sampling": {}, "repeats": 1}


@pytest.mark.parametrize(
    ("answer", "share"),
    [("白色", 1.0), ("車は白いです。", 0.0), ("車は白色です。", 1 / 3)],  # the paper's Figure 2, PROTOCOLS.md section 4
)
def test_overlap_stretches_rouge_l_over_the_scale(answer, share):
    sample = Sample("1", "何色ですか？", answer, "白色")
    assert overlap_score(sample, PROTOCOLS["vqa_likert"]) == Score(pytest.approx(1 + 4 * share), None)
    assert overlap_score(sample, PROTOCOLS["original"]) == Score(pytest.approx(1 + 9 * share), 10.0)
