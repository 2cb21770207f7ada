"""`lmms-eval-ja correct`: judged means beside corrected ones, what cannot be corrected, and faults by file and row."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from lmms_eval_ja.correcting import correct
from lmms_eval_ja.correction import Correction, Row, Wish, corrected
from lmms_eval_ja.metrics import prediction_powered_mean
from lmms_eval_ja.trusted import TrustedError
from support.collected import write_documents
from support.comparisons import Shape, edit_results, edit_samples, facts_of, write_comparison

HERON, WILD = "heron_bench_ja", "ja_vlm_bench_in_the_wild"
app = typer.Typer()
app.command()(correct)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def _results(tmp_path: Path, **shape: Any) -> Path:
    return write_comparison(
        tmp_path / "results", Shape(**({"models": 1, "tasks": 2, "documents": 60} | shape)), plain=True
    )


def _rows(results: Path, task: str, model: str = "model-00") -> list[dict[str, Any]]:
    (path,) = (path for path in results.rglob(f"*_samples_{task}.jsonl") if model in path.parts)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _score(row: dict[str, Any]) -> float | None:
    verdict = next(value for name, value in row.items() if name.startswith("verdict_"))
    score: float | None = verdict["score"]
    return score


def _labels(
    path: Path,
    rows: Sequence[dict[str, Any]],
    task: str,
    change: Callable[[float], float] = lambda score: score,
    model: str = "model-00",
) -> Path:
    """A CSV with a label for each of these rows."""
    lines = [f"{model},{task},{row['doc_id']},{change(_score(row) or 1)}" for row in rows]
    path.write_text("\n".join(["model,task,doc_id,score", *lines]) + "\n", encoding="utf-8")
    return path


def _only(found: Correction) -> Row:
    (row,) = found.rows
    return row


def test_a_judge_that_is_off_by_one_is_put_right(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    rows = _rows(results, WILD)
    labels = _labels(tmp_path / "labels.csv", rows[::3], WILD, lambda score: max(1, score - 1))
    row = _only(corrected(results, labels))
    assert (row.model, row.task, row.metric, row.protocol) == ("model-00", WILD, "judge_mean", "vqa_likert")
    assert (row.labels, row.others, row.left_out) == (20, 40, 0)
    assert row.raw.value == pytest.approx(fmean(_score(one) or 0 for one in rows))
    assert row.corrected.value is not None
    assert row.raw.value is not None
    assert row.corrected.value < row.raw.value - 0.5
    assert row.bias == pytest.approx(fmean((_score(one) or 0) - max(1, (_score(one) or 0) - 1) for one in rows[::3]))


def test_the_numbers_are_those_of_the_metric(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    rows = _rows(results, WILD)
    labels = _labels(tmp_path / "labels.csv", rows[:30], WILD, lambda score: min(5, score + score % 2))
    row = _only(corrected(results, labels, Wish(method="ppi")))
    judged = [_score(one) or 0 for one in rows]
    images = [one["judge_mean"]["cluster"] for one in rows]
    expected = prediction_powered_mean(
        [min(5, score + score % 2) for score in judged[:30]],
        judged[:30],
        judged[30:],
        method="ppi",
        clusters=(images[:30], images[30:]),
    )
    assert (row.corrected.value, row.corrected.ci_low) == (
        pytest.approx(expected.value),
        pytest.approx(expected.ci_low),
    )
    assert row.labels_alone.value == pytest.approx(expected.labels_mean)
    assert row.images == len(set(images[:30]))


def test_labels_on_another_scale_than_the_judges_correct_nothing(tmp_path: Path) -> None:
    results = _results(tmp_path)
    labels = _labels(tmp_path / "labels.csv", _rows(results, HERON)[::2], HERON, lambda score: (score + 1) // 2)
    header, *lines = labels.read_text("utf-8").splitlines()
    for scale, is_right in (("1-5", False), ("1-10", True)):
        text = "\n".join([f"{header},scale", *(f"{line},{scale}" for line in lines)]) + "\n"
        labels.write_text(text, encoding="utf-8")
        done = _run(results, labels)
        assert (done.exit_code == 0) is is_right, done.output
        refused = (
            "row 2: doc_id 0 of heron_bench_ja by model-00 was scored 1 to 5 (column scale), and 1 to 10 is expected"
        )
        assert (refused in done.output.replace("\n", "")) is not is_right


def test_of_a_ratio_only_the_mean_of_the_answers_is_corrected(tmp_path: Path) -> None:
    results = _results(tmp_path)
    labels = _labels(tmp_path / "labels.csv", _rows(results, HERON)[::2], HERON)
    assert _only(corrected(results, labels)).metric == "model_mean"
    with pytest.raises(
        TrustedError, match=r"overall of heron_bench_ja is not the mean .* can be corrected: model_mean$"
    ):
        corrected(results, labels, Wish(metric="overall"))
    with pytest.raises(TrustedError, match="has no metric 'mean'; the means that can be corrected are model_mean"):
        corrected(results, labels, Wish(metric="mean"))


def test_results_that_state_no_aggregation_are_known_by_their_influences(tmp_path: Path) -> None:
    results = _results(tmp_path)
    labels = _labels(tmp_path / "labels.csv", _rows(results, HERON)[::2], HERON)

    def forget(record: dict[str, Any]) -> None:
        for facts in facts_of(record, HERON)["scores"].values():
            del facts["aggregation"], facts["protocol"]

    before = corrected(results, labels)
    edit_results(results, "model-00", forget)
    assert corrected(results, labels) == before


def test_each_model_has_its_row(tmp_path: Path) -> None:
    results = _results(tmp_path, models=2, tasks=1)
    first = _labels(tmp_path / "one.csv", _rows(results, WILD)[:12], WILD)
    second = _labels(tmp_path / "two.csv", _rows(results, WILD, "model-01")[:15], WILD, model="made__model-01")
    both = tmp_path / "both.csv"
    both.write_text(first.read_text("utf-8") + second.read_text("utf-8").partition("\n")[2], encoding="utf-8")
    assert [(row.model, row.labels) for row in corrected(results, both).rows] == [("model-00", 12), ("model-01", 15)]
    assert _only(corrected(results, first)).labels == 12


def test_without_a_raw_score_there_is_no_corrected_one(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[:12], WILD)

    def fail(record: dict[str, Any]) -> None:
        facts_of(record, WILD)["scores"]["judge_mean"] |= {"value": None, "why_none": "50 of 60 samples have a score"}

    edit_results(results, "model-00", fail)
    row = _only(corrected(results, labels))
    assert (row.corrected.value, row.labels_alone.value) == (None, None)
    assert row.why_none == "there is no raw score: 50 of 60 samples have a score"
    done = _run(results, labels)
    assert "no corrected value: there is no raw score: 50 of 60" in done.output


def test_a_judged_share_is_corrected_on_the_judges_scale(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[::3], WILD, lambda score: max(1, score - 1))
    before = _only(corrected(results, labels))

    def in_percent(record: dict[str, Any]) -> None:
        facts = facts_of(record, WILD)["scores"]["judge_mean"]
        facts |= {name: 100 * facts[name] for name in ("value", "ci_low", "ci_high")} | {"aggregation": "percent_ja"}

    def unread(rows: list[dict[str, Any]]) -> None:
        """The second answer could not be read, and nobody was asked about it."""
        for row in rows:
            row["judge_mean"]["influence"] *= 100
        del rows[1]["verdict_vqa_likert"]

    edit_results(results, "model-00", in_percent)
    edit_samples(results, "model-00", WILD, unread)
    after = _only(corrected(results, labels))
    for name in ("raw", "corrected", "labels_alone"):
        assert getattr(after, name).value == pytest.approx(getattr(before, name).value)
    assert (after.labels, after.others, after.left_out) == (20, 40, 0)


def test_failures_of_the_judge_are_left_out_on_both_sides(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[:12], WILD)

    def fail(rows: list[dict[str, Any]]) -> None:
        for at in (0, 59):
            rows[at]["verdict_vqa_likert"] |= {"score": None, "failure": "parse"}
            rows[at]["judge_mean"].pop("influence", None)

    edit_samples(results, "model-00", WILD, fail)
    row = _only(corrected(results, labels))
    assert (row.labels, row.others, row.left_out) == (11, 47, 1)


def test_a_share_by_rogan_and_gladen(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1, documents=200)
    rows = _rows(results, WILD)
    judged = [(_score(one) or 0) >= 3 for one in rows]
    labels = _labels(tmp_path / "labels.csv", rows[:100], WILD, lambda score: score)
    row = _only(corrected(results, labels, Wish(metric="judge_mean", method="rogan-gladen", at_least=3)))
    # Labels as the judge's scores: sensitivity and specificity are 1, and the share stays what it is.
    assert (row.sensitivity, row.specificity) == (1, 1)
    assert row.raw.value == pytest.approx(fmean(judged))
    assert row.corrected.value == pytest.approx(fmean(judged))
    assert row.labels_alone.value == pytest.approx(fmean(judged[:100]))
    by_ppi = _only(corrected(results, labels, Wish(metric="judge_mean", method="ppi", at_least=3)))
    assert by_ppi.corrected.value == pytest.approx(fmean(judged[100:]))
    with pytest.raises(TrustedError, match="name the lowest score that counts with --at-least"):
        corrected(results, labels, Wish(method="rogan-gladen"))


def test_the_command_shows_raw_and_corrected_and_writes_both(tmp_path: Path) -> None:
    results = _results(tmp_path)
    labels = _labels(tmp_path / "labels.csv", _rows(results, HERON)[::2], HERON, lambda score: max(1, score - 2))
    file = tmp_path / "corrected.json"
    done = _run(results, labels, "--json", file)
    assert done.exit_code == 0, done.output
    (row,) = json.loads(file.read_text(encoding="utf-8"))["rows"]
    for number in (row["raw"], row["corrected"], row["labels_alone"]):
        assert f"{number['value']:.2f} ({number['ci_low']:.2f} to {number['ci_high']:.2f})" in done.output
    assert "drawn at random" in done.output


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("model-00,{wild},99,3", r"row 5: model-00 has no doc_id 99 of .*; there are 60 documents, 0 to 59"),
        ("model-9,{wild},1,3", r"row 5: no results of model 'model-9' on .*; there are model-00"),
        ("model-00,heron,1,3", r"row 5: no judged results of task 'heron'; there are heron_bench_ja, ja_vlm"),
        ("model-00,{wild},1,7", r"row 5: 7 for doc_id 1 .* is off the scale of 1 to 5"),
        ("made__model-00,{wild},10,3", r"row 5: the same answer as in row 2, under another name"),
    ],
)
def test_faults_are_named_by_row(tmp_path: Path, line: str, message: str) -> None:
    results = _results(tmp_path)
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[10:13], WILD)
    with labels.open("a", encoding="utf-8") as file:
        file.write(line.format(wild=WILD) + "\n")
    done = _run(results, labels)
    assert done.exit_code == 1
    with pytest.raises(TrustedError, match=message):
        corrected(results, labels)


def test_documents_may_be_named_by_question_id_where_they_were_collected(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    by_number = _labels(tmp_path / "labels.csv", _rows(results, WILD)[:12], WILD)
    names = tmp_path / "names.csv"
    lines = by_number.read_text("utf-8").splitlines()[1:]
    parts = [line.split(",") for line in lines]
    names.write_text(
        "model,task,question_id,score\n" + "".join(f"{m},{t},q{at},{score}\n" for m, t, at, score in parts), "utf-8"
    )
    write_documents(results, WILD, 60)
    assert corrected(results, names).rows == corrected(results, by_number).rows


@pytest.mark.parametrize("at_least", [40, 1, -3, 0, float("nan"), float("inf")])
def test_a_share_of_all_or_of_none_is_refused(tmp_path: Path, at_least: float) -> None:
    results = _results(tmp_path, tasks=1)
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[:20], WILD)
    with pytest.raises(TrustedError, match=rf"--at-least {at_least:g}: (judge_mean of .* 1 to 5, so every|expected a)"):
        corrected(results, labels, Wish(at_least=at_least))


def test_a_warning_of_the_judge_stands_beside_its_means(tmp_path: Path) -> None:
    results = _results(tmp_path, models=2, tasks=1)
    warning = "how far the open judge made-judge agrees with people on Japanese answers is not known: measure it"
    for model in ("model-00", "model-01"):
        edit_results(
            results, model, lambda record: facts_of(record, WILD)["judging"]["vqa_likert"].update(warnings=[warning])
        )
    labels = _labels(tmp_path / "labels.csv", _rows(results, WILD)[:20], WILD)
    others = _labels(tmp_path / "others.csv", _rows(results, WILD, "model-01")[:20], WILD, model="model-01")
    with labels.open("a", encoding="utf-8") as file:
        file.writelines(others.read_text("utf-8").splitlines(keepends=True)[1:])
    assert [row.warnings for row in corrected(results, labels).rows] == [(warning,)] * 2
    assert _run(results, labels).output.count(f"note {WILD}: {warning}") == 1


def test_ids_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    results = _results(tmp_path, tasks=1)
    write_documents(results, WILD, 60)
    for shift, is_right in ((0, True), (1, False)):
        lines = [f"model-00,{WILD},{at + shift},q{at},3\n" for at in range(20)]
        labels = tmp_path / "labels.csv"
        labels.write_text("model,task,doc_id,question_id,score\n" + "".join(lines), encoding="utf-8")
        if is_right:
            assert _only(corrected(results, labels)).labels == 20
        else:
            with pytest.raises(
                TrustedError, match=r"row 2: doc_id 1 is question_id q1 where it was judged, and 1 is q0"
            ):
                corrected(results, labels)


def test_other_faults(tmp_path: Path) -> None:
    results = _results(tmp_path)
    two = _labels(tmp_path / "two.csv", _rows(results, WILD)[:2], WILD)
    with pytest.raises(TrustedError, match=r"two\.csv: 2 answers have a score; at least 3 are needed"):
        corrected(results, two)
    keys = tmp_path / "keys.csv"
    keys.write_text("key,score\na,1\nb,2\nc,3\n", encoding="utf-8")
    with pytest.raises(TrustedError, match="not by the key of a reply"):
        corrected(results, keys)
    by_question = tmp_path / "questions.csv"
    by_question.write_text("model,task,question_id,score\n" + "".join(f"model-00,{WILD},q{n},3\n" for n in range(3)))
    with pytest.raises(TrustedError, match="question_id 'q0' is not known"):
        corrected(results, by_question)
    done = _run(results, two, "--method", "ppi2")
    assert done.exit_code == 1
    assert "--method ppi2: expected one of ppi++, ppi, labels, rogan-gladen" in done.output
