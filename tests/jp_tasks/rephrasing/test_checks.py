"""What a program finds wrong with a wording that a model wrote."""

from __future__ import annotations

import pytest

from lmms_eval_ja.jp_tasks.rephrasing.checks import fault_of

QUESTION, ANSWER = "この店は「土曜日」の10時に開いていますか。", "はい、開いています。看板に書いてあります。"


@pytest.mark.parametrize(
    ("wording", "fault"),
    [
        ("10時に、この店は「土曜日」は開いていますか。", None),
        ("この店が「土曜日」の１０時に開いているか教えてください。", None),
        (" ", "empty"),
        ("この店は「土曜日」の１０時に開いていますか。", "no other wording"),  # full-width digits only
        ("もう一つ「土曜日」の10時に", "no other wording"),  # stands among the others
        ("この店は「土曜日」の11時に開いているか教えてください。", "other numbers"),
        ("この店は「土曜日」に開いていますか。", "other numbers"),
        ("この店は土曜日の10時に開いているか教えてください。", "other quotations"),
        ("この店は「土曜日」の10時にOPENしていますか。", "other words in Latin letters"),
        ("この店は「土曜日」の10時に開いていますか。看板に書いてあります。", "it gives the answer away"),
        ("A. 店「土曜日」10時\nB. 駅", "other options"),
        (QUESTION * 4, "much longer than the question"),
    ],
)
def test_faults(wording: str, fault: str | None) -> None:
    assert fault_of(wording, QUESTION, ANSWER, ["もう一つ「土曜日」の10時に"]) == fault


@pytest.mark.parametrize(
    ("question", "wording", "answer", "leaks"),
    [
        ("休みは何曜日ですか。", "休みは月曜日ですよね。", "月曜日です。", True),
        ("休みは月曜日ですか。", "月曜日は休みですか。", "月曜日です。", False),  # the question has it already
        ("何色ですか。", "赤ですか。", "赤", True),
        ("何色ですか。", "何色でしょうか。", "", False),
    ],
)
def test_an_answer_that_is_given_away(question: str, wording: str, answer: str, leaks: bool) -> None:
    assert (fault_of(wording, question, answer) == "it gives the answer away") is leaks


def test_options_are_kept_in_their_order() -> None:
    question = "どれですか。\nA. 赤\nB. 青"
    assert fault_of("どれか選んでください。\nA. 赤\nB. 青", question, "赤") is None
    assert fault_of("どれか選んでください。\nA. 青\nB. 赤", question, "赤") == "other options"


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ("(ア)青 (イ)赤", "(ア)赤 (イ)青"),
        ("(ア)青(イ)赤", "(ア)青(イ)黒"),
        ("A. 青 B. 赤", "B. 青 A. 赤"),
        ("①青 ②赤", "①赤 ②青"),
        ("1: 青 2: 赤", "2: 赤 1: 青"),
    ],
)
def test_options_on_one_line_are_kept_too(options: str, others: str) -> None:
    question = f"正しいのはどれですか。{options}"
    assert fault_of(f"どれが正しいですか。{options}", question, "ア") is None
    assert fault_of(f"どれが正しいですか。{others}", question, "ア") == "other options"


def test_times_and_one_label_are_no_options() -> None:
    assert fault_of("9:30と 8:15のどちらですか。", "8:15と 9:30のどちらですか。", "はい") is None
    assert fault_of("駅は(A)ですか。", "(A)は駅ですか。", "はい") is None


def test_counts_in_kanji_are_numbers() -> None:
    question = "二つの図の違いは何ですか。"
    assert fault_of("二つの図の違いを教えてください。", question, "色です。") is None
    assert fault_of("三つの図の違いを教えてください。", question, "色です。") == "other numbers"
