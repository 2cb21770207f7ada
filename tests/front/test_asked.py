"""What judging saved samples asks, counted before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.asked import asked_of, check_messages
from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.metrics import failed_generation
from lmms_eval_ja.models.answers import Answers

DOCS = [
    {"question_id": n, "question": "何色？", "reference": "白", "anchors": {"x": "白です", "y": y}}
    for n, y in enumerate(["黒", None, "黒", "黒"])
]


def _task(docs: list[dict[str, Any]]) -> Any:
    return SimpleNamespace(config=SimpleNamespace(task="t"), eval_docs_no_media=Dataset.from_list(docs))


def _samples(*answers: str) -> Answers:
    return Answers(Path("samples.jsonl"), "doc_id", {str(n): answer for n, answer in enumerate(answers)}, {})


#: Three answers, one of which failed; document 1 lacks an anchor.
SAMPLES = _samples("白", "黒", failed_generation("メモリ不足"))


@pytest.mark.parametrize(
    ("protocols", "env", "requests", "anchors"),
    [
        # 2 answers and 3·2 − 1 anchors, in both orders
        (("ja_pairwise",), {}, (2 + 5) * 2, 5),
        (("ja_pairwise",), {"ANCHORS": "0"}, 2 * 2, 0),
        (("ja_pairwise",), {"JUDGE_SWAP": "0", "JUDGE_REPEATS": "3"}, (2 + 5) * 3, 5),
        (("vqa_likert",), {}, 2, 0),
        (("vqa_likert", "ja_pairwise"), {}, 2 + (2 + 5) * 2, 5),
        (("ja_pairwise",), {"JUDGE": "overlap"}, 0, 5),
        (("ja_pairwise",), {"JUDGE_MODE": "store"}, 0, 5),
    ],
)
def test_requests_are_counted(
    tmp_path: Path, protocols: tuple[str, ...], env: dict[str, str], requests: int, anchors: int
) -> None:
    file = tmp_path / "judge.toml"
    file.write_text("", encoding="utf-8")
    names = {"LMMS_EVAL_JA_JUDGE_FILE": str(file)} | {f"LMMS_EVAL_JA_{name}": value for name, value in env.items()}
    asked = asked_of(_task(DOCS), SAMPLES, protocols, load_settings(names))
    assert (asked.task, asked.samples, asked.protocols) == ("t", 3, protocols)
    assert (asked.requests, asked.anchors) == (requests, anchors)


def test_a_task_without_anchors_has_none() -> None:
    docs = [{name: value for name, value in doc.items() if name != "anchors"} for doc in DOCS]
    asked = asked_of(_task(docs), SAMPLES, ("ja_pairwise",), load_settings({}))
    assert (asked.requests, asked.anchors) == (4, 0)


def test_a_document_that_does_not_fit_is_named() -> None:
    docs = [{"question_id": 0, "question": "何色？", "reference": "白"}, {"question_id": 1, "question": "何色？"}]
    asked = asked_of(_task(docs[:1]), _samples("白"), ("ja_pairwise",), load_settings({}))
    check_messages(asked, _task(docs[:1]), _samples("白", "a sample without a document is not named here"))
    with pytest.raises(SamplesError, match="doc_id 0 of t cannot be judged by ja_pairwise: "):
        check_messages(asked, _task(docs[1:]), _samples("白"))


def test_a_document_without_a_rubric_is_named_before_anybody_is_asked() -> None:
    rubric = {"criteria": "色。", "levels": list("一二三四五"), "name": ""}
    docs = [{"question_id": n, "question": "何色？", "reference": "白"} for n in range(2)]
    asked = asked_of(_task(docs), _samples("白", "黒"), ("rubric",), load_settings({}))
    check_messages(asked, _task([doc | {"rubric": rubric} for doc in docs]), _samples("白", "黒"))
    with pytest.raises(SamplesError, match="doc_id 0 of t cannot be judged by rubric: sample 0 has no rubric"):
        check_messages(asked, _task(docs), _samples("白", "黒"))
