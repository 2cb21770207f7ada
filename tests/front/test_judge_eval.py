"""`lmms-eval-ja judge-eval`: judged results, files of scores and the store, beside trusted scores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner, Result

from lmms_eval_ja.clients import Store
from lmms_eval_ja.compare.documents import schema
from lmms_eval_ja.judge_eval import MetaEvaluation, Wish, evaluate, judge_eval
from lmms_eval_ja.judge_eval_report import SHOWN
from lmms_eval_ja.judges import PROTOCOLS
from lmms_eval_ja.trusted import TrustedError
from support.benchmarks import SHARED, needs_shared
from support.collected import write_documents
from support.comparisons import Shape, edit_samples, write_comparison
from support.replies import REPLY

HERON, WILD = "heron_bench_ja", "ja_vlm_bench_in_the_wild"
app = typer.Typer()
app.command()(judge_eval)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def _scores(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _simple(path: Path, scores: Sequence[float | None], **more: Any) -> Path:
    rows = ({"model": "m", "task": "t", "doc_id": at, "score": score} | more for at, score in enumerate(scores))
    return _scores(path, rows)


def _labels_of(
    results: Path, task: str, change: Callable[[float], float] = lambda score: score
) -> list[dict[str, Any]]:
    """A label for each answer that has a score, by model and document."""
    rows = []
    for path in sorted(results.rglob(f"*_samples_{task}.jsonl")):
        model = next(part for part in path.parts if part.startswith("model-"))
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            verdict = next(value for name, value in row.items() if name.startswith("verdict_"))
            score = 5.0 if verdict["score"] is None else verdict["score"]
            rows.append({"model": model, "task": task, "doc_id": row["doc_id"], "score": change(score)})
    return rows


def _found(labels: Path, *sources: Path, **wish: Any) -> MetaEvaluation:
    return evaluate(labels, sources, Wish(**wish))


def _real_reviews() -> list[dict[str, Any]]:
    """The 90 replies of a judge that `original` reads, with question, category and image."""
    assert SHARED is not None
    folder = SHARED / "data" / "llava_bench_coco_ja"
    questions = [json.loads(line) for line in (folder / "qa90_questions_ja.jsonl").open(encoding="utf-8")]
    images = {one["question_id"]: one["image"] for one in questions}
    reviews = [json.loads(line) for line in (folder / "sample_reviews.json").open(encoding="utf-8")]
    for review in reviews:
        review["image"] = images[review["question_id"]]
        review["score"] = PROTOCOLS["original"].parse(review["content"]).score
    return reviews


def _scripted(review: Mapping[str, Any]) -> float:
    """A second judge's score: the first one's, up to two points off, which the text of the reply decides."""
    off = hashlib.sha256(review["content"].encode()).digest()[0] % 5 - 2
    return min(10.0, max(1.0, review["score"] + off))


@needs_shared
def test_real_replies_against_a_scripted_judge(tmp_path: Path) -> None:
    reviews = _real_reviews()
    assert len(reviews) == 90
    answer = {"model": "sample", "task": "llava_bench_coco_ja"}
    trusted = _scores(
        tmp_path / "replies.jsonl",
        (
            answer | {name: one[name] for name in ("question_id", "score", "category", "image")} | {"rater": "gpt-4"}
            for one in reviews
        ),
    )
    scripted = _scores(
        tmp_path / "scripted.jsonl",
        (answer | {"question_id": one["question_id"], "score": _scripted(one)} for one in reviews),
    )
    file = tmp_path / "eval.json"
    done = _run(trusted, scripted, "--json", file)
    assert done.exit_code == 0, done.output
    for shown in SHOWN.values():
        assert shown in done.output
    for category in ("conv", "detail", "complex"):
        assert category in done.output
    (judge,) = json.loads(file.read_text(encoding="utf-8"))["judges"]
    agreement = judge["agreement"]
    assert (agreement["n"], agreement["n_clusters"]) == (90, 30)
    for name, one in agreement["statistics"].items():
        assert one["ci_low"] <= one["value"] <= one["ci_high"], name
        assert one["ci_low"] < one["ci_high"]
    assert sum(cell["answers"] for cell in judge["confusion"]) == 90
    pairs = [(one["score"], _scripted(one)) for one in reviews]
    assert agreement["statistics"]["mae"]["value"] == pytest.approx(sum(abs(a - b) for a, b in pairs) / 90)
    assert {name: one["n"] for name, one in agreement["categories"].items()} == dict.fromkeys(
        ("complex", "conv", "detail"), 30
    )


@needs_shared
def test_real_replies_in_a_store(tmp_path: Path) -> None:
    """Two judges in one store, found by the keys of one of them; a reply that cannot be read is a failure."""
    reviews, path = _real_reviews(), tmp_path / "verdicts.sqlite"
    with closing(Store(path)) as store:
        for at, review in enumerate(reviews):
            messages = json.dumps([{"role": "user", "content": f"質問{review['question_id']}"}])
            first = replace(REPLY, key=f"a{at:03}", asked_model="first", messages=messages, content=review["content"])
            store.put(first)
            second = f"8 {_scripted(review):g}\n理由" if at else "採点できません"
            store.put(replace(first, key=f"b{at:03}", asked_model="second", content=second))
    trusted = _scores(
        tmp_path / "trusted.jsonl", ({"key": f"a{at:03}", "score": r["score"]} for at, r in enumerate(reviews))
    )
    first, second = sorted(_found(trusted, path).judges, key=lambda judge: judge.judge)
    assert (first.judge, first.protocol, first.agreement.n) == ("first", "original", 90)
    assert first.agreement.statistics["exact"].value == 1
    assert (second.agreement.n, second.failures) == (89, {"parse": 1})
    # One answer an image here: no column says otherwise.
    assert second.agreement.n_clusters == 89


def test_a_store_needs_keys(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    with closing(Store(path)) as store:
        store.put(REPLY)
        store.put(replace(REPLY, key="two", protocol="ja_pairwise/1"))
        store.put(replace(REPLY, key="new", protocol="other/1"))
    with pytest.raises(TrustedError, match="have no column key"):
        _found(_simple(tmp_path / "labels.jsonl", [1, 2, 3]), path)
    for key, message in (("two", "asks in several orders"), ("new", "replies to protocol 'other' cannot be read")):
        labels = _scores(tmp_path / "keys.jsonl", ({"key": one, "score": 3} for one in ("k", "l", key)))
        with pytest.raises(TrustedError, match=message):
            _found(labels, path)
    labels = _scores(tmp_path / "keys.jsonl", ({"key": one, "score": 3} for one in ("k", "l", "m")))
    with pytest.raises(TrustedError, match=r"keys\.jsonl, row 2: asked, original has no key l in "):
        _found(labels, path)


def test_judged_results_have_scale_images_and_categories(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=2, tasks=2, documents=40), plain=True)
    labels = _scores(tmp_path / "labels.jsonl", _labels_of(results, HERON, lambda score: min(10, score + 1)))
    found = _found(labels, results, protocol="original")
    (judge,) = found.judges
    assert (found.scale, judge.judge, judge.protocol) == ((1, 10), "made-judge", "original")
    assert judge.agreement.n == 80
    assert 8 <= judge.agreement.n_clusters <= 14  # three to five documents a picture, for both models
    assert list(judge.agreement.categories) == ["complex", "conv", "detail"]
    bias = judge.agreement.statistics["bias"].value
    assert bias is not None
    assert -1 <= bias < -0.9  # a 10 cannot rise


def test_two_protocols_need_a_choice(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=2, documents=30), plain=True)
    labels = _scores(tmp_path / "labels.jsonl", _labels_of(results, WILD))
    with pytest.raises(TrustedError, match=r"different scales: .*1 to 5.*name one with --protocol, or --scale"):
        _found(labels, results)
    (judge,) = _found(labels, results, protocol="vqa_likert").judges
    assert judge.agreement.statistics["exact"].value == 1
    assert judge.agreement.statistics["strict_division"].why_none == "the scale has no bins"
    with pytest.raises(TrustedError, match="no judge by protocol 'ja_pairwise'"):
        _found(labels, results, protocol="ja_pairwise")


def test_another_scale_leaves_correlations(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=30), plain=True)
    rows = _labels_of(results, WILD, lambda score: 2 * score)
    labels = _scores(tmp_path / "labels.jsonl", rows)
    with pytest.raises(TrustedError, match="off the scale of 1 to 5"):
        _found(labels, results)
    (judge,) = _found(labels, results, scale=(1, 10)).judges
    assert judge.agreement.statistics["pearson"].value == pytest.approx(1)
    assert judge.agreement.statistics["mae"].value is None


def test_the_trusted_scores_state_their_scale(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=2, documents=30), plain=True)
    heron = [row | {"scale": "1-5"} for row in _labels_of(results, HERON, lambda score: (score + 1) // 2)]
    found = _found(_scores(tmp_path / "heron.jsonl", heron), results, protocol="original")
    assert found.scale == (1, 5)
    assert found.judges[0].agreement.statistics["mae"].value is None  # judged 1 to 10
    with pytest.raises(TrustedError, match=r"row 1: .* was judged by original, not by vqa_likert: name the protocol"):
        _found(tmp_path / "heron.jsonl", results)
    with pytest.raises(TrustedError, match=r"row 1: .* scored 1 to 5 \(column scale\), and 1 to 10 is expected"):
        _found(tmp_path / "heron.jsonl", results, protocol="original", scale=(1.0, 10.0))
    wild = [row | {"scale": "1-10"} for row in _labels_of(results, WILD)]
    both = _scores(tmp_path / "both.jsonl", heron + wild)
    with pytest.raises(TrustedError, match=r"different scales: 1 to 5 \(heron.*\), 1 to 10 \(ja_vlm.*\); name the"):
        _found(both, results)
    assert _found(both, results, protocol="original", partial=True).scale == (1, 5)


def test_one_judge_may_be_spread_over_folders_and_files(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=2, tasks=1, documents=20), plain=True)
    labels = _scores(tmp_path / "labels.jsonl", _labels_of(results, WILD))
    (judge,) = _found(labels, results / "model-00", results / "model-01").judges
    assert judge.agreement.n == 40
    assert len(judge.sources) == 2
    twice = _found(labels, results, results).judges
    assert [one.judge for one in twice] == ["made-judge", f"made-judge ({results})"]


def test_a_failure_of_the_judge_is_counted_and_no_number(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)

    def fail(rows: list[dict[str, Any]]) -> None:
        for row in rows[:2]:
            row["verdict_vqa_likert"] |= {"score": None, "failure": "parse"}

    labels = _scores(tmp_path / "labels.jsonl", _labels_of(results, WILD))
    edit_samples(results, "model-00", WILD, fail)
    (judge,) = _found(labels, results).judges
    assert (judge.agreement.n, judge.agreement.without_judged, judge.failures) == (18, 2, {"parse": 2})
    done = _run(labels, results)
    assert "2 answers are left out, since the judge gave no score (2 parse)" in done.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"doc_id": 99}, r"row 2: made-judge, vqa_likert has no doc_id 99 of .*: its 20 documents are 9, 0, 1"),
        ({"model": "model-0"}, r"row 2: .*: the models of .* are model-00, "),
        ({"task": "ja_vlm_bench"}, r"row 2: .*: the tasks in .* are ja_vlm_bench_in_the_wild"),
        ({"doc_id": None, "question_id": "q9"}, r"row 2: .*without documents/documents\.parquet of the same data only"),
    ],
)
def test_unknown_answers_are_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)
    rows = _labels_of(results, WILD)
    rows[1] |= change
    labels = _scores(tmp_path / "labels.jsonl", rows)
    with pytest.raises(TrustedError, match=message):
        _found(labels, results)
    (judge,) = _found(labels, results, partial=True).judges
    assert (judge.agreement.n, judge.unknown) == (19, 1)


def test_collected_documents_tell_question_ids_and_categories(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)

    def forget(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            for item in row.values():
                if isinstance(item, dict):
                    item.pop("category", None)

    edit_samples(results, "model-00", WILD, forget)
    rows = [row | {"question_id": f"q{row.pop('doc_id')}"} for row in _labels_of(results, WILD)]
    write_documents(results, WILD, 20)
    (judge,) = _found(_scores(tmp_path / "labels.jsonl", rows), results).judges
    assert judge.agreement.statistics["exact"].value == 1
    assert {name: one.n for name, one in judge.agreement.categories.items()} == {"対話": 10, "説明": 10}


def test_answers_to_one_document_are_one_cluster_where_no_image_is_named(tmp_path: Path) -> None:
    for id_ in ("doc_id", "question_id"):
        rows = [{"model": m, "task": "t", id_: f"d{at}", "score": 1 + at} for at in range(9) for m in ("m", "n")]
        labels, judge = (_scores(tmp_path / name, rows) for name in ("labels.jsonl", "judge.jsonl"))
        (judged,) = _found(labels, judge).judges
        assert (judged.agreement.n, judged.agreement.n_clusters) == (18, 9)


def _by_both(results: Path, shift: int = 0) -> list[dict[str, Any]]:
    """Labels by question_id, and by a doc_id that is right or so many rows off."""
    rows = _labels_of(results, WILD)
    return [row | {"doc_id": (row["doc_id"] + shift) % len(rows), "question_id": f"q{row['doc_id']}"} for row in rows]


def test_ids_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)
    write_documents(results, WILD, 20)
    right = _scores(tmp_path / "right.jsonl", _by_both(results))
    assert _found(right, results).judges[0].agreement.n == 20
    shifted = _scores(tmp_path / "shifted.jsonl", _by_both(results, shift=1))
    expected = r"shifted\.jsonl, row 1: doc_id 1 is question_id q1 where it was judged, and 1 is q0 here: .*leave out"
    for judge in (results, right):
        with pytest.raises(TrustedError, match=expected):
            _found(shifted, judge)
    rows = _by_both(results)
    unknown = _scores(tmp_path / "unknown.jsonl", [rows[0] | {"doc_id": 99}, *rows[1:]])
    with pytest.raises(TrustedError, match=r"row 1: doc_id 0 is question_id q0 where it was judged, and 99 is q0 here"):
        _found(unknown, results)


def test_documents_of_other_data_and_ids_of_several_tell_nothing(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)
    path = write_documents(results, WILD, 20)
    rows = parquet.read_table(path).to_pylist()

    def rewrite(**change: str) -> None:
        parquet.write_table(pa.Table.from_pylist([rows[0] | change, *rows[1:]], schema()), path)

    by_question = [{k: v for k, v in row.items() if k != "doc_id"} for row in _by_both(results)]
    labels = _scores(tmp_path / "labels.jsonl", by_question)
    for change in ({"reference": "ほかのデータ"}, {"question_id": "q1"}):
        rewrite(**change)
        with pytest.raises(TrustedError, match=r"row 1: .*no question_id q0 of .*documents\.parquet of the same data"):
            _found(labels, results)
        unknown = 1 if "reference" in change else 2
        assert _found(labels, results, partial=True).judges[0].unknown == unknown
        by_both = _scores(tmp_path / "both.jsonl", _by_both(results))
        assert _found(by_both, results).judges[0].agreement.n == 20


def test_one_answer_under_two_names_is_refused(tmp_path: Path) -> None:
    results = write_comparison(tmp_path / "results", Shape(models=1, tasks=1, documents=20), plain=True)
    write_documents(results, WILD, 20)
    rows = _by_both(results)
    by_number = [{k: v for k, v in row.items() if k != "question_id"} | {"rater": "a"} for row in rows]
    by_name = [{k: v for k, v in row.items() if k != "doc_id"} | {"rater": "b"} for row in rows]
    of_folder = [row | {"model": "made__model-00", "rater": "b"} for row in by_number]
    both = _scores(tmp_path / "judge.jsonl", rows)
    for others, judges in ((by_name, (results, both)), (of_folder, (results,))):
        labels = _scores(tmp_path / "labels.jsonl", [*by_number, *others])
        for judge in judges:
            with pytest.raises(
                TrustedError, match=r"labels\.jsonl, row 21: the same answer as in row 1, under another"
            ):
                _found(labels, judge)


def test_a_file_of_a_judge_has_one_score_for_each_name(tmp_path: Path) -> None:
    labels = _simple(tmp_path / "labels.jsonl", [1, 2, 3])
    rows = [{"model": "m", "task": "t", "doc_id": at, "question_id": f"q{at}", "score": 3} for at in range(3)]
    for more, name in (({"doc_id": 1}, "doc_id 1"), ({"question_id": "q1"}, "question_id q1")):
        judge = _scores(tmp_path / "judge.jsonl", [*rows, {"model": "m", "task": "t", "score": 9} | more])
        with pytest.raises(TrustedError, match=rf"judge\.jsonl, row 4: {name} of t by m stands in row 2 already"):
            _found(labels, judge)


def test_several_raters_count_as_their_mean(tmp_path: Path) -> None:
    labels = _scores(
        tmp_path / "labels.jsonl",
        (
            {"model": "m", "task": "t", "doc_id": at, "score": score + add, "rater": rater}
            for at, score in enumerate([2, 4, 6, 8])
            for rater, add in (("a", 0), ("b", 1))
        ),
    )
    found = _found(labels, _simple(tmp_path / "judge.jsonl", [3, 5, 6, 8]))
    # Means 2.5 4.5 6.5 8.5: |d| = 0.5 each.
    assert found.judges[0].agreement.statistics["mae"].value == 0.5
    assert found.alpha is not None
    assert found.alpha > 0.9
    assert found.judges[0].confusion == {(3, 3): 1, (5, 5): 1, (7, 6): 1, (9, 8): 1}


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    labels, judge = _simple(tmp_path / "labels.jsonl", [1, 2, 11]), _simple(tmp_path / "judge.jsonl", [1, 2, 3])
    for arguments, message in (
        ((labels, judge), "labels.jsonl, row 3: 11 for doc_id 2 of t by m is off the scale of 1 to 10"),
        ((judge, labels), "labels.jsonl, row 3: 11 for doc_id 2"),
        ((_simple(tmp_path / "two.jsonl", [1, None, 2]), judge), "two.jsonl: 2 answers have a score; at least 3"),
        ((judge, judge, "--scale", "5-1"), "--scale 5-1: expected two numbers"),
    ):
        done = _run(*arguments)
        assert done.exit_code == 1
        assert message in done.output.replace("\n", "")


def test_a_constant_judge_is_told(tmp_path: Path) -> None:
    labels = _simple(tmp_path / "labels.jsonl", [1, 5, 7, 9], category="対話")
    done = _run(labels, _simple(tmp_path / "constant.jsonl", [7, 7, 7, 7]))
    assert done.exit_code == 0, done.output
    assert "Pearson, Spearman, Kendall τ-b, quadratic kappa: the judge scores every answer 7" in done.output
    assert "its intervals rest on 4 images and are rough" in done.output


def test_the_same_input_gives_the_same_file(tmp_path: Path) -> None:
    labels, judge = _simple(tmp_path / "labels.jsonl", range(1, 11)), _simple(tmp_path / "j.jsonl", [5, *range(1, 10)])
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for file in files:
        assert _run(labels, judge, "--json", file).exit_code == 0
    assert files[0].read_text("utf-8") == files[1].read_text("utf-8")


def test_the_trusted_scores_are_not_written_over(tmp_path: Path) -> None:
    labels = _simple(tmp_path / "labels.jsonl", range(1, 11))
    before = labels.read_bytes()
    done = _run(labels, labels, "--json", labels)
    assert done.exit_code == 1
    assert "labels.jsonl is read by this command, and would be lost" in done.output.replace("\n", "")
    assert labels.read_bytes() == before
