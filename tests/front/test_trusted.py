"""Files of scores: what is read, and that every fault is named with file and row."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.trusted import (
    Item,
    Scored,
    TrustedError,
    check_enough,
    check_scale,
    rater_alpha,
    raters,
    read_scale,
    read_scores,
)

HEADER = "model,task,doc_id,score,rater,category,image\n"
SCALED = "model,task,doc_id,score,scale\n"


def _write(tmp_path: Path, text: str, name: str = "labels.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def _refused(tmp_path: Path, text: str, name: str = "labels.csv") -> str:
    path = _write(tmp_path, text, name)
    with pytest.raises(TrustedError) as caught:
        read_scores(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def test_csv_and_jsonl_say_the_same(tmp_path: Path) -> None:
    csv = _write(tmp_path, "\ufeff" + HEADER + "m,t,0,4,a,対話,i1\nm,t,0,5,b,,\nm,t,1,,a,,\n")
    jsonl = _write(
        tmp_path,
        '{"model": "m", "task": "t", "doc_id": 0, "score": 4, "rater": "a", "category": "対話", "image": "i1"}\n'
        '\n{"model": "m", "task": "t", "doc_id": 0, "score": 5.0, "rater": "b", "comment": "…"}\n'
        '{"model": "m", "task": "t", "doc_id": 1, "score": null, "rater": "a"}\n',
        "labels.jsonl",
    )
    for path in (csv, jsonl):
        first, second = read_scores(path)
        assert first.item == Item("m", "t", "0")
        assert (first.by_rater, first.score, first.category, first.image) == ({"a": 4, "b": 5}, 4.5, "対話", "i1")
        assert second.score is None
    assert [one.row for one in read_scores(csv)] == [2, 4]
    assert [one.row for one in read_scores(jsonl)] == [1, 4]


def test_a_document_may_be_named_by_question_id_and_a_reply_by_key(tmp_path: Path) -> None:
    by_question = read_scores(_write(tmp_path, "model,task,question_id,score\nm,t,q7,3\n"))
    assert by_question[0].item == Item("m", "t", question_id="q7")
    by_key = read_scores(_write(tmp_path, "key,score\nabc,3\n"))
    assert by_key[0].item == Item(key="abc")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", " has no rows; expected a CSV file with a header, or JSONL"),
        (HEADER, " has no rows"),
        ("model,task,doc_id\nm,t,0\n", ", row 2: no column 'score'; found model, task, doc_id"),
        ("task,doc_id,score\nt,0,1\n", ", row 2: no column 'model'"),
        ("model,task,score\nm,t,1\n", ", row 2: neither doc_id nor question_id says which document it is"),
        (HEADER + "m,t,0,1,,,\nm,,1,1,,,\n", ", row 3: task is empty"),
        (HEADER + "m,t,0,good,,,\n", ", row 2: the score 'good' is no number"),
        (HEADER + "m,t,0,nan,,,\n", ", row 2: the score 'nan' is no number"),
        (HEADER + "m,t,0,1,,,\nm,t,1,1,,,\nm,t,0,2,,,\n", ", row 4: doc_id 0 of t by m is scored in row 2 already"),
        (HEADER + "m,t,0,1,a,,\nm,t,0,1,a,,\n", ", row 3: doc_id 0 of t by m is scored by a in row 2 already"),
        (HEADER + "m,t,0,1,,,,,\n", ", row 2: more fields than the header has columns"),
        (HEADER + "m,t,0,1,,,\nm,t,1\n", ", row 3: fewer fields than the header has columns"),
        (HEADER + "m,t,0,1_0,,,\n", ", row 2: the score '1_0' is no number"),
        (SCALED + "m,t,0,1,5-Jan\n", ", row 2: the scale '5-Jan' is none: expected two numbers, the lower first"),
        (
            SCALED + "m,t,0,1,1-5\nm,u,0,1,1-10\nm,t,1,1,\nm,t,2,1,1-10\n",
            ", row 5: the scale of t is 1 to 10 here and 1 to 5 in row 2: keep the scores of one of the two",
        ),
        (
            "task,doc_id,first,second,preferred\nt,0,m,n,m\n",
            " holds preferences, no scores: `lmms-eval-ja label` with --pairwise or --target feedback, and --summary",
        ),
    ],
)
def test_faults_of_a_csv_are_named_by_row(tmp_path: Path, text: str, message: str) -> None:
    assert _refused(tmp_path, text).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,task\n", ", row 1: no JSON"),
        ("[1, 2]\n", ", row 1: expected an object with columns, found list"),
        ('{"model": "m", "task": "t", "doc_id": 0, "score": true}\n', ", row 1: the score True is no number"),
        ('{"model": "m", "task": "t", "doc_id": 0, "score": [1]}\n', ", row 1: the score [1] is no number"),
        (
            '{"model": "m", "task": "t", "doc_id": 0, "score": ' + "9" * 400 + "}\n",
            f", row 1: the score {'9' * 40}… is",
        ),
    ],
)
def test_faults_of_jsonl_are_named_by_row(tmp_path: Path, text: str, message: str) -> None:
    assert _refused(tmp_path, text, "labels.jsonl").startswith(message)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"model,task\n\xff\xfe\n")
    with pytest.raises(TrustedError, match=r"labels\.csv cannot be read: 'utf-8' codec .*: save it as UTF-8"):
        read_scores(path)
    with pytest.raises(TrustedError, match="cannot be read"):
        read_scores(tmp_path / "nothing.csv")


def test_scores_off_the_scale_are_named(tmp_path: Path) -> None:
    path = _write(tmp_path, HEADER + "m,t,0,5,a,,\nm,t,1,6,b,,\n")
    check_scale(path, read_scores(path), (1, 6))
    with pytest.raises(
        TrustedError, match=r"labels\.csv, row 3: 6 for doc_id 1 of t by m by b is off the scale of 1 to 5"
    ):
        check_scale(path, read_scores(path), (1, 5))


def test_a_score_off_the_scale_is_named_by_its_raters_row(tmp_path: Path) -> None:
    path = _write(tmp_path, HEADER + "m,t,0,3,a,,\nm,t,1,4,a,,\nm,t,0,30,b,,\n")
    with pytest.raises(TrustedError, match=r"labels\.csv, row 4: 30 for doc_id 0 of t by m by b is off the scale"):
        check_scale(path, read_scores(path), (1, 5))


def test_scores_of_another_scale_are_refused_though_they_lie_within(tmp_path: Path) -> None:
    path = _write(tmp_path, SCALED + "m,t,0,5,1-5\nm,t,1,4,\nm,u,0,10,1-10\n")
    scored = read_scores(path)
    assert [one.scale for one in scored] == [(1, 5), None, (1, 10)]
    check_scale(path, scored[:2], (1, 5))
    with pytest.raises(
        TrustedError, match=r"row 2: doc_id 0 of t by m was scored 1 to 5 \(column scale\), and 1 to 10 is expected"
    ):
        check_scale(path, scored, (1, 10))


def test_two_scored_answers_are_too_few(tmp_path: Path) -> None:
    path = _write(tmp_path, HEADER + "m,t,0,5,a,,\nm,t,0,4,b,,\nm,t,1,6,b,,\nm,t,2,,b,,\n")
    with pytest.raises(TrustedError, match=r"labels\.csv: 2 answers have a score; at least 3 are needed"):
        check_enough(path, read_scores(path))


def test_agreement_between_raters() -> None:
    scored = [
        Scored(Item("m", "t", str(at)), at, dict(zip("abc", scores, strict=True)), "", "")
        for at, scores in enumerate([(1, 2, 3), (4, 4, 4), (5, 5, 2)])
    ]
    # The table of test_agreement's example by hand.
    assert rater_alpha(scored) == pytest.approx(1 / 3)
    assert raters(scored) == ["a", "b", "c"]
    assert rater_alpha([Scored(Item("m", "t", "0"), 1, {"": 3.0}, "", "")]) is None


def test_scales() -> None:
    assert read_scale("1-10") == (1, 10)
    assert read_scale("0-1") == (0, 1)
    for text in ("10", "5-1", "a-b", "1-inf", "1-nan"):
        with pytest.raises(TrustedError, match=f"--scale {text}: expected two numbers"):
            read_scale(text)
