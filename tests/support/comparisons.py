"""Folders of comparisons in lmms-eval's file layout, made up: plausible scores, answers and verdicts, written fast.

Tasks take turns: an even one is judged by `vqa_likert` (`rouge_l_ja`, `judge_mean`), an odd one by `original`
(`overall`, the raw means, a metric for each category). Every third to fifth document shares a picture, its cluster.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lmms_eval_ja.metrics._macro_ratio import influence_values
from lmms_eval_ja.metrics._standard_error import clustered_standard_error

CATEGORIES = ("conv", "detail", "complex")
NAMES = ("ja_vlm_bench_in_the_wild", "heron_bench_ja", "ja_vg_vqa_500_first", "heron_bench_ja_pairwise")
DATE = "20260801_120000"
_WORDS = (
    "赤い",
    "建物の",
    "前に",
    "人が",
    "二人",
    "立って",
    "いて、",
    "空は",
    "青く",
    "晴れて",
    "います。",
    "看板が",
    "見えます。",
)


@dataclass(frozen=True)
class Shape:
    """What is made. `gaps` is the points (of 10) between a model and the next better one; 0 makes them all equal."""

    models: int = 3
    tasks: int = 2
    documents: int = 60
    repeats: int = 1
    seed: int = 0
    gaps: float = 0.5
    parse_failures: float = 0.0
    answer_words: int = 12
    names: tuple[str, ...] = ()
    title: str = "A made-up comparison"
    baseline: str | None = None
    run_facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the models, the best last."""
        return self.names or tuple(f"model-{n:02}" for n in range(self.models))

    @property
    def task_names(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(NAMES[n] if n < len(NAMES) else f"made_task_{n:02}" for n in range(self.tasks))


def write_comparison(folder: Path, shape: Shape | None = None, *, plain: bool = False) -> Path:
    """Write the results of all models.

    Args:
        folder: OUTPUT; made if it is not there.
        shape: what to make.
        plain: only lmms-eval's files, a folder for each model, as without `lmms-eval-ja compare`.

    Returns:
        The folder.
    """
    shape = shape or Shape()
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [_Task(shape, number) for number in range(shape.tasks)]
    for number, model in enumerate(shape.ids):
        place = folder / model if plain else folder / "runs" / model / "scores"
        out = place / f"made__{model}"
        out.mkdir(parents=True)
        facts = {}
        for task in tasks:
            lines, facts[task.name] = task.scored(number)
            (out / f"{DATE}_samples_{task.name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        _write(out / f"{DATE}_results.json", _record(model, tasks, facts))
        if not plain:
            _write(folder / "runs" / model / "run.json", _run_json(shape, model))
    if not plain:
        text = f"output: .\ntitle: {shape.title}\ntasks: [{', '.join(shape.task_names)}]\nmodels: []\n"
        text += f"baseline: {shape.baseline}\n" if shape.baseline else ""
        (folder / "comparison.yaml").write_text(text, encoding="utf-8")
    return folder


def edit_results(folder: Path, model: str, edit: Callable[[dict[str, Any]], None]) -> Path:
    """Change a model's results file in place."""
    (path,) = (p for p in folder.rglob("*_results.json") if model in p.parts)
    record = json.loads(path.read_text(encoding="utf-8"))
    edit(record)
    _write(path, record)
    return path


def edit_samples(folder: Path, model: str, task: str, edit: Callable[[list[dict[str, Any]]], object]) -> Path:
    """Change a model's samples of a task in place; `edit` is given the rows."""
    (path,) = (p for p in folder.rglob(f"*_samples_{task}.jsonl") if model in p.parts)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    edit(rows)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def facts_of(record: dict[str, Any], task: str) -> dict[str, Any]:
    """Our section of a results file about a task."""
    found: dict[str, Any] = record["lmms_eval_ja"]["tasks"][task]
    return found


class _Task:
    """A task's documents, and what models make of them."""

    def __init__(self, shape: Shape, number: int) -> None:
        self.shape, self.name, self.compares = shape, shape.task_names[number], number % 2 == 1
        self.protocol = "original" if self.compares else "vqa_likert"
        self.headline = "overall" if self.compares else "judge_mean"
        self.number = number
        n = shape.documents
        rng = np.random.default_rng([shape.seed, number])
        self.clusters = np.repeat(np.arange(n), rng.integers(3, 6, n))[:n]
        self.categories = np.arange(n) % len(CATEGORIES)
        self.hardness = rng.normal(0, 1, n) + rng.normal(0, 0.7, n)[self.clusters]
        self.reference = np.clip(np.round(rng.normal(8, 1, n)), 1, 10)
        self.questions = [
            f"写真{c}について、{self.name}の質問{i}: 何が見えますか？" for i, c in enumerate(self.clusters)
        ]
        self.references = ["".join(rng.choice(_WORDS, 4)) for _ in range(n)]
        self.metrics = ("overall", "model_mean", "reference_mean", *CATEGORIES) if self.compares else ("judge_mean",)

    def scored(self, number: int) -> tuple[list[str], dict[str, Any]]:
        """The lines of the samples file of a model, and our section about it."""
        shape, n = self.shape, self.shape.documents
        rng = np.random.default_rng([shape.seed, self.number, number])
        low, high = (1, 10) if self.compares else (1, 5)
        quality = 5 - shape.gaps * (len(shape.ids) - 1) / 2 + shape.gaps * number
        true = quality + self.hardness + rng.normal(0, 1, n)
        exact = true[:, None] + rng.normal(0, 0.4, (n, shape.repeats))
        scores = np.clip(np.round(exact * high / 10), low, high)
        failed = rng.random(n) < shape.parse_failures
        words = rng.poisson(shape.answer_words, n) + 1
        rouge = np.clip(rng.normal(8 * quality - words, 15), 0, 100)
        influences = self._influences(scores, failed)
        if not self.compares:
            influences["rouge_l_ja"] = rouge
        picks = rng.integers(0, len(_WORDS), int(words.sum()))
        return list(self._lines(scores, failed, rouge, influences, words, picks)), self._facts(
            influences, scores, failed
        )

    def _influences(self, scores: np.ndarray, failed: np.ndarray) -> dict[str, np.ndarray]:
        kept = ~failed
        found = {}
        for metric in self.metrics:
            own = kept & (self.categories == CATEGORIES.index(metric)) if metric in CATEGORIES else kept
            runs = [self._influence(metric, scores[own, run], own) for run in range(self.shape.repeats)]
            found[metric] = np.full(len(kept), np.nan)
            found[metric][own] = np.mean(runs, axis=0)
        return found

    def _influence(self, metric: str, scores: np.ndarray, own: np.ndarray) -> np.ndarray:
        if metric in {"judge_mean", "model_mean"}:
            return scores
        if metric == "reference_mean":
            return self.reference[own]
        column = self.categories[own] if metric == "overall" else np.zeros(len(scores), int)
        width = int(column.max()) + 1
        columns = np.zeros((len(scores), 2 * width))
        columns[np.arange(len(scores)), column] = 100 * scores
        columns[np.arange(len(scores)), column + width] = self.reference[own]
        return influence_values(columns)

    def _lines(self, scores, failed, rouge, influences, words, picks) -> Iterator[str]:
        start = 0
        for i in range(self.shape.documents):
            answer = "".join(_WORDS[k] for k in picks[start : start + words[i]])
            start += words[i]
            category = f', "category": "{CATEGORIES[self.categories[i]]}"' if self.compares else ""
            item = f'{{"cluster": "写真{self.clusters[i]}"{category}'
            parts = [
                f'"doc_id": {i}, "target": "{self.references[i]}", "filtered_resps": "{answer}"',
                f'"verdict_{self.protocol}": {self._verdict(i, scores[i], bool(failed[i]))}',
                f'"input": "{self.questions[i]}"',
            ]
            if not self.compares:
                parts.append(f'"rouge_l_ja": {item}, "rouge_l": {rouge[i]:.17g}, "influence": {rouge[i]:.17g}}}')
            for metric in self.metrics:
                value = influences[metric][i]
                if not math.isnan(value):
                    parts.append(f'"{metric}": {item}, "influence": {value:.17g}}}')
                elif metric not in CATEGORIES or metric == CATEGORIES[self.categories[i]]:
                    parts.append(f'"{metric}": {item}}}')
            yield f"{{{', '.join(parts)}}}"

    def _verdict(self, i: int, scores: np.ndarray, failed: bool) -> str:
        reference = f"{self.reference[i]:g}.0" if self.compares else "null"
        runs = []
        for score in scores:
            text = f"回答は質問{i}におおむね答えています。評点は{score:g}です。" * 2
            reply = f'[{{"model": "made-judge-1", "content": "{text}", "pass": 0, "reask": 0, "prompt_tokens": 300, '
            reply += '"completion_tokens": 40}]'
            runs.append(f'{{{_outcome(score, reference, failed=failed)}, "replies": {reply}}}')
        mean = float(np.mean(scores))
        return (
            f'{{{_outcome(mean, reference, failed=failed)}, "protocol": "{self.protocol}", "judge": "made-judge", '
            f'"models": ["made-judge-1"], "usage": {{"replies": {len(scores)}, "usd": 0.001}}, '
            f'"runs": [{", ".join(runs)}]}}'
        )

    def _facts(self, influences: Mapping[str, np.ndarray], scores: np.ndarray, failed: np.ndarray) -> dict[str, Any]:
        parse = int(failed.sum())
        print_ = {
            "task_version": 1.0,
            "judging": [{"protocol": self.protocol, "version": 1, "judge": "made-judge", "repeats": len(scores[0])}],
            "judge_models": ["made-judge-1"],
            "metric_packages": {"lmms-eval-ja": "0.1.0"},
            "subset": None,
            "dataset": {"name": self.name, "revision": "abc", "rows": len(failed), "texts_sha256": "0", "changed": []},
        }
        names = ["rouge_l_ja", *self.metrics] if not self.compares else self.metrics
        usage = {"replies": scores.size, "prompt_tokens": 1, "completion_tokens": 1, "usd": 0.001 * len(failed)}
        judging = {"models": {"made-judge": ["made-judge-1"]}, "usage": usage, "agreement": {}, "position_bias": None}
        return {
            "fingerprint": {"id": hashlib.sha256(json.dumps(print_).encode()).hexdigest()[:16]} | print_,
            "judge": "made-judge",
            "scores": {name: self._score(name, influences[name], scores) for name in names},
            "failures": {"parse": {"count": parse, "samples": [], "example": "no score"}} if parse else {},
            "judging": {self.protocol: judging},
            "answers_cut": {self.protocol: 0},
        }

    def _score(self, name: str, influence: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
        known = ~np.isnan(influence)
        clusters = [int(c) for c in self.clusters[known]]
        value, error = float(influence[known].mean()), clustered_standard_error(influence[known], clusters)
        runs = [float(run.mean()) for run in scores.T] if name == "judge_mean" else [value] * self.shape.repeats
        own = self.categories == CATEGORIES.index(name) if name in CATEGORIES else np.full(len(known), fill_value=True)
        kinds = {"overall": "category_ratios_ja", "reference_mean": "reference_mean_ja"}
        return {
            "value": value,
            "why_none": None,
            "ci_low": value - 1.96 * error,
            "ci_high": value + 1.96 * error,
            "interval": "BCa bootstrap",
            "standard_error": error,
            "n": int(own.sum()),
            "scored": int(known.sum()),
            "clusters": len(set(clusters)),
            "coverage": float(known.sum() / own.sum()),
            "runs": runs,
            "run_sd": float(np.std(runs, ddof=1)) if len(runs) > 1 else None,
            "aggregation": kinds.get(name, "ratio_of_means_ja" if name in CATEGORIES else "mean_ja"),
            "protocol": None if name == "rouge_l_ja" else self.protocol,
        }


def _outcome(score: float, reference: str, *, failed: bool) -> str:
    if failed:
        return '"score": null, "reference_score": null, "failure": "parse", "reason": "no score in the reply"'
    return f'"score": {score:.17g}, "reference_score": {reference}, "failure": null, "reason": null'


def _record(model: str, tasks: list[_Task], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "results": {},
        "configs": {
            t.name: {"metadata": {"version": 1.0, "headline": t.headline, "rows": len(t.clusters)}} for t in tasks
        },
        "higher_is_better": {name: dict.fromkeys(own["scores"], True) for name, own in facts.items()},
        "n-samples": {t.name: {"original": len(t.clusters), "effective": len(t.clusters)} for t in tasks},
        "config": {"model": "made", "model_args": f"pretrained=made/{model}", "limit": None, "offset": 0},
        "lmms_eval_ja": {"packages": {"lmms-eval-ja": "0.1.0"}, "tasks": dict(facts)},
        "model_name": f"made/{model}",
        "model_name_sanitized": f"made__{model}",
        "date": DATE,
    }


def _run_json(shape: Shape, model: str) -> dict[str, Any]:
    own = {
        "id": model,
        "hub": f"made/{model}",
        "plugin": "ja_vlm",
        "params_b": 7,
        "licence": "Apache-2.0",
        "contaminated_tasks": [],
        "flags": [],
        "label": None,
        "series": None,
        "step": None,
        "tasks": list(shape.task_names),
        "seconds": {"generate": 600.0, "judge": 60.0},
        "gpus": 1,
        "failed": None,
    }
    return own | dict(shape.run_facts.get(model, {}))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
