import pytest

from lmms_eval_ja.metrics import boxed, short_answer
from lmms_eval_ja.metrics._plain_text import read_answer, without_markup
from support.cases import golden


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        (r"\boxed{42}", ["42"]),
        (r"\boxed{a} then \boxed{b}", ["a", "b"]),
        (r"\boxed{\frac{1}{2}}", [r"\frac{1}{2}"]),
        (r"\fbox{x}", ["x"]),
        (r"\boxed {x}", ["x"]),
        (r"\boxed{\boxed{x}}", [r"\boxed{x}"]),
        (r"\boxed{}", [""]),
        (r"\boxed{未完", []),
        ("boxed{x}", []),
        ("", []),
    ],
)
def test_boxes(text, contents):
    assert boxed(text) == contents


def test_golden_boxes_agree_where_there_is_one():
    for case in golden("jawildtext_boxed"):
        found = boxed(case["pred"])
        # Without a box that closes the peer takes the whole answer.
        assert (found[-1] if found else case["pred"]) == case["extracted"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**B**", "B"),
        ("# 答え\n\n- **B**", "答え\nB"),
        ("~~A~~ B", "B"),
        ("$x + 1$ です", "x + 1 です"),
        ("$5 と 10", "$5 と 10"),
        (r"\text{B}", "B"),
        (r"\(B\)", "B"),
        ("<b>B</b><br>大阪", "B\n大阪"),
        ("<B>", "<B>"),
        ("_B_ と __C__", "B と C"),
        ("snake_case_name", "snake_case_name"),
        ("a\u200bb\ufeff", "ab"),
        ("  a \t b  \r\n\n  c", "a b\nc"),
        ("\u22125", "-5"),
    ],
)
def test_markup_goes(text, plain):
    assert without_markup(text) == plain


def test_a_long_answer_is_its_beginning_and_its_end():
    text = read_answer("始" + "あ" * 100_000 + "終")
    assert (text[0], text[-1], len(text)) == ("始", "終", 22_005)


@pytest.mark.parametrize(
    ("answer", "short"),
    [
        ("東京", "東京"),
        ("東京です。", "東京"),
        ("「東京」です。", "東京"),
        ("答えは東京です。", "東京"),
        ("答えは、東京だと思います。", "東京"),
        ("回答：東京", "東京"),
        ("**回答**\n東京", "東京"),
        ("Answer: Tokyo", "Tokyo"),
        ("The answer is Tokyo.", "Tokyo"),
        ("答えは大阪。いや、答えは東京です。", "東京"),
        (r"だから \boxed{東京} です", "東京"),
        (r"\boxed{大阪}ではなく\boxed{\text{東京}}", "東京"),
        ("<answer>東京</answer>", "東京"),
        ("<think>大阪</think>東京", "東京"),
        ("３（三）", "3(三)"),
        ("東京でございます。", "東京"),
        ("<think>大阪", ""),
        ("", ""),
    ],
)
def test_short_answer(answer, short):
    assert short_answer(answer) == short
