"""What pictures are worth: the paired difference of two runs, on small files made by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.ablation import ablation, ablations
from lmms_eval_ja.compare.finished import SamplesError

TASK = "cvqa_ja"
PLAIN, BLANK = (100, 100, 0, 100), (0, 100, 0, 0)
CLUSTERS = ("a", "a", "b", "b")
T_1 = 12.706204736  # the 97.5 % quantile of Student's t with one degree of freedom


def write(
    folder: Path,
    scores: Sequence[float | None],
    image: str | None = None,
    *,
    model_args: str = "pretrained=m",
    task: str = TASK,
    rows: Mapping[int, Mapping[str, Any]] | None = None,
    **of_fingerprint: Any,
) -> Path:
    """A run: samples and results as they are written; `rows` changes samples by doc_id."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for n, score in enumerate(scores):
        item: dict[str, Any] = {"cluster": CLUSTERS[n % 4]} | ({} if score is None else {"influence": score})
        sample = {"doc_id": n, "target": f"正答{n}", "input": f"質問{n}", "filtered_resps": f"{image}{n}"}
        samples.append(sample | {"accuracy": item} | dict((rows or {}).get(n, {})))
    print_ = {"id": str(image), "task_version": 1.0, **({"image": image} if image else {}), **of_fingerprint}
    facts = {"fingerprint": print_, "scores": {"accuracy": {}, "accuracy_parsed": {}}}
    results = {"config": {"model": "hf", "model_args": model_args}, "model_name_sanitized": "m"}
    results |= {"lmms_eval_ja": {"tasks": {task: facts}}}
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in samples)
    (folder / f"20260101_000000_samples_{task}.jsonl").write_text(text + "\n", encoding="utf-8")
    (folder / "20260101_000000_results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder


def test_a_difference_by_hand(tmp_path: Path) -> None:
    (found,) = ablations(write(tmp_path / "plain", PLAIN), write(tmp_path / "blank", BLANK, "blank"))
    assert (found.task, found.model, found.image, list(found.notes)) == (TASK, "m", "blank", [])
    (worth,) = found.worths  # no document has accuracy_parsed
    assert (worth.metric, worth.n, worth.left_out, worth.clusters, worth.interval) == ("accuracy", 4, 0, 2, "t")
    assert (worth.plain, worth.ablated, worth.difference) == (75, 25, 50)
    # Differences 100 0 0 100: s² = 10000/3, and in each of the two clusters the product 2·50·(−50), over 4².
    error = math.sqrt(10_000 / 12 - 2 * 5_000 / 16)
    assert worth.standard_error == pytest.approx(error)
    assert (worth.ci_low, worth.ci_high) == (pytest.approx(50 - T_1 * error), pytest.approx(50 + T_1 * error))


def test_documents_without_a_score_on_either_side_are_left_out(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", (100, None, 0, 100))
    ((worth,),) = (one.worths for one in ablations(plain, write(tmp_path / "none", (None, 0, 0, 100), "none")))
    assert (worth.n, worth.left_out, worth.difference) == (2, 2, 0)


def test_documents_of_one_run_only_are_left_out_and_noted(tmp_path: Path) -> None:
    (found,) = ablations(write(tmp_path / "plain", PLAIN), write(tmp_path / "none", BLANK[:3], "none"))
    assert found.worths[0].n == 3
    assert list(found.notes) == ["1 documents are in one run only, and left out"]


def test_what_else_differs_is_noted(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", PLAIN, subset=None)
    (found,) = ablations(plain, write(tmp_path / "none", BLANK, "none", subset={"limit": 4}))
    assert list(found.notes) == ["not only the pictures differ, but subset: the difference is of all of it"]


def test_replayed_answers_may_lie_in_other_files(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", PLAIN, model_args="answers=plain.jsonl")
    (found,) = ablations(plain, write(tmp_path / "none", BLANK, "none", model_args="answers=none.jsonl"))
    assert found.worths[0].difference == 50


def test_of_several_models_each_is_compared_with_itself(tmp_path: Path) -> None:
    for model, more in (("x", 0), ("y", 100)):
        write(tmp_path / "plain" / model, PLAIN, model_args=f"pretrained={model}")
        write(tmp_path / "none" / model, (more,) * 4, "none", model_args=f"pretrained={model}")
    found = ablations(tmp_path / "plain", tmp_path / "none")
    assert sorted(one.worths[0].difference for one in found) == [-25, 75]


def test_the_order_of_the_folders_matters(tmp_path: Path) -> None:
    plain, blank = write(tmp_path / "plain", PLAIN), write(tmp_path / "blank", BLANK, "blank")
    with pytest.raises(SamplesError, match="the plain run has image = 'blank'; name it second"):
        ablations(blank, plain)
    with pytest.raises(SamplesError, match="LMMS_EVAL_JA_IMAGE=none, blank or shuffled"):
        ablations(plain, write(tmp_path / "again", PLAIN))


def test_other_questions_are_refused(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", PLAIN)
    other = write(tmp_path / "none", BLANK, "none", rows={2: {"input": "別の質問"}})
    with pytest.raises(SamplesError, match="doc_id 2 of cvqa_ja has another question or target"):
        ablations(plain, other)


def test_folders_that_do_not_fit_are_named(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", PLAIN)
    with pytest.raises(SamplesError, match="no model has run a task in both folders: cvqa_ja by hf"):
        ablations(plain, write(tmp_path / "other", BLANK, "none", task="mecha_ja"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SamplesError, match="no scored samples of our tasks"):
        ablations(plain, tmp_path / "empty")
    write(tmp_path / "twice" / "a", PLAIN)
    write(tmp_path / "twice" / "b", PLAIN)
    with pytest.raises(SamplesError, match="two samples files of cvqa_ja by the same model"):
        ablations(tmp_path / "twice", plain)


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(ablation)
    return app


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path, app: typer.Typer) -> None:
    plain, blank = write(tmp_path / "plain", PLAIN), write(tmp_path / "blank", BLANK, "blank")
    file = tmp_path / "worth.json"
    done = CliRunner().invoke(app, [str(plain), str(blank), "--json", str(file)])
    assert done.exit_code == 0, done.output
    assert "cvqa_ja, m: image = blank" in done.output
    assert "+50.00" in done.output
    assert json.loads(file.read_text(encoding="utf-8"))[0]["worths"][0]["difference"] == 50


def test_the_command_says_what_is_wrong(tmp_path: Path, app: typer.Typer) -> None:
    plain = write(tmp_path / "plain", PLAIN)
    done = CliRunner().invoke(app, [str(plain), str(plain)])
    assert done.exit_code == 1
    assert "error:" in done.output
