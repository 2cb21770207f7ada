"""`ja_binary` and `ja_graded`: the messages in full, replies that are read, and replies that are not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from lmms_eval_ja.judges import PROTOCOLS, ReplyError, protocols_of, reset_engine, score_ja_binary, score_ja_graded
from lmms_eval_ja.judges.protocols import Score
from lmms_eval_ja.judges.scores import percent_ja
from support.protocols import SAMPLE

BINARY, GRADED = PROTOCOLS["ja_binary"], PROTOCOLS["ja_graded"]


def test_what_they_prescribe() -> None:
    assert [(p.low, p.high, p.compares, p.passes, p.version) for p in (BINARY, GRADED)] == [
        (0, 1, False, 1, 1),
        (1, 10, False, 1, 1),
    ]
    assert BINARY.sampling == GRADED.sampling == {"temperature": 0, "max_tokens": 1024, "seed": 0}


@pytest.mark.parametrize(("chosen", "reference"), [(BINARY, "正解"), (GRADED, "模範回答")])
def test_the_message_is_the_prompt_file_with_the_three_texts(chosen, reference) -> None:
    (message,) = chosen.messages(SAMPLE)
    prompt = (files("lmms_eval_ja.judges.protocols") / f"{chosen.name}.txt").read_text(encoding="utf-8")
    head, rest = prompt.split("【質問 ここから】")
    tail = rest.split("【評価対象の回答 ここまで】")[1].replace("{{", "{").replace("}}", "}")
    blocks = (
        "【質問 ここから】\n何色ですか？\n【質問 ここまで】\n\n"
        f"【{reference} ここから】\n車は白色です。\n【{reference} ここまで】\n\n"
        "【評価対象の回答 ここから】\n白色です。\n【評価対象の回答 ここまで】"
    )
    assert message == {"role": "user", "content": f"{head}{blocks}{tail}"}
    # nobody told the judge what the picture shows
    assert SAMPLE.context not in message["content"]


def test_the_binary_prompt_says_what_counts_as_right_and_how_to_reply() -> None:
    prompt = BINARY.messages(SAMPLE)[0]["content"]
    for rule in (
        "表記の違い、同義語や別名",
        "正解より詳しい答えは",
        "異なる数値は正しくない",
        "一つに決めていない答えは",
    ):
        assert rule in prompt
    assert prompt.endswith('{"extracted": "取り出した答え", "reasoning": "判定の理由", "correct": "yesまたはno"}\n')


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"extracted": "白", "reasoning": "同じ色", "correct": "yes"}', 1),
        ('{"extracted": "黒", "reasoning": "違う色", "correct": "no"}', 0),
        ('{"correct": "Yes"}', 1),
        ('{"correct": "NO."}', 0),
        ('{"correct": " yes。"}', 1),
        ("｛＂correct＂： ＂ｙｅｓ＂｝", 1),
        ('{"correct": true}', 1),
        ('{"correct": false}', 0),
        ('{"correct": 1}', 1),
        ('{"correct": "0"}', 0),
        ('```json\n{"extracted": "", "reasoning": "無回答", "correct": "no"}\n```', 0),
        ('回答は {"correct": "yes"} と述べています。\n{"correct": "no"}', 0),
        ('<think>{"correct": "yes"}</think>{"correct": "no"}', 0),
        ('{"extracted": "{\\"correct\\": \\"yes\\"}", "reasoning": "答えていない", "correct": "no"}', 0),
        ('{"extracted": {"correct": "yes"}, "correct": "no"}', 0),
    ],
)
def test_replies_of_a_binary_judge_that_are_read(reply: str, score: float) -> None:
    assert BINARY.parse(reply) == Score(score)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("", "parse"),
        ("correct: yes", "parse"),
        ("はい、正しいです。", "parse"),
        ('{"extracted": "白", "reasoning": "同じ色"}', "parse"),
        ('{"correct": "yesまたはno"}', "parse"),
        ('{"correct": "はい"}', "parse"),
        ('{"correct": "yesterday"}', "parse"),
        ('{"correct": null}', "parse"),
        ('{"correct": ["yes"]}', "parse"),
        ('{"correct": 0.5}', "parse"),
        ('{"correct": "yes"', "parse"),
        ('<think>{"correct": "yes"}', "parse"),
        ('{"correct": 2}', "range"),
        ('{"correct": -1}', "range"),
    ],
)
def test_replies_of_a_binary_judge_that_are_not(reply: str, kind: str) -> None:
    with pytest.raises(ReplyError) as caught:
        BINARY.parse(reply)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ('{"reasoning": "正確", "score": 10}', 10),
        ('{"reasoning": "誤り", "score": "１"}', 1),
        ('{"score": 3}\n直して {"reasoning": "", "score": 7}', 7),
        ('```json\n{"score": 8.0}\n```', 8),
    ],
)
def test_replies_of_a_grading_judge_that_are_read(reply: str, score: float) -> None:
    assert GRADED.parse(reply) == Score(score)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("8", "parse"),
        ("Score: 8", "parse"),
        ('{"reasoning": "良い"}', "parse"),
        ('{"score": 7.5}', "parse"),
        ('{"score": "8/10"}', "parse"),
        ('{"score": true}', "parse"),
        ('{"score": 0}', "range"),
        ('{"score": 11}', "range"),
    ],
)
def test_replies_of_a_grading_judge_that_are_not(reply: str, kind: str) -> None:
    with pytest.raises(ReplyError) as caught:
        GRADED.parse(reply)
    assert caught.value.kind == kind


def test_the_functions_for_a_yaml_name_their_protocols() -> None:
    assert protocols_of(score_ja_binary) == ("ja_binary",)
    assert protocols_of(score_ja_graded) == ("ja_graded",)


@pytest.fixture
def _overlap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
    monkeypatch.setenv("LMMS_EVAL_JA_STORE", str(tmp_path / "verdicts.sqlite"))
    reset_engine()
    yield
    reset_engine()


@pytest.mark.usefixtures("_overlap")
def test_a_judged_accuracy_is_in_percent_and_so_are_its_influences_and_its_interval() -> None:
    answers = ["白色", "白色", "青空", "白色"]
    docs = [{"question_id": n, "question": "何色ですか？", "answer": "白色"} for n in range(len(answers))]
    judged = [score_ja_binary(doc, [answer]) for doc, answer in zip(docs, answers, strict=True)]
    items = [one["accuracy_judged"] for one in judged]
    found = percent_ja(items)
    # 3 of 4; Wilson's interval of 3/4 at 95 % is 30.06 to 95.44
    assert found == 75
    assert (found.estimate.ci_low, found.estimate.ci_high) == pytest.approx((30.06, 95.44), abs=0.01)
    assert [item["influence"] for item in items] == [100, 100, 0, 100]
    # the verdict keeps the judge's own scale
    assert [one["verdict_ja_binary"]["score"] for one in judged] == [1, 1, 0, 1]
