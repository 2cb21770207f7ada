import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import receipt_f1
from support.cases import golden

RECEIPT = {
    "store_name": "山田商店",
    "total_amount": "¥1,080",
    "line_items": [
        {"item_name": "お茶", "item_price": "108", "item_quantity": "1"},
        {"item_name": "パン", "item_price": "972", "item_quantity": None},
    ],
}


def answer(**changes):
    return json.dumps(RECEIPT | changes, ensure_ascii=False)


@pytest.mark.parametrize("variant", ["evalmm", "paired"])
def test_golden_receipts_are_met(variant):
    crashes = 0
    for case in golden("jawildtext_receipt"):
        score = receipt_f1(case["ref"], case["pred"], variant=variant)
        if "exception" in case:
            crashes += 1  # the peer's code raises
            continue
        wanted = case["output"]
        assert (score.f1, score.precision, score.recall) == (wanted["f1"], wanted["precision"], wanted["recall"])
        assert {f"field_{name}": float(right) for name, right in score.fields.items()} == wanted["field_accuracy"]
        assert (score.failure is not None) == wanted["parse_error"]
    assert crashes == 2


def test_where_the_peer_crashes_ours_has_no_items_or_no_object():
    # 2 fields and 5 of items; 2 right of 2 given: P = 1, R = 2/7, F = 4/9.
    score = receipt_f1(RECEIPT, answer(line_items=5))
    assert (score.precision, score.recall, score.f1) == (1.0, 2 / 7, pytest.approx(4 / 9))
    assert receipt_f1(RECEIPT, "```json\n[1]\n```").failure == "no object"


def test_a_price_beside_the_wrong_name_counts_only_unpaired():
    swapped = [
        {"item_name": "お茶", "item_price": "972"},
        {"item_name": "パン", "item_price": "108", "item_quantity": "1"},
    ]
    # Unpaired all 7 agree. Paired: by name in 1 and 1, crosswise in 2 (108, 1) and 1 (972), so 3, and 2 other fields.
    assert receipt_f1(RECEIPT, answer(line_items=swapped)).f1 == 1.0
    assert receipt_f1(RECEIPT, answer(line_items=swapped), variant="paired").f1 == pytest.approx(5 / 7)


def test_items_in_another_order_are_paired():
    turned = answer(line_items=RECEIPT["line_items"][::-1])
    assert receipt_f1(RECEIPT, turned, variant="paired").f1 == 1.0


def test_values_are_compared_without_width_case_currency_and_separators():
    score = receipt_f1(RECEIPT, answer(store_name="山田商店 ", total_amount=1080))
    assert score.f1 == 1.0
    assert receipt_f1({"store_name": "ＡＢＣ  Mart"}, '{"store_name": "abc mart"}').f1 == 1.0


def test_null_absent_and_empty_are_alike():
    assert receipt_f1({"store_name": "A", "date": None}, '{"store_name": "A", "time": ""}').f1 == 1.0
    assert receipt_f1({}, "{}").f1 == 1.0
    # Nothing there, one given: P = 0, R = 1 by convention, F = 0.
    empty = receipt_f1({}, '{"date": "2024"}')
    assert (empty.precision, empty.recall, empty.f1) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        (f"以下の通りです。\n{answer()}", None),
        (f"```json\n{answer()}\n```", None),
        (f"<think>{{}}</think>{answer()}", None),
        (f"{{ 例 }} {answer()}", None),
        ("読めません", "no object"),
        ("{", "no object"),
        ("[1]", "no object"),
        ("null", "no object"),
        ("", "empty"),
        ("<think>{}", "empty"),
    ],
)
def test_the_object_in_an_answer(text, failure):
    score = receipt_f1(RECEIPT, text)
    assert score.failure == failure
    assert score.f1 == (1.0 if failure is None else 0.0)


@settings(max_examples=200, deadline=None, database=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["date", "line_items", "item_name", "store_name"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_value_is_scored(value):
    for variant in ("evalmm", "paired"):
        assert 0.0 <= receipt_f1(RECEIPT, json.dumps(value), variant=variant).f1 <= 1.0


@pytest.mark.parametrize("piece", ["{", "[", '{"a":', "```", "\\"])
def test_a_megabyte_is_read(piece):
    assert receipt_f1(RECEIPT, piece * (1_000_000 // len(piece))).failure == "no object"


def test_what_is_no_receipt_is_refused():
    with pytest.raises(ValueError, match=r"the reference is \[1\]; expected a receipt"):
        receipt_f1("[1]", "{}")
    with pytest.raises(ValueError, match="unknown variant 'strict'; expected one of 'evalmm', 'paired'"):
        receipt_f1(RECEIPT, "{}", variant="strict")
