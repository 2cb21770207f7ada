import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import canonical, open_match
from support.cases import by_kind, cases, golden

PIECES = [
    *[
        "東京",
        "都",
        "大阪",
        "3",
        "13",
        "1,000",
        "円",
        "一万",
        "二千",
        "人",
        "%",
        "km",
        "令和6年",
        "5月",
        "3日",
        "2024/5/3",
        "です",
        "。",
    ],
    *[
        "ではなく",
        "答えは",
        "\\boxed{",
        "}",
        "<think>",
        "</think>",
        "apple",
        "、",
        " ",
        "\n",
        "Ａ",
        "①",
        "㎞",
        "℃",
        "-",
        "〜",
        "約",
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20)


@pytest.mark.parametrize("of_kind", by_kind("match"))
def test_answers_by_kind(of_kind):
    assert [case for case in of_kind if open_match(case["reference"], case["answer"]) != case["match"]] == []


def test_the_tables_of_open_answers_are_large():
    assert sum(len(cases(name)) for name in ("match", "numbers", "dates")) >= 150


def test_golden_jmmmu_open_answers_agree_but_for_units_and_separators():
    ours_only = {("1000", "1,000円"), ("50%", "50パーセント")}
    for case in golden("jmmmu_parse"):
        if case["type"] == "open":
            pair = (case["answer"], case["pred"])
            assert open_match(*pair) == (bool(case["output"]) or pair in ours_only), pair


def test_one_of_several_references_suffices():
    assert open_match(["東京", "大阪"], "大阪です")
    assert not open_match(["東京", "大阪"], "京都です")
    assert not open_match([], "東京")


def test_equal_takes_the_reference_and_nothing_more():
    assert open_match("東京", "「東京」です。", variant="equal")
    assert open_match("12,000円", "一万二千円です", variant="equal")
    assert open_match("令和6年", "2024年", variant="equal")
    assert not open_match("東京", "東京と大阪", variant="equal")
    assert not open_match("2024年", "2024年5月", variant="equal")


def test_evalmm_takes_any_part():
    assert open_match("3", "13", variant="evalmm")
    assert open_match("7割です", "7割", variant="evalmm")
    assert not open_match("1,000", "1000", variant="evalmm")


def test_an_unknown_variant_is_refused():
    with pytest.raises(ValueError, match="unknown variant 'exact'; expected one of 'contained', 'equal', 'evalmm'"):
        open_match("3", "3", variant="exact")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("一万二千円", "12000円"),
        ("１．２万円", "12000円"),
        ("50パーセント", "50%"),
        ("令和6年度", "2024年度"),
        ("2024/05/03", "2024年5月3日"),
        ("東京 タワー", "東京タワー"),
        ("3～5人", "3~5人"),
        ("Tokyo Tower", "tokyo tower"),
    ],
)
def test_canonical(text, written):
    assert canonical(text) == written


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(reference=TEXTS, answer=TEXTS)
def test_width_and_outer_white_space_do_not_matter(reference, answer):
    matched = open_match(reference, answer)
    assert (
        open_match(unicodedata.normalize("NFKC", reference), f" {unicodedata.normalize('NFKC', answer)}\n") == matched
    )


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(
    st.sampled_from(["東京", "3", "1,000円", "令和6年", "2024/5/3", "50%", "apple", "走っている"]),
    st.sampled_from(["", "です", "。", "です。", "」"]),
)
def test_a_reference_gives_itself(reference, behind):
    assert open_match(reference, reference + behind)


@pytest.mark.parametrize("piece", ["東京", "3", "答えは", "令和6年", "1,000円", "ではなく", "京都"])
def test_a_megabyte_is_read(piece):
    text = piece * (1_000_000 // len(piece))
    assert open_match("東京", f"{text}。答えは東京です。")
    open_match("都", text)
