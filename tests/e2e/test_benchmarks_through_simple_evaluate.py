"""Every benchmark of ours in one warm process: numbers against independent ones, and what stands beside them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import emoji
import fugashi
import pytest
import unidic_lite
from rouge_score import rouge_scorer, tokenizers

from e2e.runner import write_answers
from e2e.worker import Evaluated, Worker
from lmms_eval_ja.jp_tasks import FOLDER
from support import benchmarks
from support.hub import Hub
from support.judge_server import JudgeServer, scripted_scores, user_text

OVERLAP = "overlap (not an LLM, for trying the pipeline)"
SAMPLE_FOLDER = FOLDER / "ja_sample"
TASKS = (
    "heron_bench_ja",
    "heron_bench_ja_pairwise",
    "ja_vlm_bench_in_the_wild",
    "ja_vg_vqa_500",
    "ja_vg_vqa_500_first",
    "ja_sample",
)
BESIDE = ("coverage", "judge_failures", "parse_failures", "chars", "japanese_share")

Texts = dict[str, str]


class _MecabTokenizer(tokenizers.Tokenizer):  # type: ignore[misc]
    """MeCab's words, as rouge-score takes them."""

    def __init__(self) -> None:
        self._tagger = fugashi.GenericTagger(f"-Owakati -d {unidic_lite.DICDIR} -r /dev/null")

    def tokenize(self, text: str) -> list[str]:
        plain = unicodedata.normalize("NFKC", emoji.replace_emoji(text, ""))
        return self._tagger.parse(re.sub(r"\s+", " ", plain).strip()).split()


def rouge_values(references: Texts, answers: Texts) -> dict[str, float]:
    """ROUGE-L x 100 of each id by rouge-score itself."""
    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=_MecabTokenizer())
    return {id_: 100 * scorer.score(references[id_], answers[id_])["rougeL"].fmeasure for id_ in references}


def references_of(task: str) -> Texts:
    """The reference answers of a task by question id, read from the data that the hub was given."""
    if task.startswith("heron_bench"):
        return {str(r["question_id"]): r["answer"]["gpt-4-0125-preview"] for r in benchmarks.synthetic_heron_rows()}
    if task == "ja_vlm_bench_in_the_wild":
        return {str(n): row["answer"] for n, row in enumerate(benchmarks.ja_vlm_rows())}
    if task == "ja_sample":
        lines = (SAMPLE_FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
        return {row["question_id"]: row["answer"] for row in map(json.loads, lines)}
    kept = 1 if task.endswith("_first") else None
    return {str(qa["qa_id"]): qa["answer"] for row in benchmarks.ja_vg_rows() for qa in row["qas"][:kept]}


def answers_of(task: str) -> Texts:
    """Answers that are partly right: some the reference, some cut, some with more around it, one empty."""
    answers = {
        id_: (text, text[: len(text) // 2 + 1], f"これは{text}だと思います。", "不明")[n % 4]
        for n, (id_, text) in enumerate(references_of(task).items())
    }
    return answers | {next(iter(answers)): ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of answers for each task."""
    folder = tmp_path_factory.mktemp("answers")
    for task in TASKS:
        write_answers(folder / f"{task}.jsonl", answers_of(task))
    return folder


@pytest.fixture(scope="module")
def overlap(worker: Worker, folder: Path) -> Evaluated:
    """All tasks with the judge that asks nobody: the group and what is not in it."""
    return worker.evaluate(["japanese_vlm", "heron_bench_ja_pairwise", "ja_vg_vqa_500_first", "ja_sample"], folder)


def judged_reply(body: Mapping[str, Any]) -> str:
    """A scripted reply in the form that the request asks for."""
    reference, model = scripted_scores(body)
    if "score_gpt" in user_text(body):
        return json.dumps({"score_gpt": reference, "score": model})
    return f"採点の理由です。\nScore: {model % 5 + 1}"


@pytest.fixture(scope="module")
def judge() -> Iterator[JudgeServer]:
    with JudgeServer(judged_reply) as server:
        yield server


JUDGED = ("heron_bench_ja_pairwise", "ja_vlm_bench_in_the_wild", "ja_sample")


@pytest.fixture(scope="module")
def judged(worker: Worker, folder: Path, judge: JudgeServer, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """The tasks whose protocols need nothing fetched, with a scripted server."""
    env = {
        "LMMS_EVAL_JA_JUDGE": "openai",
        "LMMS_EVAL_JA_JUDGE_BASE_URL": judge.base_url,
        "LMMS_EVAL_JA_STORE": str(tmp_path_factory.mktemp("judged") / "verdicts.sqlite"),
    }
    return worker.evaluate(JUDGED, folder, env)


@pytest.mark.parametrize("task", [t for t in TASKS if not t.startswith("heron")])
def test_rouge_l_is_the_plain_mean_of_rouge_scores_own(overlap: Evaluated, task: str) -> None:
    expected = rouge_values(references_of(task), answers_of(task))
    assert overlap.scores(task)["rouge_l_ja"] == pytest.approx(fmean(expected.values()), abs=1e-9)
    assert overlap.facts(task)["scores"]["rouge_l_ja"]["n"] == len(expected)


def test_flattening_gives_every_question(overlap: Evaluated) -> None:
    assert [overlap.facts(t)["scores"]["rouge_l_ja"]["n"] for t in ("ja_vg_vqa_500", "ja_vg_vqa_500_first")] == [
        4000,
        500,
    ]
    assert overlap.facts("ja_vg_vqa_500")["scores"]["rouge_l_ja"]["clusters"] == 500


@pytest.mark.parametrize("task", TASKS)
def test_the_overlap_judge_stretches_rouge_over_the_scale(overlap: Evaluated, task: str) -> None:
    rouge = rouge_values(references_of(task), answers_of(task)).values()
    shown = overlap.scores(task)
    if "judge_mean" in shown:
        assert shown["judge_mean"] == pytest.approx(fmean(1 + 4 * v / 100 for v in rouge), abs=1e-9)
    if "model_mean" in shown:
        assert shown["model_mean"] == pytest.approx(fmean(1 + 9 * v / 100 for v in rouge), abs=1e-9)
        assert shown["reference_mean"] == 10


@pytest.mark.parametrize("task", TASKS)
def test_overlap_is_named_wherever_its_scores_are(overlap: Evaluated, task: str) -> None:
    facts = overlap.facts(task)
    assert facts["judge"] == OVERLAP
    assert {entry["judge"] for entry in facts["fingerprint"]["judging"]} == {OVERLAP}
    verdicts = [v for s in overlap.samples(task) for k, v in s.items() if k.startswith("verdict_")]
    assert {verdict["judge"] for verdict in verdicts} == {OVERLAP}
    assert f"judge: {OVERLAP}" in overlap.log


@pytest.mark.parametrize("task", TASKS)
def test_every_score_has_its_interval_and_what_stands_beside_it(overlap: Evaluated, task: str) -> None:
    shown, scores = overlap.scores(task), overlap.facts(task)["scores"]
    for metric in scores:
        assert shown[f"{metric}_ci_low"] <= shown[metric] <= shown[f"{metric}_ci_high"]
    answers = list(answers_of(task).values())
    assert set(BESIDE) <= shown.keys()
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (1, 0, 0)
    assert shown["chars"] == pytest.approx(fmean(map(len, answers)))
    assert 0 < shown["japanese_share"] <= 1
    assert [s["doc_id"] for s in overlap.samples(task)] == list(range(len(answers)))


@pytest.mark.parametrize("task", TASKS)
def test_the_revision_recorded_is_the_hubs(overlap: Evaluated, hub: Hub, task: str) -> None:
    dataset = overlap.facts(task)["fingerprint"]["dataset"]
    if task == "ja_sample":
        assert (dataset["name"], dataset["rows"], dataset["revision"]) == ("ja_sample", 40, None)
        return
    repository = hub.repository("datasets", dataset["name"])
    assert repository is not None
    assert dataset["revision"] == repository.main


def test_a_changed_dataset_is_part_of_the_fingerprint(overlap: Evaluated) -> None:
    (change,) = overlap.facts("heron_bench_ja")["fingerprint"]["dataset"]["changed"]
    assert change.startswith("texts have sha256 ")
    assert overlap.facts("ja_vg_vqa_500")["fingerprint"]["dataset"]["changed"] == []
    assert overlap.results is not None
    assert overlap.results["lmms_eval_ja"]["settings"]["allow_changed_data"] is True


def test_the_group_is_the_papers_three(overlap: Evaluated) -> None:
    assert overlap.results is not None
    assert overlap.results["group_subtasks"]["japanese_vlm"] == [
        "heron_bench_ja",
        "ja_vlm_bench_in_the_wild",
        "ja_vg_vqa_500",
    ]


def test_an_empty_answer_is_an_answer(overlap: Evaluated) -> None:
    first = overlap.samples("ja_vlm_bench_in_the_wild")[0]
    assert first["filtered_resps"] == [""]
    assert first["rouge_l_ja"]["rouge_l"] == 0
    assert (first["verdict_vqa_likert"]["failure"], first["verdict_vqa_likert"]["score"]) == (None, 1)


def test_an_empty_answer_is_judged(judged: Evaluated, judge: JudgeServer) -> None:
    verdict = judged.samples("ja_vlm_bench_in_the_wild")[0]["verdict_vqa_likert"]
    assert verdict["failure"] is None
    assert judge.requests


def test_the_likert_mean_is_that_of_the_scripted_scores(judged: Evaluated, judge: JudgeServer) -> None:
    likert = [scripted_scores(body)[1] % 5 + 1 for body in judge.requests if "score_gpt" not in user_text(body)]
    assert len(likert) == 50 + 40
    shown = [judged.scores(task)["judge_mean"] for task in ("ja_vlm_bench_in_the_wild", "ja_sample")]
    assert shown[0] * 50 + shown[1] * 40 == pytest.approx(sum(likert), abs=1e-9)
    questions = {row["question"]: n for n, row in enumerate(benchmarks.ja_vlm_rows())}
    own = [
        scripted_scores(body)[1] % 5 + 1
        for body in judge.requests
        if "score_gpt" not in user_text(body) and any(question in user_text(body) for question in questions)
    ]
    assert len(own) == 50
    assert shown[0] == pytest.approx(fmean(own), abs=1e-9)


def test_pairwise_asks_in_both_orders_and_takes_the_means(judged: Evaluated, judge: JudgeServer) -> None:
    asked = [body for body in judge.requests if "score_gpt" in user_text(body)]
    assert len(asked) == 2 * (103 + 40)
    rows = benchmarks.synthetic_heron_rows()
    # Questions are unique, and each stands in the two requests of its document, once in each order.
    by_question: dict[str, list[tuple[int, int]]] = {row["text"]: [] for row in rows}
    for body in asked:
        for question, scores in by_question.items():
            if f"{question}\n" in user_text(body):
                scores.append(scripted_scores(body))
    pairs = [by_question[row["text"]] for row in rows]
    assert {len(pair) for pair in pairs} == {2}
    model = [fmean(m for _, m in pair) for pair in pairs]
    reference = [fmean(r for r, _ in pair) for pair in pairs]
    expected = heron_ratios(rows, model, reference)
    shown = judged.scores("heron_bench_ja_pairwise")
    assert {name: shown[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert shown["model_mean"] == pytest.approx(fmean(model), abs=1e-9)


def heron_ratios(
    rows: Sequence[Mapping[str, Any]], model: Sequence[float], reference: Sequence[float]
) -> dict[str, float]:
    """The three categories and their unweighted mean."""
    ratios = {}
    for category in ("conv", "detail", "complex"):
        own = [n for n, row in enumerate(rows) if row["category"] == category]
        ratios[category] = 100 * fmean(model[n] for n in own) / fmean(reference[n] for n in own)
    return ratios | {"overall": fmean(ratios.values())}


def test_a_part_of_the_documents_has_another_fingerprint(overlap: Evaluated, worker: Worker) -> None:
    part = worker.evaluate(["ja_sample"], SAMPLE_FOLDER / "answers" / "terse.jsonl", limit=8)
    whole, limited = overlap.facts("ja_sample")["fingerprint"], part.facts("ja_sample")["fingerprint"]
    assert (whole["subset"], limited["subset"]) == (None, {"limit": 8, "offset": 0})
    assert whole["id"] != limited["id"]
    assert part.facts("ja_sample")["scores"]["overall"]["n"] == 8


def test_the_original_protocol_needs_no_internet_with_the_overlap_judge(worker: Worker) -> None:
    done = worker.evaluate(["ja_sample_original"], SAMPLE_FOLDER / "answers" / "verbose.jsonl")
    row = done.scores("ja_sample_original")
    assert row["overall"] == pytest.approx(fmean(row[category] for category in ("conv", "detail", "complex")))
    assert not [key for key in row if key.startswith("verdict_")]


def test_answers_too_long_for_the_judge_are_counted(worker: Worker, tmp_path: Path) -> None:
    lines = (SAMPLE_FOLDER / "answers" / "terse.jsonl").read_text(encoding="utf-8").splitlines()
    answers = {row["question_id"]: row["answer"] for row in map(json.loads, lines)}
    file = write_answers(tmp_path / "long.jsonl", answers | {"comic_1": "長" * 20_001})
    facts = worker.evaluate(["ja_sample"], file).facts("ja_sample")
    assert facts["answers_cut"] == {"ja_pairwise": 1, "vqa_likert": 1}
