"""Published figures: those of the publications, contaminated cells dashed wherever they stand."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from lmms_eval_ja.compare import published as room
from lmms_eval_ja.compare.published import EVAL_MM, EVAL_MM_TABLE, PAPER, PAPER_ABLATIONS, PublishedRow, published
from lmms_eval_ja.jp_tasks.catalogue import tasks
from lmms_eval_ja.models.catalogue import catalogue
from support.benchmarks import SHARED, needs_shared

PAPER_COLUMNS = {
    "heron_llm_pct": ("heron_bench_ja", "overall"),
    "ja_vlm_itw_rougeL": ("ja_vlm_bench_in_the_wild", "rouge_l_ja"),
    "ja_vlm_itw_llm5": ("ja_vlm_bench_in_the_wild", "judge_mean"),
    "ja_vg_vqa500_rougeL": ("ja_vg_vqa_500", "rouge_l_ja"),
    "ja_vg_vqa500_llm5": ("ja_vg_vqa_500", "judge_mean"),
}
PEER_COLUMNS = {
    "heron_llm_rel": ("heron_bench_ja", "overall"),
    "jvb_itw_rougel": ("ja_vlm_bench_in_the_wild", "rouge_l_ja"),
    "jvb_itw_llm": ("ja_vlm_bench_in_the_wild", "judge_mean"),
    "vg_vqa_rougel": ("ja_vg_vqa_500", "rouge_l_ja"),
    "vg_vqa_llm": ("ja_vg_vqa_500", "judge_mean"),
}
CONTAMINATED = {"japanese-instructblip-alpha", "japanese-stable-vlm"}


def _by_cell(source: str) -> dict[tuple[str, str, str], PublishedRow]:
    return {(row.name, row.task, row.metric): row for row in published() if row.source == source}


def test_the_headline_of_the_paper() -> None:
    cells = _by_cell(PAPER)
    assert cells["LLM-jp-3 VILA", "ja_vlm_bench_in_the_wild", "rouge_l_ja"].value == 52.3
    assert cells["LLM-jp-3 VILA", "ja_vg_vqa_500", "rouge_l_ja"].value == 16.2
    assert cells["LLM-jp-3 VILA", "ja_vg_vqa_500", "rouge_l_ja"].model == "llm-jp-3-vila-14b"
    assert len({name for name, _, _ in cells}) == 12


def test_contaminated_cells_are_dashed_in_every_source() -> None:
    dashed = [row for row in published() if row.value is None]
    assert {(row.model, row.task) for row in dashed} == {(model, "ja_vg_vqa_500") for model in CONTAMINATED}
    assert all(row.is_contaminated for row in dashed)
    assert {row.source for row in dashed} == {PAPER, EVAL_MM}
    assert [row.note for row in dashed if row.source == EVAL_MM] == [
        "contaminated: the benchmark is in the model's training data; the source prints a figure"
    ] * 4
    assert not {34.06, 45.72} & {row.value for row in published()}


def test_names_are_those_of_the_catalogue_tasks_and_sources() -> None:
    rows = published()
    names = {task.name for task in tasks()}
    assert {row.task for row in rows} <= names
    for row in rows:
        assert row.model in catalogue() or row.model == row.name
        assert row.step > 0
        assert row.source in room.SOURCES
    assert {row.source for row in rows} == set(room.SOURCES)
    assert {row.task for row in published(["ja_vg_vqa_500"])} == {"ja_vg_vqa_500"}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = room.nothing


@pytest.mark.parametrize("source", [PAPER, PAPER_ABLATIONS, EVAL_MM, EVAL_MM_TABLE])
def test_each_source_says_what_is_not_known_of_it(source: str) -> None:
    facts = room.SOURCES[source]
    assert facts.url.startswith("https://")
    assert all([facts.title, facts.date, facts.judge, facts.protocols, facts.repeats, facts.decoding, facts.unknown])


@needs_shared
def test_the_figures_are_the_papers() -> None:
    tables = _tables()
    cells = _by_cell(PAPER)
    expected = {
        (name.replace(" (Ours)", ""), *PAPER_COLUMNS[column]): value
        for name, row in tables["table4"].items()
        for column, value in row.items()
    }
    assert {key: cells[key].value for key in expected} == expected
    parts = {
        (name.replace(" (Ours)", ""), "heron_bench_ja", part): row[part]
        for name, row in tables["table9"].items()
        if name in tables["table4"]
        for part in ("detail", "conv", "complex")
    }
    assert {key: cells[key].value for key in parts} == parts
    assert len(cells) == len(expected) + len(parts)
    ablations = [row for row in published() if row.source == PAPER_ABLATIONS]
    for number, row in enumerate(tables["table5"]):
        name = list(dict.fromkeys(one.name for one in ablations))[number]
        own = {(one.task, one.metric): one.value for one in ablations if one.name == name}
        assert {column: own[cell] for column, cell in PAPER_COLUMNS.items()} == {c: row[c] for c in PAPER_COLUMNS}


@needs_shared
@pytest.mark.parametrize(("source", "file"), [(EVAL_MM, "leaderboard.json"), (EVAL_MM_TABLE, "leaderboard.md")])
def test_the_figures_are_the_peers(source: str, file: str) -> None:
    assert SHARED is not None
    with (SHARED / "data" / "published" / "eval_mm_leaderboard.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["source"] == file]
    hubs = {entry.hub: entry.id for entry in catalogue().values() if entry.hub}
    expected = {
        (row["model"], *PEER_COLUMNS[column]): float(row[column])
        for row in rows
        for column in PEER_COLUMNS
        if row[column]
    }
    cells = _by_cell(source)
    assert cells.keys() == expected.keys()
    for key, row in cells.items():
        assert row.model == hubs.get(key[0], key[0])
        if not row.is_contaminated:
            assert row.value == expected[key]


def _tables() -> dict[str, Any]:
    assert SHARED is not None
    path = SHARED / "data" / "published" / "llm_jp_3_vila_tables.json"
    return json.loads(path.read_text(encoding="utf-8"))
