"""What can be said of a task from its files alone: name, YAML, functions, facts, README."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lmms_eval_ja.doctor import Finding, Level
from lmms_eval_ja.new_task import name_problem
from lmms_eval_ja.task_files import Function, TaskFile, function_problem

_PROMPTS = "!function lmms_eval_ja.jp_tasks.prompts"
#: What a YAML must have, and how to write it.
REQUIRED: dict[str, str] = {
    "task": "task: the name of the folder",
    "dataset_path": "dataset_path: owner/name on the hub, or parquet with dataset_kwargs: {data_files: {test: FILE}}",
    "output_type": "output_type: generate_until",
    "process_docs": "process_docs: !function task.process_docs, which begins with load_checked(dataset, SPEC)",
    "process_results": "process_results: !function lmms_eval_ja.jp_tasks.scoring.score_choice, or "
    "lmms_eval_ja.judges.score_PROTOCOL",
    "doc_to_visual": f"doc_to_visual: {_PROMPTS}.doc_to_visual",
    "doc_to_text": f"doc_to_text: {_PROMPTS}.choice_to_text, short_to_text or doc_to_text",
    "doc_to_target": f"doc_to_target: {_PROMPTS}.doc_to_target",
    "generation_kwargs": "generation_kwargs: {until: [], max_new_tokens: 256, temperature: 0, do_sample: false}",
    "score_key": "score_key: influence",
    "cluster_key": "cluster_key: cluster",
    "metric_list": "metric_list: - {metric: accuracy, aggregation: mean_ja, higher_is_better: true}",
    "metadata": "metadata: with version, rows, headline, protocol, licence and source",
}
METADATA: dict[str, str] = {
    "version": "a number, raised whenever a score can move, such as 1.0",
    "rows": "the number of questions",
    "headline": "the metric that stands for the task",
    "protocol": "choice, the judging protocol, or how else answers are scored",
    "licence": "of texts and pictures, as the data's card has it",
    "source": "where the data is from: an address",
}
#: Headings of a README in their order; others may stand between them.
HEADINGS = (
    "Source, licence, size",
    "What the model sees",
    "How an answer is judged",
    "Metrics",
    "Deviations",
    "Published figures",
    "How the implementation was checked",
    "How to run",
    "Checklist",
)
_HOW = re.compile(r"How an answer is (?:judged|marked|scored)(?P<metrics>, metrics)?")


def examine_files(task: TaskFile) -> Iterator[Finding]:
    """Look at everything that needs neither the data nor lmms-eval."""
    yield _found("name", task.name or "none", _name(task))
    for key, mend in REQUIRED.items():
        if task.config.get(key) in (None, "", [], {}):
            yield Finding(Level.BROKEN, f"YAML: {key}", "missing", f"write {mend}")
    if not {"test_split", "validation_split"} & task.config.keys():
        yield Finding(Level.BROKEN, "YAML: test_split", "missing", "write test_split: the split that is evaluated")
    yield from _values(task)
    yield from _functions(task)
    yield from _metrics(task)
    yield from _metadata(task)
    yield from _readme(task)


def _found(what: str, found: str, mend: str | None) -> Finding:
    return Finding(Level.BROKEN if mend else Level.OK, what, found, mend or "")


def _name(task: TaskFile) -> str | None:
    if not task.name:
        return f"write task: {task.path.stem}"
    return name_problem(task.name, of_ours=task.is_ours)


def _values(task: TaskFile) -> Iterator[Finding]:
    """Keys that must have one value."""
    wanted = {"output_type": "generate_until", "score_key": "influence", "cluster_key": "cluster"}
    for key, value in wanted.items():
        if (own := task.config.get(key)) not in (None, "", value):
            yield Finding(Level.BROKEN, f"YAML: {key}", str(own), f"write {REQUIRED[key]}")
    settings = task.config.get("generation_kwargs")
    if isinstance(settings, Mapping):
        right = settings.get("until") == []
        mend = "write until: [] under generation_kwargs: lmms-eval's default ends an answer at its first empty line"
        yield _found("YAML: until", str(settings.get("until", "missing")), None if right else mend)


def _functions(task: TaskFile) -> Iterator[Finding]:
    named = list(_named(task.config))
    problems = [(key, name, problem) for key, name in named if (problem := function_problem(name, task))]
    for key, name, problem in problems:
        yield Finding(Level.BROKEN, f"YAML: {key}", f"!function {name}", f"{name} {problem}")
    for key in ("process_docs", "process_results"):
        if (own := task.config.get(key)) and not isinstance(own, Function):
            yield Finding(Level.BROKEN, f"YAML: {key}", str(own), f"write {REQUIRED[key]}")
    if not problems:
        yield Finding(Level.OK, "YAML: functions", f"{len({name for _, name in named})}, all found")


def _named(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every `!function` with the key that it stands under."""
    if isinstance(value, Function):
        yield key, str(value)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _named(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, key)


def _metrics(task: TaskFile) -> Iterator[Finding]:
    from lmms_eval_ja.judges import AGGREGATIONS

    entries = task.config.get("metric_list")
    if not isinstance(entries, list):
        return
    for entry in entries:
        name = entry.get("metric") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            yield Finding(Level.BROKEN, "YAML: metric_list", str(entry), f"write {REQUIRED['metric_list']}")
            continue
        aggregation = entry.get("aggregation")
        if not isinstance(aggregation, Function) and aggregation not in AGGREGATIONS:
            mend = f"write aggregation: one of {', '.join(AGGREGATIONS)}; lmms-eval's own know no failures"
            yield Finding(Level.BROKEN, f"metric {name}", f"aggregation {aggregation}", mend)
        if not isinstance(entry.get("higher_is_better"), bool):
            mend = "write higher_is_better: true, or false"
            yield Finding(Level.BROKEN, f"metric {name}", "higher_is_better is missing", mend)


def _metadata(task: TaskFile) -> Iterator[Finding]:
    facts = task.metadata
    if not facts:
        return
    for key, meaning in METADATA.items():
        if facts.get(key) in (None, ""):
            yield Finding(Level.BROKEN, f"metadata: {key}", "missing", f"write {key}: {meaning}")
    for key, kinds in (("version", (int, float)), ("rows", (int,))):
        own = facts.get(key)
        if own not in (None, "") and (not isinstance(own, kinds) or isinstance(own, bool) or own <= 0):
            yield Finding(Level.BROKEN, f"metadata: {key}", str(own), f"write {key}: {METADATA[key]}")
    entries = task.config.get("metric_list") or []
    metrics = [entry.get("metric") for entry in entries if isinstance(entry, Mapping)]
    if (headline := facts.get("headline")) and metrics and headline not in metrics:
        mend = f"write headline: one of metric_list: {', '.join(map(str, metrics))}"
        yield Finding(Level.BROKEN, "metadata: headline", str(headline), mend)
    if licence := facts.get("licence"):
        yield Finding(Level.OK, "licence", str(licence))


def _readme(task: TaskFile) -> Iterator[Finding]:
    path = task.path.parent / "README.md"
    if not path.is_file():
        yield Finding(Level.BROKEN, "README.md", "missing", f"write it, with the headings {', '.join(HEADINGS)}")
        return
    text = path.read_text(encoding="utf-8")
    problem = headings_problem(text)
    yield _found("README.md", f"{len(text.splitlines())} lines", problem)
    if not _states_licence(text):
        mend = 'write a line "| Licence | … |" under "## Source, licence, size"'
        yield Finding(Level.BROKEN, "README.md: licence", "not stated", mend)


def _states_licence(text: str) -> bool:
    """Whether the section on the source says something of the licence; a table's row must have a value."""
    section = re.search(rf"^## {HEADINGS[0]}[ \t]*$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if section is None:
        return True  # the missing heading is a finding of its own
    lines = [line for line in section[1].splitlines() if re.search("licen[cs]e", line, re.IGNORECASE)]
    return any(not re.fullmatch(r"[|* ]*licen[cs]e[|* ]*", line.strip(), re.IGNORECASE) for line in lines)


def headings_problem(text: str) -> str | None:
    """What to do about a README whose headings are not all there, or not in order; or None."""
    own: list[str] = []
    for heading in re.findall(r"^## +(.+?)[ \t]*$", text, re.MULTILINE):
        how = _HOW.fullmatch(heading)
        own += [HEADINGS[2], *(["Metrics"] if how["metrics"] else [])] if how else [heading]
    for heading in HEADINGS:
        if heading not in own:
            return f'write the heading "## {heading}"'
    places = [own.index(heading) for heading in HEADINGS]
    for before, after in zip(range(len(HEADINGS) - 1), range(1, len(HEADINGS)), strict=True):
        if places[before] > places[after]:
            return f'put "## {HEADINGS[before]}" before "## {HEADINGS[after]}"'
    return None
