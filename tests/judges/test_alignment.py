"""Alignment and dispersion over items that name their prompt cluster: values by hand, failures, errors, repeats."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lmms_eval_ja.judges import AGGREGATIONS, PROMPT_CLUSTER, MetricItem, Verdict, grading, reset_engine
from lmms_eval_ja.judges.alignment import alignment_ja, dispersion_ja
from support.benchmarks import SHARED, needs_shared


def _verdict(*runs: float, failure: str | None = None) -> Verdict:
    made = Verdict()
    content = [{"score": score, "reference_score": None, "failure": None} for score in runs]
    made.finish({"failure": failure, "protocol": "ja_pairwise", "runs": content})
    return made


def _items(
    clusters: Sequence[Sequence[float | tuple[float, ...] | str]], images: Sequence[str] | None = None
) -> list[MetricItem]:
    """An item for each score; a text is a failure, a tuple the scores of several runs."""
    made = []
    for n, members in enumerate(clusters):
        for k, score in enumerate(members):
            runs = score if isinstance(score, tuple) else ((score,) if isinstance(score, (int, float)) else ())
            failure = score if isinstance(score, str) else None
            item = MetricItem(
                sample_id=f"{n}-{k}",
                answer="答え",
                cluster=images[n] if images else str(n),
                verdict=_verdict(*runs, failure=failure),
            )
            item[PROMPT_CLUSTER] = str(n)
            made.append(item)
    return made


def _golden() -> list[dict[str, Any]]:
    if SHARED is None:
        return []
    cases: list[dict[str, Any]] = json.loads((SHARED / "golden/golden_alignment.json").read_text("utf-8"))["cases"]
    return cases


@needs_shared
@pytest.mark.parametrize("case", _golden(), ids=lambda case: case["name"])
def test_golden_cases(case: dict[str, Any]) -> None:
    expected = case["expected"]
    items = _items(case["clusters"])
    for item in items:  # the golden scales are no protocol's
        del item.verdict["protocol"]  # type: ignore[attr-defined, union-attr]
    alignment, dispersion = alignment_ja(items), dispersion_ja(items)
    facts = alignment.report.facts["within_clusters"]
    assert dispersion == pytest.approx(expected["mean_std_ddof0"], rel=1e-12)
    assert facts["mean_score"] == pytest.approx(expected["mean_score_micro"], rel=1e-12)
    assert (facts["n_clusters"], facts["n_singletons"]) == (
        expected["n_clusters_used"],
        expected["n_singletons_skipped"],
    )
    for name, found in facts["dispersions"].items():
        assert found["mean"] == pytest.approx(expected[f"mean_{name}"], rel=1e-12)
        inverse = expected[f"align_inv_mean_{name}"]
        assert found["alignment"] == (None if inverse is None else pytest.approx(inverse, rel=1e-12))
        assert found["is_infinite"] == expected["align_is_infinite"]
    if expected["align_is_infinite"]:
        assert math.isnan(alignment)
        assert alignment.report.undefined == "no cluster has any dispersion: the alignment score is infinite"
    else:
        assert alignment == pytest.approx(expected["align_inv_mean_std_ddof0"], rel=1e-12)


def test_by_hand() -> None:
    # (8 8 6 6) deviates by 1 everywhere, (5 9) by 2: mean 1.5, alignment 1/1.5; (4) stands alone.
    items = _items([[8, 8, 6, 6], [5, 9], [4]])
    score = dispersion_ja(items)
    assert score == 1.5
    # 7 scores, 2 clusters: 1.5 + 7/(2·4)·(1 − 1.5) for the four, 1.5 + 7/(2·2)·(2 − 1.5) for the two, 1.5 alone
    assert [item["influence"] for item in items] == pytest.approx([1.0625] * 4 + [2.375] * 2 + [1.5])
    assert alignment_ja(items) == pytest.approx(2 / 3)
    # each moves 1/1.5 by −(d − 1.5)/1.5² = ±2/9: 2/3 + 7/8·2/9 and 2/3 − 7/4·2/9
    assert [item["influence"] for item in items] == pytest.approx([2 / 3 + 7 / 36] * 4 + [2 / 3 - 7 / 18] * 2 + [2 / 3])
    facts = score.report.facts["within_clusters"]
    assert (facts["default"], facts["n_clusters"], facts["n_singletons"], facts["n_empty"]) == ("std_ddof0", 2, 1, 0)
    assert list(facts["dispersions"]) == ["std_ddof0", "var_ddof0", "std_ddof1", "var_ddof1"]
    assert facts["consistency"] == pytest.approx(1 - 1.5 / 4.5)  # half the scale of 1 to 10
    # variances 1 and 4, by k − 1: 4/3 and 8
    assert facts["dispersions"]["var_ddof0"]["alignment"] == pytest.approx(0.4)
    assert facts["dispersions"]["var_ddof1"]["mean"] == pytest.approx((4 / 3 + 8) / 2)


def test_nothing_varies_or_there_is_nothing_to_vary() -> None:
    steady = _items([[5, 5], [4.3, 4.3, 4.3]])
    assert math.isnan(alignment_ja(steady))
    assert all(math.isnan(item["influence"]) for item in steady)
    assert dispersion_ja(steady) == 0
    assert all(item["influence"] == 0 for item in steady)
    alone = alignment_ja(_items([[5], [3]]))
    assert math.isnan(alone)
    assert alone.report.undefined == "no cluster has two scores"
    assert alone.report.why_none is None  # the task is complete
    assert math.isnan(dispersion_ja(_items([[5], [3]])))


def test_failures_are_left_out_and_below_95_percent_there_is_no_score() -> None:
    clusters: list[list[Any]] = [[4, 2, 3, 5] for _ in range(10)]
    whole = dispersion_ja(_items(clusters))
    clusters[0] = ["parse", 2, 3, 4]  # 39 of 40: std of (2 3 4) is √(2/3), that of the others √1.25
    score = dispersion_ja(_items(clusters))
    assert whole == pytest.approx(math.sqrt(1.25))
    assert score == pytest.approx((9 * math.sqrt(1.25) + math.sqrt(2 / 3)) / 10)
    clusters[1] = ["parse", "parse", 3, 4]
    gone = alignment_ja(_items(clusters))
    assert math.isnan(gone)
    assert gone.report.why_none == "37 of 40 samples have a score; failures: 3 parse"
    mendable = alignment_ja(_items([["transport", 2, 3, 4], *clusters[2:]]))
    assert mendable.report.incomplete
    assert math.isnan(mendable)


def test_a_cluster_without_any_score_is_counted() -> None:
    items = _items([["parse", "refusal"], *[[1.0, 3.0] for _ in range(40)]])
    facts = alignment_ja(items).report.facts["within_clusters"]
    assert (facts["n_clusters"], facts["n_empty"]) == (40, 1)


@pytest.mark.parametrize("name", ["alignment_ja", "dispersion_ja"])
def test_the_harness_prints_the_error_of_a_bootstrap_of_pictures(name: str) -> None:
    rng = np.random.default_rng(0)
    steadiness = rng.uniform(0.3, 1.5, 60)
    clusters = [(rng.normal(3, spread, 5)).tolist() for spread in steadiness]
    images = [f"image{n // 2}" for n in range(60)]
    for members in clusters:
        members[:] = np.clip(members, 1, 5)
    items = _items(clusters, images)
    score = AGGREGATIONS[name](items)
    each = np.array([np.std(members) for members in clusters]).reshape(30, 2).sum(axis=1)
    drawn = each[rng.integers(0, 30, (4000, 30))].sum(axis=1) / 60
    spread = (1 / drawn if name == "alignment_ja" else drawn).std()
    assert score.estimate.standard_error == pytest.approx(spread, rel=0.1)
    assert np.mean([item["influence"] for item in items]) == pytest.approx(float(score))
    assert score.estimate.n_clusters == 30
    assert score.estimate.method == "bootstrap-t"
    assert score.estimate.ci_low < score < score.estimate.ci_high


def test_over_repeats_each_run_has_its_dispersion() -> None:
    # run 0: (3 5) and (2 2): mean 0.5; run 1: (4 4) and (1 5): mean 1. The means of the runs (3.5 4.5), (1.5 3.5): 0.75
    items = _items([[(3, 4), (5, 4)], [(2, 1), (2, 5)]])
    assert dispersion_ja(items) == pytest.approx(0.75)
    assert dispersion_ja(items).report.runs == (0.5, 1.0)
    assert alignment_ja(items) == pytest.approx((2 + 1) / 2)
    steady = alignment_ja(_items([[(3, 4), (5, 4)], [(2, 1), (2, 1)]]))  # none varies in the second run
    assert math.isnan(steady)
    assert math.isnan(steady.estimate.standard_error)
    assert steady.report.undefined is not None


def test_items_that_name_no_cluster_stand_alone() -> None:
    items = [MetricItem(sample_id=str(n), answer="", value=float(n)) for n in range(3)]
    items[0][PROMPT_CLUSTER] = items[1][PROMPT_CLUSTER] = "a"
    score = dispersion_ja(items)
    assert score == 0.5
    assert score.report.facts["within_clusters"]["n_singletons"] == 1
    assert score.report.facts["within_clusters"]["consistency"] is None


def test_graded_documents_with_the_column_have_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_JUDGE_PROVIDER", "overlap")
    reset_engine()
    doc = {"question_id": "a-1", "question": "何色ですか。", "answer": "赤です。", "prompt_cluster": "a"}
    found = grading("vqa_likert")(doc, ["赤です。"])
    assert list(found) == ["verdict_vqa_likert", "judge_mean", "alignment", "dispersion"]
    assert dict(found["alignment"]) == {"cluster": "a", "prompt_cluster": "a"}
    doc.pop("prompt_cluster")
    assert list(grading("vqa_likert")(doc, ["赤です。"])) == ["verdict_vqa_likert", "judge_mean"]
    reset_engine()
