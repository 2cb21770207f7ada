"""A report as files: what is in its folder, chunks, pictures, and what is refused."""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lmms_eval_ja.compare.report import ReportError, write_report
from lmms_eval_ja.compare.report import samples as samples_module
from lmms_eval_ja.compare.report.asked import NOT_JUDGED
from lmms_eval_ja.compare.report.samples import flat
from lmms_eval_ja.compare.report.script import number
from support.made_report import Size, made_compared, made_results, write_pictures_of

SIZE = Size(models=3, tasks=2, documents=9, pictures=3)


def read(report: Path, name: str):
    text = (report / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text.partition(",")[2].rpartition(")")[0])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_pictures_of(SIZE, folder / "documents" / "images")
    results = made_results(SIZE, folder)
    return results, made_compared(results, SIZE)


@pytest.fixture(scope="module")
def report(made):
    results, compared = made
    return write_report(results, compared, [], results.folder / "report").parent


def test_the_folder_holds_page_data_and_pictures_and_nothing_of_the_machine(report, made):
    names = {str(path.relative_to(report)) for path in report.rglob("*") if path.is_file()}
    assert {
        "index.html",
        "app/strings.js",
        "app/vega.js",
        "data/index.js",
        "data/tasks/1.js",
        "data/answers/1-0.js",
    } <= names
    assert len([name for name in names if name.startswith("images/full/")]) == 6
    assert len([name for name in names if name.startswith("images/small/")]) == 6
    folder = str(made[0].folder)
    assert not [
        name for name in names if name.startswith("data") and folder in (report / name).read_text(encoding="utf-8")
    ]


def test_the_index_is_small_and_has_the_headlines_only(report, made):
    index = read(report, "index")
    assert [model["id"] for model in index["models"]] == list(made[1].models)
    assert len(index["cells"]["value"]) == 3 * 2
    assert {index["metrics"][place] for place in index["cells"]["metric"]} == {"overall"}
    assert len(read(report, "cells")["value"]) == 3 * 2 * 4
    # usd: 1.25 for each of two tasks
    assert index["models"][0]["usd"] == 2.5
    assert index["models"][1]["marks"] == [["contaminated", "made_task_00", "trained on the pictures of this task"]]
    # Differences of three models are three pairs for each metric.
    assert {name: len(table["a"]) for name, table in read(report, "differences/0").items()}["overall"] == 3


def test_scores_stand_by_document_and_model(report, made):
    results, _ = made
    task = read(report, "tasks/0")
    rows = [row for row in results.answers.to_pylist() if row["task"] == "made_task_00"]
    for row in rows:
        place = task["doc_id"].index(row["doc_id"]) * 3 + list(results.models).index(row["model"])
        assert task["scores"]["original"][place] == row["original_score"]
        assert task["chars"][place] == row["chars"]
        assert task["states"][place] == ("2" if row["original_failure"] else "0")


def test_chunks_hold_all_answers_of_their_documents(made, tmp_path, monkeypatch):
    results, compared = made
    monkeypatch.setattr(samples_module, "CHUNK_DOCUMENTS", 4)
    report = write_report(results, compared, [], tmp_path / "report").parent
    starts = read(report, "tasks/0")["starts"]
    # 9 documents, 4 at most together
    assert starts == [0, 4, 8]
    found = {}
    for chunk_number, first in enumerate(starts):
        chunk = read(report, f"answers/0-{chunk_number}")
        found |= {(first + d, m): a for d, m, a in zip(chunk["document"], chunk["model"], chunk["answer"], strict=True)}
    models = list(results.models)
    rows = [row for row in results.answers.to_pylist() if row["task"] == "made_task_00"]
    assert found == {(row["doc_id"], models.index(row["model"])): row["answer"] for row in rows}


def test_a_long_answer_makes_a_chunk_of_its_own(made, tmp_path):
    results, compared = made
    rows = results.answers.to_pylist()
    rows[4]["answer"] = "長" * 400_000
    changed = replace(results, answers=pa.Table.from_pylist(rows, schema=results.answers.schema))
    report = write_report(changed, compared, [], tmp_path / "report").parent
    assert read(report, "tasks/0")["starts"] == [0, 4, 5]


def test_repeats_are_averaged_and_the_answer_stands_once(made, tmp_path):
    results, compared = made
    first = results.answers.to_pylist()
    second = [row | {"repeat": 1, "original_score": 1.0, "original_failure": None} for row in first]
    for row in first:
        row |= {"original_score": 4.0, "original_failure": None}
    changed = replace(results, answers=pa.Table.from_pylist(first + second, schema=results.answers.schema))
    report = write_report(changed, compared, [], tmp_path / "report").parent
    assert set(read(report, "tasks/0")["scores"]["original"]) == {2.5}  # (4 + 1) / 2
    chunk = read(report, "answers/0-0")
    assert chunk["repeat"][:4] == [0, 1, 0, 1]
    assert chunk["answer"][1] is True
    assert isinstance(chunk["answer"][0], str)


def test_a_verdict_that_lacks_a_repeat_is_no_number(made, tmp_path):
    results, compared = made
    first = [row | {"original_score": 4.0, "original_failure": None} for row in results.answers.to_pylist()]
    second = [row | {"repeat": 1} for row in first]
    second[5] |= {"original_score": None, "original_failure": "parse"}
    changed = replace(results, answers=pa.Table.from_pylist(first + second, schema=results.answers.schema))
    report = write_report(changed, compared, [], tmp_path / "report").parent
    written = read(report, "tasks/0")
    place = 5 * SIZE.models  # the first model's answer to the sixth document
    assert written["scores"]["original"][place] is None
    assert written["states"][place] == str(NOT_JUDGED)
    assert written["scores"]["original"].count(None) == 1


def test_texts_may_come_as_dictionaries_that_differ_between_models(made, tmp_path):
    results, compared = made
    own = []
    for model in results.models:
        part = results.answers.filter(pa.compute.equal(results.answers["model"], model)).combine_chunks()
        for name in ("model", "task", "question", "reference", "category", "cluster", "question_id"):
            part = part.set_column(part.column_names.index(name), name, part[name].dictionary_encode())
        own.append(part)
    changed = replace(results, answers=pa.concat_tables(own), documents={})
    report = write_report(changed, compared, [], tmp_path / "report").parent
    assert read(report, "tasks/0")["question"][3] == "質問3: この写真には何が写っていますか。"
    assert read(report, "answers/0-0")["reference"][3].startswith("参照3")


def test_missing_and_failed_answers_have_their_states(made, tmp_path):
    results, compared = made
    rows = results.answers.to_pylist()
    names = list(results.models)
    rows = [row for row in rows if (row["model"], row["doc_id"]) != (names[0], 2)]
    for row in rows:
        row["original_failure"] = None
        row["original_score"] = 5.0
        if (row["model"], row["doc_id"]) == (names[1], 2):
            row |= {"generation_failure": "out of memory", "answer": None, "original_score": None}
    changed = replace(results, answers=pa.Table.from_pylist(rows, schema=results.answers.schema))
    report = write_report(changed, compared, [], tmp_path / "report").parent
    states = read(report, "tasks/0")["states"]
    assert states[6:9] == "310"
    assert set(states[:6] + states[9:]) == {"0"}


def test_a_second_report_takes_over_the_small_pictures_and_replaces_the_first(made, tmp_path):
    results, compared = made
    out = tmp_path / "report"
    write_report(results, compared, [], out)
    small = sorted((out / "images" / "small").iterdir())
    marked = small[0].read_bytes() + b"kept"
    small[0].write_bytes(marked)
    (out / "left over").touch()
    write_report(results, compared, [], out)
    assert small[0].read_bytes() == marked
    assert not (out / "left over").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_beside_the_report_is_left_alone_and_a_link_is_followed(made, tmp_path):
    results, compared = made
    (mine := tmp_path / "report.part").mkdir()
    (mine / "thesis.tex").touch()
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (tmp_path / "report").symlink_to(elsewhere)
    page = write_report(results, compared, [], tmp_path / "report")
    assert page == tmp_path / "report" / "index.html"
    assert (elsewhere / "index.html").is_file()
    assert elsewhere.stat().st_mode & 0o055 == mine.stat().st_mode & 0o055
    assert (tmp_path / "report").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"report", "report.part", "elsewhere"}
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


def test_what_is_no_report_is_not_replaced(made, tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(ReportError, match="already there, and no report"):
        write_report(*made, [], tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_pictures_of_all_kinds(made, tmp_path):
    results, compared = made
    images = tmp_path / "documents" / "images"
    images.mkdir(parents=True)
    Image.new("RGBA", (300, 200), (255, 0, 0, 0)).save(images / "a.png")
    Image.new("RGB", (900, 300), "blue").save(images / "b.tiff")
    (images / "c.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>")
    (images / "d.png").write_bytes(b"no picture")
    task = next(iter(results.tasks))
    document = results.documents[task][0]
    one = replace(document, images=("a.png", "b.tiff", "c.svg", "d.png", "../up.png", "e f.png", "missing.png"))
    changed = replace(results, folder=tmp_path, documents={task: {0: one}})
    report = write_report(changed, compared, [], tmp_path / "report").parent
    assert read(report, "tasks/0")["images"][0] == [
        ["full/a.png", "small/a.jpg", 300, 200],
        ["full/b.png", "small/b.jpg", 900, 300],
    ]
    assert not list(report.rglob("*.svg"))
    with Image.open(report / "images" / "small" / "b.jpg") as small:
        assert small.size == (240, 80)
    with Image.open(report / "images" / "small" / "a.jpg") as small:
        assert small.getpixel((5, 5)) == (255, 255, 255)  # what is transparent is white
    with Image.open(report / "images" / "full" / "b.png") as full:
        assert full.format == "PNG"


def test_without_vega_the_message_says_what_to_install(made, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "vl_convert":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ReportError, match=re.escape('pip install "lmms-eval-ja[compare]"')):
        write_report(*made, [], tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_numbers_are_shortened_together_as_one_by_one():
    rng = np.random.default_rng(0)
    values = np.concatenate(
        [rng.normal(0, 10.0 ** rng.integers(-3, 4, 500)), [0, -0.0, 7, 1e5, -12345.678, np.nan, np.inf]]
    )
    # `flat` keeps all digits before the decimal point.
    assert flat(values) == [
        number(v, max(5, len(str(int(abs(v)))))) if np.isfinite(v) else None for v in values.tolist()
    ]
    assert flat(np.array([[1.0, 2.5], [np.nan, 3.0]])) == [1, 2.5, None, 3]
    assert [type(v) for v in flat(np.array([1.0, 2.5]))] == [int, float]
