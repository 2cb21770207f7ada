"""Whether the results of several models may stand side by side: the same judging, the same data, the same documents."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from lmms_eval_ja.compare.found import TaskFile
from lmms_eval_ja.compare.results import ResultsError

_LONGEST = 60
_JUDGE_MODELS = "judge_models"


def check_whole(file: TaskFile) -> None:
    """Refuse a part of the documents.

    Raises:
        ResultsError: made with --limit or --offset.
    """
    config = file.record["config"]
    subset = (file.facts.get("fingerprint") or {}).get("subset")
    if subset or config.get("limit") or config.get("offset"):
        said = ", ".join(f"{k} {config[k]}" for k in ("limit", "offset") if config.get(k)) or json.dumps(subset)
        raise ResultsError(
            f"{file.results}: {file.task} was run over a part of its documents ({said}): a part is another benchmark; "
            "run it without --limit"
        )


def mixed_fingerprints(task: str, files: Mapping[str, TaskFile], *, allowed: bool) -> dict[str, str]:
    """Which models were not scored like most, and how they differ.

    A run of which no verdict names a model is not held to the judge's models. One that lacks a score may have verdicts
    of some of them only.

    Args:
        task: its name.
        files: by model.
        allowed: whether different fingerprints may stand side by side.

    Returns:
        In a sentence by model; empty where all are alike.

    Raises:
        ResultsError: they differ and may not.
    """
    prints = {model: _flat(file) for model, file in files.items()}
    whole = [model for model, file in files.items() if _JUDGE_MODELS in prints[model] and _is_whole(file)]
    named = whole or [model for model, own in prints.items() if _JUDGE_MODELS in own] or list(prints)
    common = Counter(json.dumps(prints[model], sort_keys=True) for model in named)
    usual: dict[str, Any] = json.loads(common.most_common(1)[0][0])
    mixed = {
        model: said
        for model, own in prints.items()
        if (said := "; ".join(_differences(usual, own, partial=model not in whole)))
    }
    if mixed and not allowed:
        like = next(model for model in prints if model not in mixed)
        told = "\n  ".join(f"{model}: {said}" for model, said in mixed.items())
        raise ResultsError(
            f"{task}: these models were not scored like {like} (its own in brackets), so that their scores are not "
            f"comparable:\n  {told}\nScore them again alike (lmms-eval-ja judge), or allow it: mix_fingerprints: true"
        )
    return mixed


def _flat(file: TaskFile) -> dict[str, Any]:
    """A fingerprint by dotted names; without the judge's models where no verdict named one."""
    print_ = {name: value for name, value in (file.facts.get("fingerprint") or {}).items() if name != "id"}
    models = print_.pop(_JUDGE_MODELS, None)
    flat = dict(_leaves(print_))
    return flat | ({_JUDGE_MODELS: models} if models else {})


def _is_whole(file: TaskFile) -> bool:
    """Whether every score is there, so that all verdicts are."""
    return all(score.get("why_none") is None for score in (file.facts.get("scores") or {}).values())


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        for part in value:
            yield from _leaves(part, f"{name}[{part.get('protocol', value.index(part))}]")
    else:
        yield name, value


def _differences(usual: Mapping[str, Any], own: Mapping[str, Any], *, partial: bool) -> Iterator[str]:
    for name in dict.fromkeys([*usual, *own]):
        before, now = usual.get(name), own.get(name)
        if name == _JUDGE_MODELS and (not now or (partial and set(now) <= set(before or ()))):
            continue
        if before != now:
            yield f"{name} {_shown(now)} ({_shown(before)})"


def _shown(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def check_same_documents(first: tuple[TaskFile, Any], other: tuple[TaskFile, Any]) -> None:
    """Refuse answers to other documents.

    Args:
        first: a model's file, and its documents: a pyarrow.Table with doc_id, question, reference and cluster.
        other: another model's.

    Raises:
        ResultsError: they differ; names file, document and field.
    """
    (file, table), (other_file, other_table) = first, other
    ids, other_ids = (t["doc_id"].to_pylist() for t in (table, other_table))
    if ids != other_ids:
        there, here = set(ids), set(other_ids)
        said = _first_of("has no doc_id", there - here) or _first_of("has a doc_id", here - there)
        raise ResultsError(f"{other_file.samples} {said}, unlike {file.samples}: run that task again, all of it")
    for name in ("question", "reference", "cluster"):
        if not table[name].equals(other_table[name]):
            before, now = table[name].to_pylist(), other_table[name].to_pylist()
            at = next(n for n in range(len(ids)) if before[n] != now[n])
            raise ResultsError(
                f"{other_file.samples}: doc_id {ids[at]} of {file.task} has another {name} than in {file.samples}: "
                f"{_shown(now[at])!r}, there {_shown(before[at])!r}; were the data or the prompt changed in between?"
            )


def _first_of(what: str, ids: set[int]) -> str | None:
    return f"{what} {min(ids)}" if ids else None


def check_rows(file: TaskFile, documents: int) -> None:
    """Refuse a samples file that lacks lines.

    Raises:
        ResultsError: it has another number of documents than the results file says.
    """
    stated = ((file.record.get("n-samples") or {}).get(file.task) or {}).get("effective")
    if stated is not None and stated != documents:
        raise ResultsError(
            f"{file.samples}: {documents:,} documents, but {file.results.name} says {stated:,}: the file is "
            "half-written; run that task again"
        )
