"""`lmms-eval-ja judge-link`: shifts between two judgings of the same answers, on small files made by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lmms_eval_ja.cli import app
from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.compare.judged import LinkError
from lmms_eval_ja.judge_link import ALL_MODELS, Link, link

TASK = "ja_sample"
OLD, NEW = (1, 2, 3, 4), (2, 2, 5, 5)
CLUSTERS = ("a", "a", "b", "b")
T_1 = 12.706204736  # the 97.5 % quantile of Student's t with one degree of freedom


def _row(doc_id: int, score: float | None, protocol: str, metric: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """A sample whose score is its influence, as it is for a plain mean."""
    item: dict[str, Any] = {"cluster": CLUSTERS[doc_id % 4]} | ({} if score is None else {"influence": score})
    return {
        "doc_id": doc_id,
        "target": f"正答{doc_id}",
        "input": f"質問{doc_id}",
        "filtered_resps": f"回答{doc_id}",
        f"verdict_{protocol}": {"score": score, "failure": "parse" if score is None else None},
        "rouge_l_ja": {"cluster": "a", "rouge_l": 50.0, "influence": 50.0},
        metric: item,
        **more,
    }


def _write(
    folder: Path,
    scores: Sequence[float | None],
    *,
    judge: str = "old-judge",
    protocol: str = "vqa_likert",
    metric: str = "judge_mean",
    model: str = "m",
    task: str = TASK,
    rows: Mapping[int, Mapping[str, Any]] | None = None,
    why_none: str | None = None,
) -> Path:
    """A judged run: samples and results as they are written; `rows` changes samples by doc_id."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = [_row(n, score, protocol, metric, (rows or {}).get(n, {})) for n, score in enumerate(scores)]
    names = dict.fromkeys(name for row in samples for name in row if name in {metric, "rouge_l_ja", "conv"})
    fingerprint = {
        "id": f"{judge}-{protocol}",
        "judging": [{"protocol": protocol, "version": 1, "judge": judge}],
        "judge_models": [f"{judge}-2026-01-01"],
        "dataset": {"revision": "abc"},
    }
    facts = {"fingerprint": fingerprint, "scores": {name: {"why_none": why_none} for name in names}}
    results = {"config": {"model": "hf", "model_args": f"pretrained={model}"}, "model_name_sanitized": model}
    results |= {"lmms_eval_ja": {"tasks": {task: facts}}}
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in samples)
    path = folder / f"20260101_000000_samples_{task}.jsonl"
    path.write_text(text + "\n", encoding="utf-8")
    (folder / "20260101_000000_results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder


def _linked(tmp_path: Path, new: Sequence[float | None] = NEW, **of_new: Any) -> Link:
    old = _write(tmp_path / "old", OLD)
    return link(old, _write(tmp_path / "new", new, judge="new-judge", **of_new))


def test_a_shift_by_hand(tmp_path: Path) -> None:
    (task,) = _linked(tmp_path).tasks
    (shift,) = task.shifts  # ROUGE-L asks no judge
    assert (shift.model, shift.metric_old, shift.metric_new) == ("m", "judge_mean", "judge_mean")
    assert (shift.n, shift.left_out, shift.clusters, shift.interval) == (4, 0, 2, "t")
    assert (shift.old, shift.new, shift.shift) == (2.5, 3.5, 1)
    # Differences 1 0 2 1, deviations 0 −1 1 0: s² = 2/3, no cross terms, so √(s²/4) = √(1/6).
    error = math.sqrt(1 / 6)
    assert shift.standard_error == pytest.approx(error)
    assert (shift.ci_low, shift.ci_high) == (pytest.approx(1 - T_1 * error), pytest.approx(1 + T_1 * error))
    assert shift.ranks_kendall is None


def test_agreement_on_single_answers_by_hand(tmp_path: Path) -> None:
    (task,) = _linked(tmp_path).tasks
    (found,) = task.agreements
    assert (found.protocol_old, found.protocol_new, found.n, found.left_out) == ("vqa_likert", "vqa_likert", 4, 0)
    # Ranks 1 2 3 4 and 1.5 1.5 3.5 3.5: Σ dx·dy = 4, Σ dx² = 5, Σ dy² = 4. Pairs: 4 concordant, 2 tied in NEW alone.
    assert found.spearman == pytest.approx(4 / math.sqrt(20))
    assert found.kendall == pytest.approx(4 / math.sqrt(4 * 6))
    assert found.mean_absolute_difference == 1


def test_who_judged_is_told(tmp_path: Path) -> None:
    (task,) = _linked(tmp_path).tasks
    assert [print_["id"] for print_ in task.fingerprints_old] == ["old-judge-vqa_likert"]
    assert [print_["judge_models"] for print_ in task.fingerprints_new] == [["new-judge-2026-01-01"]]
    assert list(task.notes) == []


def test_failures_of_either_side_are_left_out_and_counted(tmp_path: Path) -> None:
    old = _write(tmp_path / "old", (None, 2, 3, 4))
    (task,) = link(old, _write(tmp_path / "new", (2, 2, 5, None), judge="new-judge")).tasks
    (shift,), (agreement,) = task.shifts, task.agreements
    # documents 1 and 2: 2 → 2 and 3 → 5
    assert (shift.n, shift.left_out, shift.old, shift.new, shift.shift) == (2, 2, 2.5, 3.5, 1)
    assert (agreement.n, agreement.left_out, agreement.mean_absolute_difference) == (2, 2, 1)


def test_a_metric_of_a_category_has_its_own_documents(tmp_path: Path) -> None:
    def rows(scores: Sequence[float]) -> dict[int, dict[str, Any]]:
        return {n: {"conv": {"cluster": CLUSTERS[n], "influence": score}} for n, score in enumerate(scores)}

    old = _write(tmp_path / "old", OLD, rows=rows((10, 20)))
    (task,) = link(old, _write(tmp_path / "new", NEW, judge="new-judge", rows=rows((30, 50)))).tasks
    mean, conv = task.shifts
    assert (mean.metric_old, conv.metric_old) == ("judge_mean", "conv")
    assert (conv.n, conv.left_out, conv.old, conv.new, conv.shift) == (2, 0, 15, 40, 25)
    assert (conv.ci_low, conv.standard_error, conv.interval) == (None, None, "none")  # one cluster


def test_no_headline_is_no_number(tmp_path: Path) -> None:
    why = "1 of 4 samples have a score; failures: 3 transport"
    no_headline = {0: {"judge_mean": {"cluster": "a", "influence": math.nan}}}
    (task,) = _linked(tmp_path, (2, None, None, None), rows=no_headline, why_none=why).tasks
    (shift,) = task.shifts
    assert (shift.n, shift.left_out, shift.old, shift.shift) == (0, 4, None, None)
    assert list(task.notes) == [f"NEW, m: no judge_mean: {why}"]


def test_another_protocol_with_another_scale_has_no_shift(tmp_path: Path) -> None:
    old = _write(tmp_path / "old", (10, 20, 30, 40), protocol="original", metric="overall")
    (task,) = link(old, _write(tmp_path / "new", NEW)).tasks
    (shift,), (agreement,) = task.shifts, task.agreements
    assert (shift.metric_old, shift.metric_new, shift.old, shift.new) == ("overall", "judge_mean", 25, 3.5)
    assert (shift.shift, shift.ci_low) == (None, None)
    assert agreement.spearman == pytest.approx(4 / math.sqrt(20))
    assert agreement.mean_absolute_difference is None
    assert list(task.notes) == [
        "the protocol changed (original → vqa_likert): each value is on the scale of its own protocol"
    ]


def test_another_protocol_of_the_same_kind_is_compared(tmp_path: Path) -> None:
    old = _write(tmp_path / "old", OLD, protocol="original", metric="overall")
    (task,) = link(old, _write(tmp_path / "new", NEW, protocol="ja_pairwise", metric="overall")).tasks
    assert task.shifts[0].shift == 1
    assert task.agreements[0].mean_absolute_difference == 1
    assert "original → ja_pairwise" in task.notes[0]


def test_models_are_ranked_from_three_on(tmp_path: Path) -> None:
    values = {"x": ((1, 1, 1, 1), (3, 3, 3, 3)), "y": ((2, 2, 2, 2), (2, 2, 2, 2)), "z": ((3, 3, 3, 3), (4, 4, 4, 4))}
    for n, (model, (old, new)) in enumerate(values.items(), start=1):
        _write(tmp_path / "old" / model, old, model=model)
        _write(tmp_path / "new" / model, new, model=model, judge="new-judge")
        (task,) = link(tmp_path / "old", tmp_path / "new").tasks
        assert len(task.models) == n
        if n == 2:
            assert {shift.ranks_kendall for shift in task.shifts} == {None}
    every, *own = task.shifts
    assert (every.model, every.n, every.old, every.new, every.clusters) == (ALL_MODELS, 12, 2, 3, 2)
    assert every.shift == 1
    assert [(shift.model, shift.shift) for shift in own] == [("x", 2), ("y", 0), ("z", 1)]
    # Order x y z, then y x z: d² = 1 1 0, ρ = 1 − 6·2/(3·8) = 0.5; two pairs concordant, one not: τ = 1/3.
    assert every.ranks_spearman == pytest.approx(0.5)
    assert every.ranks_kendall == pytest.approx(1 / 3)
    assert task.agreements[0].n == 12


def test_models_that_one_side_lacks_are_named(tmp_path: Path) -> None:
    for model in ("x", "y"):
        _write(tmp_path / "old" / model, OLD, model=model)
    (task,) = link(tmp_path / "old", _write(tmp_path / "new", NEW, model="x", judge="new-judge")).tasks
    assert list(task.models) == ["x"]
    assert list(task.notes) == ["only OLD has hf (pretrained=y)"]
    with pytest.raises(LinkError, match=r"no model is judged on ja_sample in both .*pretrained=x.*pretrained=z"):
        link(tmp_path / "old", _write(tmp_path / "other", NEW, model="z"))


def test_documents_that_one_side_lacks_are_counted(tmp_path: Path) -> None:
    (task,) = _linked(tmp_path, (2, 2)).tasks
    assert task.shifts[0].n == 2
    assert list(task.notes) == ["m: 2 documents are on one side only, and left out"]


@pytest.mark.parametrize(("changed", "what"), [("filtered_resps", "answer"), ("input", "input"), ("target", "target")])
def test_other_answers_or_documents_are_refused(tmp_path: Path, changed: str, what: str) -> None:
    with pytest.raises(LinkError, match=f"doc_id 2 of ja_sample has another {what} than in .*: '別の文', there"):
        _linked(tmp_path, rows={2: {changed: "別の文"}})


def test_a_judging_below_the_original_is_linked_when_it_is_named(tmp_path: Path) -> None:
    old = _write(tmp_path / "run", OLD)
    new = old / "judged-new-vqa_likert-20260102_000000"
    _write(new / "m", NEW, judge="new-judge")
    (task,) = link(old, new).tasks
    assert (task.shifts[0].old, task.shifts[0].new) == (2.5, 3.5)


def test_the_same_fingerprint_is_said(tmp_path: Path) -> None:
    (task,) = link(_write(tmp_path / "old", OLD), _write(tmp_path / "new", NEW)).tasks
    assert "same fingerprint" in task.notes[0]


def test_what_cannot_be_linked_is_named(tmp_path: Path) -> None:
    old = _write(tmp_path / "old", OLD)
    with pytest.raises(LinkError, match=r"no task is judged in both folders: .* has ja_sample; .* has other"):
        link(old, _write(tmp_path / "new", NEW, task="other"))
    _write(old / "again", OLD)
    with pytest.raises(LinkError, match="two samples files of ja_sample by the same model"):
        link(old, tmp_path / "new")
    with pytest.raises(LinkError, match=r"no judged samples found; .* --log_samples"):
        link(tmp_path / "new", tmp_path / "nothing")
    results = tmp_path / "new" / "20260101_000000_results.json"
    content = json.loads(results.read_text(encoding="utf-8"))
    results.write_text(json.dumps(content | {"lmms_eval_ja": {"tasks": {}}}), encoding="utf-8")
    with pytest.raises(LinkError, match="judged by `lmms-eval-ja judge`"):
        link(tmp_path / "new", tmp_path / "new")
    results.unlink()
    with pytest.raises(SamplesError, match="its results file cannot be read"):
        link(tmp_path / "new", tmp_path / "new")


def test_the_command_shows_and_writes_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    old, new = _write(tmp_path / "old", OLD), _write(tmp_path / "new", NEW, judge="new-judge")
    file = tmp_path / "link.json"
    done = CliRunner().invoke(app, ["judge-link", str(old), str(new), "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "OLD: vqa_likert v1 by old-judge; models as reported: old-judge-2026-01-01" in done.output
    assert "+1.00" in done.output
    assert "-4.19 to +6.19" in done.output  # 1 ± 12.706 · √(1/6)
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["tasks"][0]["shifts"][0]["shift"] == 1
    assert content["tasks"][0]["agreements"][0]["mean_absolute_difference"] == 1
    assert content["tasks"][0]["fingerprints_new"][0]["id"] == "new-judge-vqa_likert"


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    old, new = _write(tmp_path / "old", OLD), _write(tmp_path / "new", NEW, rows={1: {"filtered_resps": "別の文"}})
    done = CliRunner().invoke(app, ["judge-link", str(old), str(new)])
    assert done.exit_code == 1
    assert "doc_id 1 of ja_sample has another answer" in done.output
