import importlib.util
from pathlib import Path

import pytest

from lmms_eval_ja.metrics import contains_reference, open_match, parse_choice, peer_choice
from support.cases import cases, golden

CITIES = ["東京", "大阪", "京都", "名古屋"]


def test_evalmm_reads_as_llm_jp_eval_mm_does():
    for case in golden("jmmmu_parse"):
        if case["type"] == "multiple-choice":
            assert peer_choice(case["pred"], case["options"], variant="evalmm").letter == case["parsed"], case["pred"]


@pytest.fixture(scope="module")
def upstream():
    """lmms-eval's file alone: importing lmms_eval.tasks takes seconds."""
    package = importlib.util.find_spec("lmms_eval")
    file = Path(package.submodule_search_locations[0]) / "tasks" / "_task_utils" / "mmmu_mcq_utils.py"
    spec = importlib.util.spec_from_file_location("mmmu_mcq_utils", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_upstream_reads_as_lmms_eval_does_but_for_its_random_letters(upstream, monkeypatch):
    monkeypatch.setattr(upstream.random, "choice", lambda letters: None)
    texts, letters = upstream.get_multi_choice_info(CITIES)
    for case in cases("choice"):
        theirs = upstream.parse_jmmmu_multi_choice_response(case["answer"], letters, texts)
        assert peer_choice(case["answer"], CITIES, variant="upstream").letter == theirs, case["answer"]


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("Answer: B", "B"),
        ("考えた結果です。\n答え：Ｂ", "B"),
        ("**Answer: (B)**", "B"),
        ("回答: $\\boxed{B}$", "B"),
        ("Answer: A\nAnswer: B", "A"),  # the first; ours is ambiguous
        ("答えはBです", None),
        ("B", None),
        ("Answer: E", None),
        ("", None),
    ],
)
def test_simple_evals_reads_the_letter_behind_answer(answer, letter):
    # By its code at 06b2f44, `extract_mcq_letter`.
    assert peer_choice(answer, CITIES, variant="simple_evals").letter == letter


def test_where_we_differ_from_the_peers():
    assert peer_choice("DNA は二重らせん", CITIES, variant="evalmm").letter == "A"
    assert parse_choice("DNA は二重らせん", CITIES).letter is None
    assert peer_choice("A、B、C、D", CITIES, variant="evalmm").letter == "D"
    assert parse_choice("A、B、C、D", CITIES).reason == "ambiguous"
    assert peer_choice("Ｂ", CITIES, variant="evalmm").letter is None
    assert parse_choice("Ｂ", CITIES).letter == "B"


@pytest.mark.parametrize("name", ["mecha_ja", "jic_vqa", "cvqa_substring"])
def test_contains_reference_scores_as_llm_jp_eval_mm_does(name):
    for case in golden(name):
        if isinstance(case["ref"], str):
            held = contains_reference(case["ref"], case["pred"], ignore_case=name == "cvqa_substring")
            assert held == case["output"], case


def test_jic_vqa_ours_beside_the_peer():
    ours = {(case["ref"], case["pred"]): open_match(case["ref"], case["pred"]) for case in golden("jic_vqa")}
    assert ours == {
        ("サクラ", "サクラ"): True,
        ("ゆり", "これはゆりです"): True,
        ("寿司", "手巻き寿司ではなく天ぷら"): False,  # the peer: right
        ("ラーメン", "らーめん"): True,  # the peer: wrong
        ("東京タワー", "東京 タワー"): True,  # the peer: wrong
    }


def test_unknown_variants_and_too_many_options_are_refused():
    with pytest.raises(
        ValueError, match="unknown variant 'mmmu'; expected one of 'evalmm', 'upstream', 'simple_evals'"
    ):
        peer_choice("A", CITIES, variant="mmmu")
    with pytest.raises(ValueError, match="27 options"):
        peer_choice("A", ["x"] * 27, variant="evalmm")
