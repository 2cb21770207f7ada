"""What is added to lmms-eval's results, and taken out of the rows of groups."""

from __future__ import annotations

from typing import Any

from lmms_eval_ja.results import drop_unnamed


def row(*metrics: str) -> dict[str, Any]:
    """As lmms-eval writes a group's: every metric whose name holds one of the group's."""
    return {"alias": "a group", "samples": 3} | {
        key: 50.0 for metric in metrics for key in (f"{metric},none", f"{metric}_stderr,none")
    }


def test_a_groups_row_has_the_metrics_that_its_yaml_names_and_no_others() -> None:
    ocr, light = row("f1", "f1_nfkc", "f1_evalmm", "accuracy_judged"), row("accuracy", "accuracy_parsed")
    tasks = {"cc_ocr_ja": row("f1", "f1_nfkc", "unparsed"), "somebodys_group": row("accuracy_parsed")}
    results = {
        "results": {"japanese_vlm_ocr": dict(ocr), "japanese_vlm_light": dict(light), **tasks},
        "groups": {"japanese_vlm_ocr": dict(ocr)},
    }
    drop_unnamed(results)
    wanted = row("f1", "accuracy_judged")
    assert results == {
        "results": {"japanese_vlm_ocr": wanted, "japanese_vlm_light": row("accuracy"), **tasks},
        "groups": {"japanese_vlm_ocr": wanted},
    }


def test_results_without_groups_stay_as_they_are() -> None:
    results = {"results": {"cc_ocr_ja": row("f1_nfkc")}}
    drop_unnamed(results)
    assert results == {"results": {"cc_ocr_ja": row("f1_nfkc")}}
