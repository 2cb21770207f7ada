"""Ready comparisons of a published table, and the table of what came out."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.compare.faults import ComparisonError
from lmms_eval_ja.compare.file import read_comparison
from lmms_eval_ja.compare.published import published
from lmms_eval_ja.compare.reproduce import Reproduced, disagreements, rendering, reproduction, tolerance
from lmms_eval_ja.compare.results import Results, TaskRun
from lmms_eval_ja.compare.shipped import shipped, shipped_names

ITW, VG = "ja_vlm_bench_in_the_wild", "ja_vg_vqa_500"
VILA = "llm-jp-3-vila-14b"


def _results(*runs: tuple[str, str, dict[str, Any]], **more: Any) -> Results:
    made = {
        (model, task): TaskRun(model, task, Path("x"), {"scores": scores}, "f", **more) for model, task, scores in runs
    }
    return Results(Path(), "", None, {}, {}, made, None, {})


def _rouge(value: float | None, n: int) -> dict[str, Any]:
    return {"rouge_l_ja": {"value": value, "n": n}}


def _cell(rows: list[Reproduced], model: str, task: str, metric: str = "rouge_l_ja") -> Reproduced:
    (found,) = (row for row in rows if (row.model, row.task, row.metric) == (model, task, metric))
    return found


def test_the_ready_files_can_be_run(tmp_path: Path) -> None:
    assert shipped_names() == ["paper", "paper-rouge"]
    table_4 = list(dict.fromkeys(row.model for row in published() if row.source.endswith("Table 4")))
    paper = read_comparison(shipped("paper"), tmp_path)
    assert [model.id for model in paper.models] == [*table_4[:-1], "gpt-4o-2024-11-20"]
    assert paper.models[-1].label == "GPT-4o (2024-11-20, in place of 2024-05-13)"
    assert paper.tasks == ("heron_bench_ja", ITW, VG)
    assert paper.fields.repeats == 5
    rouge = read_comparison(shipped("paper-rouge"), tmp_path)
    assert [model.id for model in rouge.models] == table_4[:-1]
    assert (rouge.tasks, rouge.fields.judge) == ((ITW, VG), "none")


def test_the_tolerance_is_of_print_and_decoding() -> None:
    """2 · 25 · √1 / 50 = 1; 2 · 25 · √80 / 4000 = 0.1118; and a unit of the last place, 0.1."""
    (row,) = (r for r in published([ITW]) if (r.model, r.metric, r.source[-7:]) == (VILA, "rouge_l_ja", "Table 4"))
    assert tolerance(row, 50) == pytest.approx(1.1)
    assert tolerance(row, 4000) == pytest.approx(0.1 + 50 * math.sqrt(80) / 4000)


def test_what_came_out_is_judged_by_the_tolerance() -> None:
    rows = reproduction(
        _results(
            (VILA, ITW, _rouge(51.3, 50)),
            (VILA, VG, _rouge(16.5, 4000)),
            ("japanese-stable-vlm", VG, _rouge(45.7, 4000)),
        ),
        "paper-rouge",
    )
    assert len(rows) == 24
    within, outside = _cell(rows, VILA, ITW), _cell(rows, VILA, VG)
    assert (within.expected, within.obtained, within.verdict) == (52.3, 51.3, "within")
    assert within.difference == pytest.approx(-1.0)
    assert (outside.expected, outside.verdict) == (16.2, "outside")
    dashed = _cell(rows, "japanese-stable-vlm", VG)
    assert (dashed.expected, dashed.obtained, dashed.verdict) == (None, None, "contaminated")
    assert _cell(rows, "internvl2-8b", ITW).verdict == "not run"


def test_an_incomplete_run_and_a_part_of_the_questions_are_not_run() -> None:
    for more, why in (({"incomplete": "3 of 50 samples have a score"}, "3 of 50"), ({"subset": True}, "only a part")):
        rows = reproduction(_results((VILA, ITW, _rouge(52.3, 50)), **more), "paper-rouge")
        cell = _cell(rows, VILA, ITW)
        assert (cell.verdict, cell.obtained) == ("not run", None)
        assert why in cell.note


def test_judged_scores_have_no_verdict() -> None:
    rows = reproduction(_results((VILA, "heron_bench_ja", {"overall": {"value": 60.0, "n": 103}})), "paper")
    cell = _cell(rows, VILA, "heron_bench_ja", "overall")
    assert (cell.expected, cell.obtained, cell.verdict, cell.tolerance) == (57.2, 60.0, "another judge", None)
    assert {row.metric for row in rows} >= {"overall", "judge_mean", "rouge_l_ja"}


def test_known_disagreements_are_those_beyond_print() -> None:
    found = {(one.name, one.task): one for one in disagreements()}
    assert ("LLM-jp-3 VILA", ITW) not in found  # 52.3 and 52.38: cut after one decimal
    assert ("InternVL2 8B", VG) not in found  # 11.6 and 11.66
    assert found["Llama-3-EvoVLM-JP-v2", ITW].exceeds  # 41.4 and 48.38
    assert not found["LLaVA-1.5 7B", ITW].exceeds  # 40.6 and 40.75
    assert "base model" in found["Llama 3.2 11B Vision", ITW].note
    assert ("Japanese Stable VLM", VG) not in found


def test_the_table_as_text() -> None:
    text = rendering(reproduction(_results((VILA, ITW, _rouge(52.1, 50))), "paper-rouge"))
    lines = text.splitlines()
    assert lines[0].split() == [
        "model", "task", "metric", "expected", "obtained", "difference", "tolerance", "verdict",
    ]  # fmt: skip
    (line,) = (line for line in lines if line.startswith("LLM-jp-3 VILA") and f" {ITW} " in line and "52.3 " in line)
    assert line.split()[-5:] == ["52.3", "52.10", "-0.20", "1.10", "within"]
    assert "Of 24 figures: 21 not run, 2 contaminated, 1 within." in lines
    assert "34.06" not in text
    assert "45.72" not in text


def test_an_unknown_table_is_named() -> None:
    with pytest.raises(ComparisonError, match="paper-rouge"):
        reproduction(_results(), "paper-roug")
