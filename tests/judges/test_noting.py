from __future__ import annotations

from pathlib import Path

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges import Judge, grading
from lmms_eval_ja.judges.engine import current_engine
from lmms_eval_ja.judges.noting import noting
from lmms_eval_ja.metrics import failed_generation

DOC = {"id": "1", "question": "何色？", "answer": "白"}


def test_what_would_be_judged_is_noted_and_nobody_is_asked(tmp_path: Path) -> None:
    store = tmp_path / "none.sqlite"
    with noting(Judge(JudgeSettings(model="asked")), store) as engine:
        assert current_engine() is engine
        verdict = grading("vqa_likert")(DOC, [" 白です "])["verdict_vqa_likert"]
        assert (verdict.done, verdict["score"], verdict["failure"]) == (True, None, "transport")
        failed = grading("vqa_likert")(DOC, [failed_generation("no memory")])["verdict_vqa_likert"]
        assert failed["failure"] == "generation"
    assert [(sample.answer, protocol.name) for sample, protocol in engine.noted] == [("白です", "vqa_likert")]
    assert current_engine() is not engine
    assert not store.exists()


def test_overlap_needs_no_noting(tmp_path: Path) -> None:
    with noting(Judge.overlap(), tmp_path / "none.sqlite") as engine:
        assert grading("vqa_likert")(DOC, ["白"])["verdict_vqa_likert"]["score"] == 5
    assert engine.noted == []
