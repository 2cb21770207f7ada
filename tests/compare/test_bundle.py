"""Bundles: what goes in and what does not, that they verify, and that whatever is changed in them is named."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from e2e.sample_judging import ROWS, grade, judged_by, question, reply

from lmms_eval_ja.compare.bundle import BundleError, Verified, pack, tables, verify
from lmms_eval_ja.compare.leaderboard import write_leaderboard
from lmms_eval_ja.compare.results import load_results
from lmms_eval_ja.compare.statistics import compare
from lmms_eval_ja.judges import PROTOCOLS
from lmms_eval_ja.metrics import failed_generation
from support.benchmarks import SHARED, needs_shared
from support.bundles import edited_json, edited_rows, members, tampered
from support.judge_server import JudgeServer, Reply
from support.scored_sample import DATE, TASK, recorded_answers, write_documents, write_run

SAMPLES = f"runs/terse/scores/{DATE}_samples_{TASK}.jsonl"
RESULTS = f"runs/terse/scores/{DATE}_results.json"
REPLIES = "verdicts/replies.jsonl"
ANSWERS = "comparison.parquet"
KEY = "sk-test-0123456789abcdef"
MODELS = ("terse", "flawed")
#: Two repeats of one grade and of two comparisons.
REPLIES_EACH = 2 * 3 * len(ROWS)


def _made(
    folder: Path, judge: Callable[[dict[str, Any]], str | Reply], models: Sequence[str] = MODELS, **settings: object
) -> tuple[Path, Path]:
    """A comparison of answer sets by a scripted judge, and its store."""
    store = folder / "store.sqlite"
    with JudgeServer(judge) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in judged_by(server.base_url, store, **settings).items():
            patch.setenv(name, value)
        for name in models:
            write_run(folder / "comparison", name, recorded_answers(name))
    write_documents(folder / "comparison")
    return folder / "comparison", store


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Judged twice by a judge on loopback."""
    return _made(tmp_path_factory.mktemp("judged"), reply, judge_repeats=2)


@pytest.fixture(scope="module")
def bundle(judged: tuple[Path, Path]) -> Path:
    folder, store = judged
    return pack(folder, folder.parent / "bundle.zip", store=store).path


@pytest.fixture(scope="module")
def overlap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison by the judge that asks nobody, with an answer that was never generated."""
    folder = tmp_path_factory.mktemp("overlap")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LMMS_EVAL_JA_JUDGE", "overlap")
        write_run(folder, "terse", recorded_answers("terse"), {"env": "sarashina2"})
        answers = recorded_answers("flawed")
        write_run(folder, "flawed", [failed_generation("out of memory"), *answers[1:]])
    write_documents(folder)
    return folder


def _mismatches(done: Verified) -> list[str]:
    return [str(one) for one in done.mismatches]


def test_what_a_judge_judged_comes_out_as_recorded(bundle: Path) -> None:
    done = verify(bundle)
    assert _mismatches(done) == []
    assert done.notes == []
    assert (done.tasks, done.answers, done.verdicts) == (2, 2 * len(ROWS), 2 * 2 * len(ROWS))
    assert (done.replies, done.replies_there) == (2 * REPLIES_EACH, 2 * REPLIES_EACH)


def test_without_a_judge_verdicts_are_computed_again(overlap: Path, tmp_path: Path) -> None:
    packed = pack(overlap, tmp_path / "bundle.zip")
    done = verify(packed.path)
    assert _mismatches(done) == []
    assert (done.verdicts, done.replies) == (4 * len(ROWS), 0)
    edited = edited_rows(lambda row: row["verdict_vqa_likert"].update(score=5.0), 7)
    named = _mismatches(verify(tampered(packed.path, tmp_path / "t.zip", {SAMPLES: edited})))
    assert len(named) == 1
    assert "model terse, task ja_sample, doc_id 7: verdict of vqa_likert, score: recorded 5.0" in named[0]


def test_a_changed_verdict_is_named_with_what_comes_out(bundle: Path, tmp_path: Path) -> None:
    """Question 3 has points 4: grade 3 % 5 + 1 = 4, made a 5 in the verdict and in both runs; the replies say 4."""

    def better(row: dict[str, Any]) -> None:
        for one in (row["verdict_vqa_likert"], *row["verdict_vqa_likert"]["runs"]):
            one["score"] = 5.0

    (named,) = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: edited_rows(better, 3)})))
    assert named == (
        f"{SAMPLES}: model terse, task ja_sample, doc_id 3: verdict of vqa_likert, run 0, score: recorded 5.0, "
        "comes out as 4.0"
    )


def _as_judged(row: dict[str, Any]) -> None:
    """Grade and reply changed together, in the samples."""
    verdict = row["verdict_vqa_likert"]
    for one in (verdict, *verdict["runs"]):
        one["score"] = 5.0
    for run in verdict["runs"]:
        run["replies"][0]["content"] = "Score: 5"


def test_a_changed_reply_differs_from_the_stored_one(bundle: Path, tmp_path: Path) -> None:
    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: edited_rows(_as_judged, 3)})))
    assert any("doc_id 3: reply of vqa_likert, run 0" in one and "against the stored reply" in one for one in named)
    # 40 grades of mean 3: one that is better by 1 adds 1/40 = 0.025.
    mean = sum(map(grade, range(len(ROWS)))) / len(ROWS)
    assert any(f"judge_mean, value: recorded {mean}, comes out as {mean + 0.025}" in one for one in named)


def test_a_stored_reply_cannot_be_put_under_another_question(bundle: Path, tmp_path: Path) -> None:
    """The key is the hash of what was asked, so other messages do not fit under it."""

    def other(row: dict[str, Any]) -> None:
        row["messages"] = row["messages"].replace("質問", "問い")

    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {REPLIES: edited_rows(other)})))
    assert any("key of what was asked" in one for one in named)


def test_a_changed_answer_is_named(bundle: Path, tmp_path: Path) -> None:
    edited = edited_rows(lambda row: row.update(filtered_resps="まったく別の答え"), 0)
    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: edited})))
    assert any("doc_id 0: ROUGE-L: recorded 36.36" in one for one in named)
    assert any("doc_id 0" in one and "against what the judge was asked" in one for one in named)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda f: f["scores"]["overall"].update(value=99.0), "overall, value: recorded 99.0"),
        (lambda f: f["scores"]["judge_mean"].update(scored=39), "judge_mean, scored: recorded 39, comes out as 40"),
        (lambda f: f["scores"]["conv"].update(standard_error=0.1), "conv, standard error: recorded 0.1"),
        (lambda f: f["scores"]["detail"].update(runs=[1.0, 2.0]), "detail, values of the runs: recorded [1.0, 2.0]"),
    ],
)
def test_a_changed_score_is_named(
    bundle: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], named: str
) -> None:
    edited = edited_json(lambda record: edit(record["lmms_eval_ja"]["tasks"][TASK]))
    (found,) = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {RESULTS: edited})))
    assert found.startswith(f"{SAMPLES}: model terse, task ja_sample: {named}")


def test_a_changed_influence_and_a_changed_printed_score_are_named(bundle: Path, tmp_path: Path) -> None:
    influence = edited_rows(lambda row: row["overall"].update(influence=1000.0), 5)
    printed = edited_json(lambda record: record["results"][TASK].update({"model_mean,none": 9.9}))
    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: influence, RESULTS: printed})))
    assert any("doc_id 5: overall, influence: recorded 1000.0" in one for one in named)
    assert any("model_mean, printed value: recorded 9.9" in one for one in named)


def test_checksums_name_the_file(bundle: Path, tmp_path: Path) -> None:
    edited = {"citing/methods.en.md": lambda data: data + b"!"}
    (named,) = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", edited, consistent=False)))
    assert named.startswith("citing/methods.en.md: sha256: recorded")


def test_failures_come_out_as_failures(tmp_path: Path) -> None:
    """Unreadable to the end, off the scale, refused, and readable at the second asking."""
    asked: dict[int, int] = {}

    def judge(body: dict[str, Any]) -> str | Reply:
        number = question(body)
        asked[number] = asked.get(number, 0) + 1
        if number == 0:
            return "分かりません"
        if number == 1:
            return "Score: 9" if "Score: X" in body["messages"][-1]["content"] else '{"score_gpt": 11, "score": 3}'
        if number == 2:
            return Reply(None, refusal="no")
        return "…" if number == 3 and asked[number] % 2 else reply(body)

    folder, store = _made(tmp_path, judge, MODELS[:1])
    packed = pack(folder, tmp_path / "bundle.zip", store=store)
    done = verify(packed.path)
    assert _mismatches(done) == []
    assert done.replies_there == done.replies == packed.replies_there

    edited = edited_rows(lambda row: row["verdict_vqa_likert"]["runs"][0].update(failure="range"), 0)
    (named,) = _mismatches(verify(tampered(packed.path, tmp_path / "t.zip", {SAMPLES: edited})))
    assert (
        "doc_id 0: verdict of vqa_likert, failure of reading the reply: recorded 'range', comes out as 'parse'" in named
    )


def test_a_jury_comes_out_as_recorded(tmp_path: Path) -> None:
    judges = '[judges.jury]\nprovider = "jury"\nmembers = ["a", "b"]\n'
    for name in "ab":
        judges += f'[judges.{name}]\nprovider = "openai"\nmodel = "{name}"\nbase_url = "URL"\n'

    def judge(body: dict[str, Any]) -> str:
        return reply(body) if body["model"] == "a" else reply(body).replace("8", "7")

    store = tmp_path / "store.sqlite"
    with JudgeServer(judge) as server, pytest.MonkeyPatch.context() as patch:
        (tmp_path / "judge.toml").write_text(judges.replace("URL", server.base_url), encoding="utf-8")
        patch.setenv("LMMS_EVAL_JA_JUDGE_FILE", str(tmp_path / "judge.toml"))
        patch.setenv("LMMS_EVAL_JA_JUDGE", "jury")
        patch.setenv("LMMS_EVAL_JA_STORE", str(store))
        write_run(tmp_path / "comparison", "terse", recorded_answers("terse"))
    write_documents(tmp_path / "comparison")
    packed = pack(tmp_path / "comparison", tmp_path / "bundle.zip", store=store)
    done = verify(packed.path)
    assert _mismatches(done) == []
    assert done.replies_there == done.replies == 2 * 3 * len(ROWS)


@needs_shared
def test_replies_of_a_protocol_whose_rules_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packing needs the rules, to know what was asked; verifying does not, since the stored replies say it."""
    assert SHARED is not None
    task, store = "ja_sample_original", tmp_path / "store.sqlite"
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(SHARED / "data"))
    with JudgeServer(lambda body: f"8 {question(body) % 10 + 1}") as server, pytest.MonkeyPatch.context() as patch:
        for name, value in judged_by(server.base_url, store).items():
            patch.setenv(name, value)
        write_run(tmp_path / "c", "terse", recorded_answers("terse"), task=task)
    write_documents(tmp_path / "c", task)
    packed = pack(tmp_path / "c", tmp_path / "bundle.zip", store=store)
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    monkeypatch.setattr(PROTOCOLS["original"], "_rules", {})
    done = verify(packed.path)
    assert _mismatches(done) == []
    assert done.replies_there == done.replies == len(ROWS)
    without = pack(tmp_path / "c", tmp_path / "without.zip", store=store)
    assert without.replies_there == 0
    assert "terse, ja_sample_original, original: its replies are not looked up" in without.notes[0]


def test_a_poor_score_passed_off_as_a_refusal_is_named(bundle: Path, tmp_path: Path) -> None:
    def refused(row: dict[str, Any]) -> None:
        verdict = row["verdict_vqa_likert"]
        for one in (verdict, *verdict["runs"]):
            one.update(score=None, failure="refusal", reason="no")

    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: edited_rows(refused, 0)})))
    assert any(
        "doc_id 0: reply of vqa_likert, run 0" in one and "refusal, against the stored reply" in one for one in named
    )
    assert any("judge_mean, scored: recorded 40, comes out as 39" in one for one in named)


def test_a_score_passed_off_as_a_failure_that_nobody_can_check_is_named(bundle: Path, tmp_path: Path) -> None:
    def filtered(row: dict[str, Any]) -> None:
        verdict = row["verdict_vqa_likert"]
        for one in (verdict, *verdict["runs"]):
            one.update(score=None, failure="filter", reason="no")

    named = _mismatches(verify(tampered(bundle, tmp_path / "t.zip", {SAMPLES: edited_rows(filtered, 0)})))
    assert any(
        "doc_id 0: verdict of vqa_likert, run 0, failure: recorded 'filter', comes out as 'a reply that can be read'"
        in one
        for one in named
    )


def test_a_document_that_lacks_its_sample_is_named(overlap: Path, tmp_path: Path) -> None:
    packed = pack(overlap, tmp_path / "bundle.zip").path

    def without(data: bytes) -> bytes:
        return b"".join(data.splitlines(keepends=True)[:-1])

    named = _mismatches(verify(tampered(packed, tmp_path / "t.zip", {SAMPLES: without})))
    last = len(ROWS) - 1
    assert f"doc_id {last}: sample: recorded 'a document of the task', comes out as 'missing'" in named[0]
    unknown = edited_rows(lambda row: row.update(doc_id=1000), 3)
    named = _mismatches(verify(tampered(packed, tmp_path / "u.zip", {SAMPLES: unknown})))
    assert any("doc_id 1000: sample: recorded 'there', comes out as 'no document of the task'" in one for one in named)
    twice = edited_rows(lambda row: row.update(doc_id=2), 3)
    with pytest.raises(BundleError, match=rf"{DATE}_samples_{TASK}\.jsonl, line 4: doc_id 2 stands twice"):
        verify(tampered(packed, tmp_path / "v.zip", {SAMPLES: twice}))


def test_statistics_and_table_come_out_as_recorded(overlap: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(overlap, tmp_path / "c"))
    results = load_results(folder)
    (folder / "comparison.json").write_text(compare(results).as_json(), encoding="utf-8")
    pq.write_table(results.answers, folder / "comparison.parquet")
    write_leaderboard(compare(results), folder)
    packed = pack(folder, tmp_path / "bundle.zip")
    done = verify(packed.path)
    assert done.statistics
    assert _mismatches(done) == []
    assert done.notes == []

    def better(content: dict[str, Any]) -> None:
        content["cells"]["ci_low"][0] = 99.5

    named = _mismatches(verify(tampered(packed.path, tmp_path / "t.zip", {"comparison.json": edited_json(better)})))
    assert len(named) == 1
    assert named[0].startswith("comparison.json: cells.ci_low[0]: recorded 99.5, comes out as ")
    answers = results.answers.set_column(0, "model", pa.array(["other", *results.answers["model"].to_pylist()[1:]]))
    pq.write_table(answers, folder / "comparison.parquet")
    (named_cell,) = _mismatches(verify(pack(folder, tmp_path / "other.zip").path))
    assert named_cell.startswith("comparison.parquet: row 0, column model: recorded 'other', comes out as ")


@pytest.fixture(scope="module")
def counted(overlap: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with statistics, tables and leaderboards."""
    folder = Path(shutil.copytree(overlap, tmp_path_factory.mktemp("counted") / "c"))
    results = load_results(folder)
    compared = compare(results, resamples=100)
    (folder / "comparison.json").write_text(compared.as_json(), encoding="utf-8")
    pq.write_table(results.answers, folder / "comparison.parquet")
    write_leaderboard(compared, folder)
    return pack(folder, folder.parent / "bundle.zip").path


@pytest.mark.parametrize("name", ["leaderboard.md", "leaderboard.csv", "leaderboard.tex"])
def test_a_changed_leaderboard_is_named(counted: Path, tmp_path: Path, name: str) -> None:
    def raised(data: bytes) -> bytes:
        """The first digit of the first score that has decimals becomes a 9."""
        changed, count = re.subn(rb"\d(?=\d?\.\d)", b"9", data, count=1)
        assert count
        return changed

    done = verify(tampered(counted, tmp_path / "t.zip", {name: raised}))
    (named,) = _mismatches(done)
    assert named.startswith(f"{name}: line ")


def test_leaderboards_without_their_statistics_are_said_not_to_be_checked(overlap: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(overlap, tmp_path / "c"))
    write_leaderboard(compare(load_results(folder), resamples=100), folder)
    done = verify(pack(folder, tmp_path / "bundle.zip").path)
    names = "leaderboard.csv, leaderboard.md, leaderboard.tex"
    assert done.notes == [f"{names}: comparison.json, which they are made of, is not in the bundle"]


def test_runs_beside_those_that_were_compared_do_not_matter(overlap: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(overlap, tmp_path / "c"))
    compared = compare(load_results(folder, models=["terse"]), resamples=100)
    (folder / "comparison.json").write_text(compared.as_json(), encoding="utf-8")
    assert _mismatches(verify(pack(folder, tmp_path / "bundle.zip").path)) == []


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda content: content.update(resamples=10**9), "1000000000 resamples; a comparison has up to 100,000"),
        (lambda content: content.update(seed="x"), "the statistics cannot be made again"),
        (lambda content: content.update(labels=[1]), "the statistics cannot be made again"),
        (lambda content: content.update(models=["other"]), "the statistics cannot be made again"),
        (lambda content: content.update(marks=["mixed"]), "the statistics cannot be made again"),
    ],
)
def test_hostile_statistics_end_in_a_sentence(
    counted: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None], named: str
) -> None:
    with pytest.raises(BundleError, match=named):
        verify(tampered(counted, tmp_path / "t.zip", {"comparison.json": edited_json(edit)}))


def test_a_number_that_no_float_holds_is_named(counted: Path, tmp_path: Path) -> None:
    edited = edited_json(lambda content: content["cells"]["n"].__setitem__(0, 10**400))
    (named,) = _mismatches(verify(tampered(counted, tmp_path / "t.zip", {"comparison.json": edited})))
    assert named.startswith("comparison.json: cells.n[0]: recorded 1000")


def test_a_table_is_measured_before_it_is_read(counted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longer = pa.table({"model": ["x"] * 1000})
    (named,) = _mismatches(verify(tampered(counted, tmp_path / "t.zip", {ANSWERS: lambda _: _parquet(longer)})))
    assert named == f"{ANSWERS}: rows: recorded 1000, comes out as {2 * len(ROWS)}"
    monkeypatch.setattr(tables, "MOST_ROWS", len(ROWS) - 1)
    with pytest.raises(BundleError, match=rf"documents\.parquet has {len(ROWS)} rows; a table of a bundle has up to"):
        verify(counted)


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_what_goes_in(overlap: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(overlap, tmp_path / "c"))
    for name in (
        "runs/terse/attempts/judge-1/log.txt",
        "report/index.html",
        "leaderboard.tex",
        "documents/images/a.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x", encoding="utf-8")
    packed = pack(folder, tmp_path / "bundle.zip")
    assert sorted(members(packed.path)) == sorted(
        [
            "manifest.json",
            "leaderboard.tex",
            "documents/documents.parquet",
            "citing/methods.en.md",
            "citing/methods.ja.md",
            "citing/references.bib",
            "made_with/assets.json",
            "made_with/fingerprints.json",
            "made_with/packages.txt",
            "made_with/environments/sarashina2/requirements.in",
            "made_with/environments/sarashina2/requirements.lock",
            *(f"runs/{run}/{name}" for run in MODELS for name in ("run.json", f"scores/{DATE}_results.json")),
            *(f"runs/{run}/scores/{DATE}_samples_{TASK}.jsonl" for run in MODELS),
        ]
    )
    with_images = pack(folder, tmp_path / "images.zip", images=True)
    assert members(with_images.path)["documents/images/a.png"] == b"x"


def test_equal_content_gives_equal_bytes(judged: tuple[Path, Path], bundle: Path, tmp_path: Path) -> None:
    again = pack(judged[0], tmp_path / "again.zip", store=judged[1]).path
    assert again.read_bytes() == bundle.read_bytes()


def test_nothing_is_written_over(bundle: Path, judged: tuple[Path, Path]) -> None:
    with pytest.raises(BundleError, match=r"bundle\.zip exists; see --force"):
        pack(judged[0], bundle)


def test_no_key_gets_out(judged: tuple[Path, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(judged[0], tmp_path / "c"))
    record = folder / "runs" / "terse" / "run.json"
    record.write_text(json.dumps({"id": "terse", "args": {"api_key": KEY}}), encoding="utf-8")
    packed = pack(folder, tmp_path / "bundle.zip", store=judged[1], secrets=[KEY, "EMPTY"])
    assert packed.redacted == ["runs/terse/run.json"]
    assert not any(KEY.encode() in data for data in members(packed.path).values())
    assert verify(packed.path).is_equal
    pq.write_table(pa.table({"answer": [f"my key is {KEY}"]}), folder / "comparison.parquet")
    with pytest.raises(BundleError, match=r"comparison\.parquet holds a key of this environment"):
        pack(folder, tmp_path / "other.zip", secrets=[KEY])


def test_without_documents_or_store_it_says_what_cannot_be_checked(judged: tuple[Path, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(judged[0], tmp_path / "c"))
    shutil.rmtree(folder / "documents")
    packed = pack(folder, tmp_path / "bundle.zip")
    assert packed.notes == [
        "documents.parquet is not there: `verify` cannot make ROUGE-L and categories again",
        "the store of judge replies is not there: replies stand in the samples only",
    ]
    done = verify(packed.path)
    assert _mismatches(done) == []
    assert (
        "terse, ja_sample: documents are not in the bundle, so ROUGE-L and scores by category are not made again"
        in (done.notes)
    )
    assert done.replies_there == 0


def test_nothing_to_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="nothing that was scored"):
        pack(tmp_path, tmp_path / "bundle.zip")


@pytest.fixture
def methods(bundle: Path) -> dict[str, str]:
    return {name: data.decode() for name, data in members(bundle).items() if name.startswith("citing/")}


def test_the_entry_for_this_software_is_citation_cffs(methods: dict[str, str]) -> None:
    stated = yaml.safe_load((Path(__file__).resolve().parents[2] / "CITATION.cff").read_text(encoding="utf-8"))
    assert f"title = {{{stated['title']}: " in methods["citing/references.bib"]
    assert f"version = {{{stated['version']}}}" in methods["citing/references.bib"]


def test_how_to_cite_it(methods: dict[str, str]) -> None:
    english, japanese = methods["citing/methods.en.md"], methods["citing/methods.ja.md"]
    assert "We evaluated 2 models (flawed, terse) with lmms-eval-ja" in english
    assert (
        "vqa_likert, version 1, was judged by gpt-5.1-2025-11-13, which the server reported as scripted-judge"
        in english
    )
    assert "2 times per answer" in english
    assert "各回答を2回ずつ" in japanese
    # The server is a local one, whatever its model calls itself.
    assert "How far gpt-5.1-2025-11-13 agrees with people on Japanese answers is not known." in english
    assert "分かっていない" in japanese
    assert "@software{lmms_eval_ja," in methods["citing/references.bib"]
    assert "lin2004rouge" in methods["citing/references.bib"]
    assert "inoue2024heron" not in methods["citing/references.bib"]
