from __future__ import annotations

import json
import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lmms_eval_ja.compare.documents import FOLDER, TABLE, schema
from lmms_eval_ja.compare.results import Results, ResultsError, load_results
from lmms_eval_ja.compare.samples_table import SamplesFileError
from support.comparisons import Shape, edit_results, edit_samples, facts_of, write_comparison

VQA, HERON = "ja_vlm_bench_in_the_wild", "heron_bench_ja"
SMALL = Shape(documents=20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_comparison(tmp_path / "out", SMALL)


def rows(results: Results, model: str, task: str) -> list[dict]:
    return [row for row in results.answers.to_pylist() if (row["model"], row["task"]) == (model, task)]


# --- what is read ---


def test_models_tasks_and_documents(folder: Path):
    results = load_results(folder)
    assert list(results.models) == ["model-00", "model-01", "model-02"]
    model = results.models["model-01"]
    assert (model.hub, model.params_b, model.licence) == ("made/model-01", 7, "Apache-2.0")
    assert dict(model.seconds) == {"generate": 600.0, "judge": 60.0}
    assert (results.title, results.baseline) == ("A made-up comparison", None)
    task = results.tasks[HERON]
    assert (task.headline, task.protocols, task.rows) == ("overall", ("original",), 20)
    assert task.metrics == ("overall", "model_mean", "reference_mean", "conv", "detail", "complex")
    assert results.tasks[VQA].headline == "judge_mean"
    document = results.documents[HERON][4]
    assert (document.doc_id, document.question_id, document.category) == (4, "4", "detail")
    assert document.question.startswith("写真")
    assert document.cluster.startswith("写真")
    assert {run.incomplete for run in results.runs.values()} == {None}


def test_the_table_holds_what_the_files_hold(folder: Path):
    results = load_results(folder)
    assert len(results.answers) == 3 * 2 * 20
    (path,) = (folder / "runs" / "model-02").rglob(f"*_samples_{HERON}.jsonl")
    written = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row, sample in zip(rows(results, "model-02", HERON), written, strict=True):
        verdict = sample["verdict_original"]
        assert (row["doc_id"], row["repeat"]) == (sample["doc_id"], 0)
        assert (row["answer"], row["question"], row["reference"]) == (
            sample["filtered_resps"],
            sample["input"],
            sample["target"],
        )
        assert row["chars"] == len(row["answer"])
        assert (row["original_score"], row["original_reference_score"]) == (
            verdict["score"],
            verdict["reference_score"],
        )
        assert row["original_feedback"] == verdict["runs"][0]["replies"][0]["content"]
        assert row["overall_influence"] == sample["overall"]["influence"]
        own = sample["overall"]["category"]
        assert row["category"] == own
        assert row[f"{own}_influence"] == sample[own]["influence"]
        assert row["rouge_l_ja"] is None  # of the other task
    (vqa, *_) = rows(results, "model-02", VQA)
    assert vqa["rouge_l_ja"] == vqa["rouge_l_ja_influence"]


def test_repeats_have_a_row_each(tmp_path: Path):
    results = load_results(write_comparison(tmp_path / "out", Shape(documents=10, repeats=3)))
    own = rows(results, "model-00", VQA)
    assert [(row["doc_id"], row["repeat"]) for row in own[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    scores = [row["vqa_likert_score"] for row in own[:3]]
    assert own[0]["judge_mean_influence"] == pytest.approx(sum(scores) / 3)
    assert {row["answer"] for row in own[:3]} == {own[0]["answer"]}


def test_failures_are_named_and_no_numbers(folder: Path):
    def spoil(samples):
        samples[0]["filtered_resps"] = "\x00failed generation: out of memory"
        failure = {"score": None, "reference_score": None, "failure": "generation", "reason": "out of memory"}
        samples[0]["verdict_vqa_likert"] = failure | {"runs": [failure | {"replies": []}]}
        del samples[0]["judge_mean"]["influence"], samples[0]["rouge_l_ja"]["influence"]
        del samples[0]["rouge_l_ja"]["rouge_l"]
        samples[1]["judge_mean"]["influence"] = math.nan

    edit_samples(folder, "model-00", VQA, spoil)
    first, second, *_ = rows(load_results(folder), "model-00", VQA)
    assert (first["answer"], first["generation_failure"], first["chars"]) == (None, "out of memory", None)
    assert (first["vqa_likert_score"], first["vqa_likert_failure"]) == (None, "generation")
    assert (first["rouge_l_ja"], first["rouge_l_ja_influence"], first["judge_mean_influence"]) == (None, None, None)
    assert second["judge_mean_influence"] is None
    assert second["vqa_likert_score"] is not None


def test_a_run_without_scores_is_shown_and_said_why(folder: Path):
    run = folder / "runs" / "broken"
    run.mkdir()
    failed = {"kind": "generate", "cause": "out of GPU memory: use more GPUs"}
    (run / "run.json").write_text(json.dumps({"id": "broken", "failed": failed}))
    (folder / "runs" / "waiting").mkdir()
    results = load_results(folder)
    assert results.models["broken"].failed == "generate: out of GPU memory: use more GPUs"
    assert "broken has no results: generate: out of GPU memory: use more GPUs" in results.notes
    assert "start the comparison again" in str(results.models["waiting"].failed)
    assert not any(model in {"broken", "waiting"} for model, _ in results.runs)


def test_a_doubt_about_the_judge_is_a_note_once(folder: Path):
    def edit(record):
        for task, protocol in ((HERON, "original"), (VQA, "vqa_likert")):
            facts_of(record, task)["judging"][protocol]["warnings"] = ["nothing is known of made-judge"]

    for model in ("model-00", "model-01"):
        edit_results(folder, model, edit)
    (note,) = (note for note in load_results(folder).notes if "nothing is known" in note)
    assert note in {f"{', '.join(order)}: nothing is known of made-judge" for order in ((HERON, VQA), (VQA, HERON))}


def test_a_task_without_headline_is_incomplete(folder: Path):
    def edit(record):
        for score in facts_of(record, HERON)["scores"].values():
            score |= {"value": None, "why_none": "3 of 20 samples have a score; failures: 17 transport"}
        facts_of(record, HERON)["fingerprint"]["judge_models"] = []  # nobody answered: no other fingerprint

    edit_results(folder, "model-00", edit)
    run = load_results(folder).runs["model-00", HERON]
    assert run.incomplete == "3 of 20 samples have a score; failures: 17 transport"
    assert run.mixed is None


# --- a plain folder of lmms-eval's files ---


def test_a_plain_folder_has_the_names_of_its_folders_and_the_catalogues_marks(tmp_path: Path):
    folder = write_comparison(tmp_path, SMALL, plain=True)
    hub = "stabilityai/japanese-stable-vlm"
    edit_results(folder, "model-01", lambda record: record["config"].update(model_args=f"pretrained={hub},x=1"))
    (judged := folder / "model-02" / "judged-other").mkdir()
    (judged / "x_samples_heron_bench_ja.jsonl").write_text("an earlier judging, not to be read")
    results = load_results(folder)
    assert list(results.models) == ["model-00", "model-01", "model-02"]
    assert "ja_vg_vqa_500" in results.models["model-01"].contaminated_tasks
    assert (results.models["model-01"].hub, results.models["model-01"].params_b) == (hub, 7)
    assert (results.models["model-00"].hub, results.models["model-00"].licence) == ("made/model-00", None)
    assert results.title == tmp_path.name


@pytest.mark.parametrize("argument", ["model", "model_version"])
def test_a_model_is_known_by_the_arguments_of_other_plugins(tmp_path: Path, argument: str):
    folder = write_comparison(tmp_path, SMALL, plain=True)
    known = f"{argument}=stabilityai/japanese-stable-vlm,x=1"
    edit_results(folder, "model-01", lambda record: record["config"].update(model_args=known))
    edit_results(folder, "model-02", lambda record: record["config"].update(model_args=f"{argument}=gpt-4o"))
    results = load_results(folder)
    assert "ja_vg_vqa_500" in results.models["model-01"].contaminated_tasks
    assert results.models["model-02"].hub is None  # no repository: a model behind an API


@pytest.mark.parametrize(
    "stated",
    [
        {"id": "japanese-stable-vlm"},
        {"hub": "stabilityai/japanese-stable-vlm"},
        {"hub": None, "args": {"pretrained": "stabilityai/japanese-stable-vlm"}},
    ],
)
def test_the_catalogues_marks_hold_whatever_a_run_states(tmp_path: Path, stated: dict):
    facts = {"contaminated_tasks": [HERON], "flags": []} | stated
    results = load_results(write_comparison(tmp_path, Shape(documents=20, run_facts={"model-01": facts})))
    assert {HERON, "ja_vg_vqa_500"} <= set(results.models["model-01"].contaminated_tasks)
    assert "ja_vg_vqa_500" not in results.models["model-00"].contaminated_tasks


def test_the_same_model_twice_goes_by_its_folders(tmp_path: Path):
    folder = write_comparison(tmp_path, SMALL, plain=True)
    for model in SMALL.ids:
        edit_results(folder, model, lambda record: record["config"].update(model_args="pretrained=one"))
    assert list(load_results(folder).models) == list(SMALL.ids)


def test_tasks_of_one_model_in_several_folders_are_one_model(tmp_path: Path):
    folder = write_comparison(tmp_path / "out", Shape(models=1, documents=20), plain=True)
    place = folder / "model-00" / "made__model-00"
    for task in (VQA, HERON):
        other = tmp_path / "by_task" / task / "made__model-00"
        other.mkdir(parents=True)
        record = json.loads(next(place.glob("*_results.json")).read_text())
        record["lmms_eval_ja"]["tasks"] = {task: facts_of(record, task)}
        (other / "20260801_120000_results.json").write_text(json.dumps(record))
        (source,) = place.glob(f"*_samples_{task}.jsonl")
        (other / source.name).write_bytes(source.read_bytes())
    results = load_results(tmp_path / "by_task")
    assert list(results.models) == ["made__model-00"]
    assert set(results.tasks) == {VQA, HERON}


# --- what is refused ---


def message(folder: Path, **options) -> str:
    with pytest.raises((ResultsError, SamplesFileError)) as caught:
        load_results(folder, **options)
    return str(caught.value)


def test_nothing_there(tmp_path: Path):
    assert "no such folder" in message(tmp_path / "none")
    assert "no results found" in message(tmp_path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda record: record["config"].update(limit=5),
        lambda record: facts_of(record, VQA)["fingerprint"].update(subset={"limit": 5}),
    ],
)
def test_a_part_of_the_documents_is_refused(folder: Path, edit):
    path = edit_results(folder, "model-01", edit)
    said = message(folder)
    assert str(path) in said
    assert "was run over a part of its documents" in said
    assert "without --limit" in said


def test_other_fingerprints_are_refused_with_what_differs(folder: Path):
    def edit(record):
        print_ = facts_of(record, HERON)["fingerprint"]
        print_["judging"][0]["judge"] = "another-judge"
        print_["task_version"] = 2.0

    edit_results(folder, "model-02", edit)
    said = message(folder)
    assert "heron_bench_ja: these models were not scored like model-00" in said
    assert "model-02: judging[original].judge another-judge (made-judge); task_version 2.0 (1.0)" in said
    assert "mix_fingerprints" in said
    results = load_results(folder, mix_fingerprints=True)
    assert {key for key, run in results.runs.items() if run.mixed} == {("model-02", HERON)}
    assert "another-judge" in str(results.runs["model-02", HERON].mixed)


def test_another_package_version_is_another_fingerprint(folder: Path):
    def edit(record):
        facts_of(record, VQA)["fingerprint"]["metric_packages"]["lmms-eval-ja"] = "0.2.0"

    edit_results(folder, "model-00", edit)
    assert "model-00: metric_packages.lmms-eval-ja 0.2.0 (0.1.0)" in message(folder)


def _of_other_judge(record):
    facts = facts_of(record, HERON)
    facts["fingerprint"]["judge_models"] = ["another-judge-1"]
    facts["scores"]["conv"] |= {"value": None, "why_none": "6 of 7 samples have a score; failures: 1 transport"}


def test_another_judge_is_named_although_a_category_has_no_score(folder: Path):
    edit_results(folder, "model-02", _of_other_judge)
    assert 'model-02: judge_models ["another-judge-1"] (["made-judge-1"])' in message(folder)
    assert load_results(folder, mix_fingerprints=True).runs["model-02", HERON].mixed


def test_a_run_that_lacks_verdicts_may_lack_one_of_the_judges(folder: Path):
    for model in SMALL.ids[:2]:
        edit_results(folder, model, lambda r: facts_of(r, HERON)["fingerprint"].update(judge_models=["a", "b"]))

    def edit(record):
        _of_other_judge(record)
        facts_of(record, HERON)["fingerprint"]["judge_models"] = ["a"]

    edit_results(folder, "model-02", edit)
    assert load_results(folder).runs["model-02", HERON].mixed is None
    edit_results(folder, "model-02", lambda r: facts_of(r, HERON)["scores"]["conv"].update(value=1.0, why_none=None))
    assert 'model-02: judge_models ["a"] (["a", "b"])' in message(folder)


def test_half_written_folders_are_refused(folder: Path):
    (path,) = (folder / "runs" / "model-00").rglob(f"*_samples_{VQA}.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 30])
    assert f"{path}, line 20: no JSON" in message(folder)
    path.write_bytes(b"\n".join(whole.split(b"\n")[:15]))
    assert f"{path}: 15 documents, but 20260801_120000_results.json says 20" in message(folder)
    path.write_bytes(b"")
    assert f"{path}: no samples in it" in message(folder)
    path.unlink()
    assert f"{path} is missing, though" in message(folder)


def test_a_broken_results_file(folder: Path):
    (path,) = (folder / "runs" / "model-01").rglob("*_results.json")
    path.write_text('{"config": ')
    assert f"{path}: half-written" in message(folder)
    path.unlink()
    assert f"{path.name} is missing beside it" in message(folder)


def test_answers_without_scores(tmp_path: Path):
    folder = write_comparison(tmp_path, SMALL, plain=True)

    def edit(record):
        record["config"]["resolved_cli_args"] = {"predict_only": True}
        del record["lmms_eval_ja"]

    edit_results(folder, "model-01", edit)
    assert "answers without scores; score them first: lmms-eval-ja judge" in message(folder)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows: rows[3].update(input="別の質問"), "doc_id 3 of heron_bench_ja has another question"),
        (lambda rows: rows[4].update(target="別の答え"), "doc_id 4 of heron_bench_ja has another reference"),
        (lambda rows: rows[5].update(doc_id=99), "has no doc_id 5"),
        (lambda rows: rows[5].update(doc_id=4), "doc_id 4 stands twice"),
        (lambda rows: rows[6]["overall"].update(cluster="別"), "doc_id 6 of heron_bench_ja has another cluster"),
    ],
)
def test_other_documents_are_refused(folder: Path, edit, said: str):
    path = edit_samples(folder, "model-01", HERON, edit)
    assert str(path) in message(folder)
    assert said in message(folder)


def test_two_files_of_one_task_in_a_run(folder: Path):
    place = next((folder / "runs" / "model-00" / "scores").iterdir())
    for path in list(place.iterdir()):
        (place / path.name.replace("20260801", "20260802")).write_bytes(path.read_bytes())
    assert f"two samples files of {VQA} in one run" in message(folder)


def test_a_baseline_that_is_no_model(tmp_path: Path):
    folder = write_comparison(tmp_path, Shape(documents=20, baseline="model-09"))
    assert "baseline 'model-09' is none of its models: model-00, model-01, model-02" in message(folder)


# --- documents that were collected ---


def test_documents_of_other_data_are_not_taken_and_clusters_are_those_of_the_samples(folder: Path):
    known = load_results(folder).documents[VQA]
    taken = vars(known[0]) | {"context": "taken", "cluster": "elsewhere", "images": []}
    other = vars(known[1]) | {"context": "of other data", "reference": "別の答え", "images": ["a.png"]}
    (folder / FOLDER).mkdir()
    pq.write_table(pa.Table.from_pylist([taken, other], schema=schema()), folder / FOLDER / TABLE)
    documents = load_results(folder).documents[VQA]
    assert (documents[0].context, documents[0].cluster) == ("taken", known[0].cluster)
    assert documents[1] == known[1]


# --- oddities that real files have ---


def test_an_answer_in_a_list_and_half_a_surrogate_pair_are_read(folder: Path):
    def edit(samples):
        samples[0]["filtered_resps"] = ["答え"]
        samples[1]["target"] = 17

    for model in SMALL.ids:
        path = edit_samples(folder, model, VQA, edit)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["答え"]', '"答え\\ud800"'), encoding="utf-8")
    results = load_results(folder)
    assert rows(results, "model-00", VQA)[0]["answer"] == "答え"
    assert rows(results, "model-00", VQA)[1]["reference"] == "17"
    assert rows(results, "model-02", VQA)[0]["answer"] == "答え?"


def test_samples_out_of_order_and_a_long_line(folder: Path):
    before = rows(load_results(folder), "model-00", VQA)

    def edit(samples):
        samples.reverse()
        samples[0]["filtered_resps"] = "長" * 1_000_000

    edit_samples(folder, "model-00", VQA, edit)
    after = rows(load_results(folder), "model-00", VQA)
    assert after[:19] == before[:19]
    assert after[19]["chars"] == 1_000_000


def test_a_jurys_feedback_names_its_members_and_orders_stand_below_each_other(folder: Path):
    def edit_print(record):
        facts_of(record, HERON)["fingerprint"]["judging"][0]["members"] = {"a": {}, "b": {}}

    def edit(samples):
        for sample in samples:
            (run,) = sample["verdict_original"]["runs"]
            replies = [
                {"content": text, "pass": place, "reask": reask}
                for text, place, reask in (("読めない", 0, 0), ("一", 0, 1), ("二", 1, 0))
            ]
            run["members"] = {"a": {"replies": replies}, "b": {"replies": [{"content": "三", "pass": 0}]}}
            del run["replies"]

    for model in SMALL.ids:
        edit_results(folder, model, edit_print)
        edit_samples(folder, model, HERON, edit)
    assert rows(load_results(folder), "model-01", HERON)[0]["original_feedback"] == "a: 一\n\n二\n\nb: 三"


def test_results_of_before_categories_were_written_still_load(folder: Path):
    def edit(samples):
        for sample in samples:
            for item in sample.values():
                if isinstance(item, dict):
                    item.pop("category", None)

    for model in SMALL.ids:
        edit_samples(folder, model, HERON, edit)
        edit_results(
            folder, model, lambda record: [s.pop("protocol") for s in facts_of(record, VQA)["scores"].values()]
        )
    results = load_results(folder)
    assert rows(results, "model-00", HERON)[0]["category"] is None
    assert rows(results, "model-00", VQA)[0]["rouge_l_ja"] is not None
    assert results.documents[HERON][0].category == ""
