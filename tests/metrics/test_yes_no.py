import pytest

from lmms_eval_ja.metrics import YesNo, parse_yes_no
from support.cases import cases


def test_answers_of_the_table():
    wrong = {}
    for case in cases("yes_no"):
        said = parse_yes_no(case["answer"])
        if said != YesNo(case.get("value"), case.get("reason")):
            wrong[case["answer"]] = said
    assert not wrong


@pytest.mark.parametrize("piece", ["はい", "いいえ", "はいはい", "no ", "no", "答えは", "、", "正しい"])
def test_a_megabyte_is_read(piece):
    said = parse_yes_no(piece * (1_000_000 // len(piece)))
    assert (said.value is None) == (said.reason is not None)
