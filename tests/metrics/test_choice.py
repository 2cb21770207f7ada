import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import CHOICE_FAILURES, Choice, failed_generation, parse_choice
from support.cases import by_kind, cases, golden

CITIES = ["東京", "大阪", "京都", "名古屋"]

# Written out in PROTOCOLS.md, section 5, and in LMMS_EVAL.md, with what is to be read.
LISTED = {
    **dict.fromkeys(
        ["Ｂ", "b", "「B」", "B)", "**B**", "B\n大阪", "B：大阪", "正解はＢです。", "答えはB", "大阪"], "B"
    ),
    **dict.fromkeys(["B\n理由…", "B) 大阪", "Answer: B"], "B"),
    "DNAは…": None,
}


def read(case):
    choice = parse_choice(case["answer"], case.get("options", CITIES), labels=case.get("labels"))
    return {"letter": choice.letter} if choice.letter else {"reason": choice.reason}


@pytest.mark.parametrize("of_kind", by_kind("choice"))
def test_answers_by_kind(of_kind):
    wanted = [{key: case[key] for key in ("letter", "reason") if key in case} for case in of_kind]
    found = [read(case) for case in of_kind]
    wrong = [(case, got) for case, want, got in zip(of_kind, wanted, found, strict=True) if want != got]
    assert not wrong


def test_the_table_is_large_and_holds_every_string_of_the_documents():
    table = cases("choice")
    assert len({(case["answer"], str(case.get("options")), str(case.get("labels"))) for case in table}) >= 300
    assert {case["reason"] for case in table if "reason" in case} == set(CHOICE_FAILURES)
    for answer, letter in LISTED.items():
        assert any(case["answer"] == answer and case.get("letter") == letter for case in table), answer


def test_answer_b_is_not_right_for_gold_a():
    # The peers test `"A" in "Answer: B"`.
    assert parse_choice("Answer: B", CITIES).letter == "B"


def test_golden_jmmmu_agrees_where_the_peer_is_right():
    # Where llm-jp-eval-mm reads nothing, or a letter that is not there.
    differs = {
        "正解は「B」です": "B",
        "Ｂ": "B",
        "b": "B",
        "大阪": "B",
        "答えは大阪です": "B",
        "「Ｂ」": "B",
        "**B**": "B",
        "B)": "B",
        "回答: B\n理由: 大阪だから": "B",
        "B大阪": "B",
        "B\n大阪": "B",
        "A: 東京ではない。B: 大阪です": "B",
        "A、B、C、D": None,  # the peer: D, the last one
        "A B C D": None,
        "DNA は二重らせん": None,  # the peer: A
        "これは とても 長い 回答 で 京都 と 大阪 が 出る": None,  # two cities; the peer takes the last one of its list
    }
    choices = [case for case in golden("jmmmu_parse") if case["type"] == "multiple-choice"]
    assert len(choices) == 42
    for case in choices:
        expected = differs.get(case["pred"], case["parsed"])
        assert parse_choice(case["pred"], case["options"]).letter == expected, case["pred"]
    assert {case["pred"] for case in choices if differs.get(case["pred"], "") == case["parsed"]} == set()


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("A", "A"),
        ("Answer: B", "B"),  # for the peer right if A is, since "Answer" holds an A
        ("B. ABCマート", "B"),
        ("Ｄ", "D"),
        ("AではなくB", "B"),
        ("(B)", "B"),
        ("B. Osaka", "B"),
        ("The correct answer is D", "D"),
        ("D. Kyoto Tower near the Kamo", "D"),
        ("Ｃ", "C"),
    ],
)
def test_golden_mecha_and_cvqa_answers(answer, letter):
    preds = {case["pred"] for name in ("mecha_ja", "cvqa_substring") for case in golden(name)}
    assert answer in preds
    assert parse_choice(answer, CITIES).letter == letter


def test_what_decided_is_told():
    told = {
        "B": "whole answer",
        "\\boxed{B}": "boxed",
        "答えはB。理由は次の通り。": "stated",
        "B\n理由は次の通り。": "leading",
        "写真を見るとBです。": "said",
        "通天閣があるので大阪です。": "option text",
    }
    assert {answer: parse_choice(answer, CITIES).how for answer in told} == told


def test_the_label_comes_back_as_given():
    assert parse_choice("b", CITIES, labels=["(a)", "(b)", "(c)", "(d)"]) == Choice("(b)", None, "whole answer")
    assert parse_choice("②", CITIES, labels=["①", "②", "③", "④"]).letter == "②"


def test_a_failed_generation_is_no_refusal():
    assert parse_choice(failed_generation("わかりません"), CITIES) == Choice(None, "generation failed")


def test_options_with_the_same_text_are_ambiguous():
    assert parse_choice("東京", ["東京", "東京", "京都"]).reason == "ambiguous"
    assert parse_choice("B", ["東京", "東京", "京都"]).letter == "B"


@pytest.mark.parametrize(
    ("options", "labels", "message"),
    [
        ([], None, "0 options"),
        (["東京"] * 27, None, "27 options but 26 labels"),
        (["東京", "大阪"], ["A"], "2 options but 1 labels"),
        (["東京", "大阪"], ["A", "ａ"], "labels"),
        (["東京", "大阪"], ["A", ""], "labels"),
    ],
)
def test_options_that_cannot_be_asked_are_refused(options, labels, message):
    with pytest.raises(ValueError, match=message):
        parse_choice("A", options, labels=labels)


PIECES = [
    *"ABCDEabcdeＡＢＣＤ①②⑵Ⓐⓑアイウｱ12３",
    *[
        "答えは",
        "正解は",
        "です",
        "。",
        "、",
        "ではなく",
        "または",
        "か",
        "と",
        "\n",
        " ",
        "　",
        "\t",
        ":",
        "：",
        "「",
        "」",
        "(",
        ")",
    ],
    *[
        "**",
        "`",
        "_",
        "~~",
        "$",
        "\\boxed{",
        "}",
        "\\text{",
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "<b>",
        "# ",
        "- ",
    ],
    *[
        "東京",
        "大阪",
        "京都",
        "名古屋",
        "タワー",
        "Answer: ",
        "The answer is ",
        "not ",
        "A cat",
        "よって",
        "訂正",
        "いや",
        "わかりません",
    ],
    *[
        "が正しい",
        "は誤り",
        "\u200b",
        "か\u3099",
        "ﾊﾟ",
        "é",
        "İ",
        "ß",
        "😀",
        "…",
        "℃",
        "㎏",
        "\x00",
        "\ud800",
        "㍻",
        "ﷺ",
    ],
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=40)
LABELS = st.sampled_from([None, ["1", "2", "3", "4"], ["ア", "イ", "ウ", "エ"], ["甲", "乙", "丙", "丁"]])


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(answer=TEXTS, options=st.lists(TEXTS, min_size=4, max_size=4) | st.just(CITIES), labels=LABELS)
def test_any_answer_gives_a_label_of_the_options_or_a_reason(answer, options, labels):
    choice = parse_choice(answer, options, labels=labels)
    assert choice.letter in {*(labels or "ABCD"), None}
    assert (choice.reason in CHOICE_FAILURES) == (choice.letter is None)
    assert bool(choice.how) == (choice.letter is not None)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(
    answer=TEXTS,
    before=st.sampled_from(["", " ", "\n", "\u3000\t"]),
    behind=st.sampled_from(["", " ", "\r\n", "\u2003"]),
)
def test_width_and_outer_white_space_do_not_matter(answer, before, behind):
    choice = parse_choice(answer, CITIES)
    assert parse_choice(unicodedata.normalize("NFKC", answer), CITIES) == choice
    assert parse_choice(f"{before}{answer}{behind}", CITIES) == choice


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(thoughts=TEXTS.filter(lambda text: "<" not in text and "\x00" not in text))
def test_thoughts_do_not_matter(thoughts):
    assert parse_choice(f"<think>{thoughts}</think>答えはBです。", CITIES).letter == "B"


# A pattern that backtracks would not come back from these.
LONG = [
    "A ",
    "B、",
    "\\boxed{",
    "(",
    "<think>",
    "<",
    "答えは",
    "\n ",
    "_a ",
    "~~a",
    "$a",
    "東京",
    "```\n",
    "\\text{",
    "・ ",
]
LONG += ["\u0301\u0316", "<|channel|>", "<answer>", "答えはAではなく", "A、", "です", "a", "はがをに"]


@pytest.mark.parametrize("piece", LONG)
def test_a_megabyte_is_read(piece):
    choice = parse_choice(piece * (1_000_000 // len(piece)), CITIES)
    assert (choice.letter is None) == (choice.reason is not None)


def test_a_megabyte_of_thoughts_is_left_out():
    assert parse_choice(f"<think>{'答えはAです。' * 140_000}</think>\n答えはBです。", CITIES).letter == "B"


def test_the_end_of_a_long_answer_is_read():
    assert parse_choice("写真には通天閣が見えます。" * 100_000 + "答えはBです。", CITIES).letter == "B"
