"""The scored tasks of a folder or of a bundle: samples with the results beside them, wherever they are read from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges import Sample

Row = Mapping[str, Any]
Documents = Mapping[str, Mapping[int, Document]]
#: Reads a file by its name, relative to the comparison's folder.
Read = Callable[[str], bytes]
_SAMPLES = re.compile(r"(?P<start>(?:.*/)?[^/]*)_samples_(?P<task>[^/]+)\.jsonl")
_RUN = re.compile(r"runs/(?P<id>[^/]+)/")


@dataclass(frozen=True)
class Scored:
    """What one model's files say of one task.

    Attributes:
        file: name of the samples file.
        model: id of the run, or the name in the results file.
        task: name.
        rows: lines of the samples file.
        facts: the section `lmms_eval_ja.tasks[task]` of the results file.
        printed: the task's row of the results file.
        aggregations: by metric the name of its aggregation.
        generation: how answers were generated, as the task's configuration and the run's `--gen_kwargs` have it.
        packages: versions that the results file names.
    """

    file: str
    model: str
    task: str
    rows: Sequence[Row]
    facts: Mapping[str, Any]
    printed: Mapping[str, Any]
    aggregations: Mapping[str, str]
    generation: Mapping[str, Any]
    packages: Mapping[str, str | None]

    @property
    def judging(self) -> dict[str, Mapping[str, Any]]:
        """What the fingerprint says of each protocol: version, judge, sampling, repeats."""
        return {entry["protocol"]: entry for entry in self.facts["fingerprint"]["judging"]}


def samples_names(names: Iterable[str]) -> dict[str, str]:
    """The samples files among names, with the results file that belongs to each."""
    found = {name: _SAMPLES.fullmatch(name) for name in names}
    return {name: f"{match['start']}_results.json" for name, match in found.items() if match}


def scored_tasks(names: Iterable[str], read: Read) -> Iterator[Scored]:
    """The scored tasks among files, in the order of their names; answers that were not scored are left out.

    Raises:
        BundleError: a samples file without its results, or one that cannot be read; names it.
    """
    for name, results in sorted(samples_names(names).items()):
        match = _SAMPLES.fullmatch(name)
        assert match is not None  # noqa: S101 (it is one of `samples_names`)
        task, record = match["task"], _json(results, read(results))
        facts = ((record.get("lmms_eval_ja") or {}).get("tasks") or {}).get(task)
        if not facts:
            continue
        run = _RUN.match(name)
        config = (record.get("configs") or {}).get(task) or {}
        yield Scored(
            file=name,
            model=run["id"] if run else str(record.get("model_name_sanitized") or record["config"].get("model")),
            task=task,
            rows=_rows(name, read(name)),
            facts=facts,
            printed=(record.get("results") or {}).get(task) or {},
            aggregations=_aggregations(facts, config),
            generation=config.get("generation_kwargs") or {},
            packages=record["lmms_eval_ja"].get("packages") or {},
        )


def _aggregations(facts: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, str]:
    """As the facts of each score have them; those of an older version leave it to the task's configuration."""
    configured = {entry["metric"]: entry.get("aggregation") for entry in config.get("metric_list") or ()}
    stated = {metric: score.get("aggregation") for metric, score in facts["scores"].items()}
    return {metric: str(stated[metric] or configured.get(metric)) for metric in stated}


def answer_of(row: Row) -> str:
    """The model's answer, as it was scored: without outer white space."""
    value = row["filtered_resps"]
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return str(value).strip()


def verdicts_of(row: Row) -> dict[str, Mapping[str, Any]]:
    """The verdicts on the model's own answer, by protocol."""
    return {name.removeprefix("verdict_"): value for name, value in row.items() if name.startswith("verdict_")}


def sample_of(row: Row, document: Document) -> Sample:
    """What was judged, but for pictures."""
    return Sample(
        sample_id=document.question_id,
        question=document.question,
        answer=answer_of(row),
        reference=document.reference,
        context=document.context,
        category=document.category,
        cluster=document.cluster,
    ).with_beside(document.beside)


def _rows(name: str, data: bytes) -> list[Row]:
    rows: dict[int, Row] = {}
    for number, line in enumerate(data.decode("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        row = _json(f"{name}, line {number}", line)
        if not isinstance(row.get("doc_id"), int) or "filtered_resps" not in row:
            raise BundleError(f"{name}, line {number}: no sample of lmms-eval: doc_id or filtered_resps is missing")
        if row["doc_id"] in rows:
            raise BundleError(f"{name}, line {number}: doc_id {row['doc_id']} stands twice")
        rows[row["doc_id"]] = row
    return [rows[doc_id] for doc_id in sorted(rows)]


def _json(name: str, data: bytes | str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name}: no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BundleError(f"{name}: expected an object")
    return value
