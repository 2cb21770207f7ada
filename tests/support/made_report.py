"""A comparison made up for the report, of any size and fast: answers, documents, pictures and statistics.

The numbers are plausible and no more: scores are drawn, intervals are normal approximations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lmms_eval_ja.compare.compared import (
    Cell,
    Compared,
    Curve,
    CurvePoint,
    Difference,
    Health,
    LengthAgreement,
    Mark,
    Overall,
    TaskCard,
    TaskCorrelation,
)
from lmms_eval_ja.compare.results import Document, Model, Results, Task, TaskRun

CATEGORIES = ("conv", "detail", "complex")
#: Why the second model is not ranked in the first task.
UNRANKED = "trained on the pictures of this task"
_SENTENCES = (
    "写真の中央に赤い帽子をかぶった子供が立っています。",
    "背景には古い神社と石段が見え、空は晴れています。",
    "看板には「本日休業」と書かれており、店の扉は閉まっています。",
    "電車は8時28分に到着し、9時ちょうどに発車します。",
    "テーブルの上に焼き魚の定食と湯のみが置かれています。",
    "右奥に二人の観光客がいて、一人は地図を広げています。",
)


@dataclass(frozen=True)
class Size:
    """How much is made; `pictures` is the number of different ones per task."""

    models: int = 5
    tasks: int = 2
    documents: int = 24
    pictures: int = 6
    sentences: int = 3
    seed: int = 0


def task_names(size: Size) -> list[str]:
    """Names of the tasks."""
    return [f"made_task_{number:02}" for number in range(size.tasks)]


def model_names(size: Size) -> list[str]:
    """Ids of the models, the worst first."""
    return [f"made-vlm-{number:02}" for number in range(size.models)]


def made_answers(size: Size) -> Any:
    """All answers, a pyarrow.Table as `Results.answers`: every pair of rows judged by `original`, ROUGE-L beside it."""
    return pa.concat_tables(_answers(size, place, task) for place, task in enumerate(task_names(size)))


def _answers(size: Size, place: int, task: str) -> Any:
    rng = np.random.default_rng([size.seed, place])
    models, documents = size.models, size.documents
    count = models * documents
    doc_id = np.tile(np.arange(documents, dtype=np.int32), models)
    model = np.repeat(np.arange(models), documents)
    hardness = rng.normal(0, 1.4, documents)
    score = np.clip(np.round(4.5 + 3 * model / max(1, models - 1) + hardness[doc_id] + rng.normal(0, 1, count)), 1, 10)
    # A table of texts, of which each row takes one: the strings differ, and making them costs little.
    variety = [
        "".join(_SENTENCES[k] for k in rng.integers(0, len(_SENTENCES), size=max(1, size.sentences + int(more))))
        for more in rng.integers(-2, 3, 400)
    ]
    lengths = np.array([len(text) for text in variety])
    pick = rng.integers(0, len(variety), count)
    failed = rng.random(count) < 0.004
    texts = pa.array(variety).take(pa.array(pick))
    feedback = pa.array([f"おおむね正しく答えています。{text[:60]}" for text in variety]).take(
        pa.array(pick[::-1].copy())
    )
    nothing = pa.nulls(count, pa.string())
    names = pa.array(model_names(size))
    questions = pa.array([f"質問{d}: この写真には何が写っていますか。" for d in range(documents)])
    references = pa.array([f"参照{d}: {_SENTENCES[d % len(_SENTENCES)]}" for d in range(documents)])
    rows = pa.array(doc_id)
    return pa.table(
        {
            "model": names.take(pa.array(model)),
            "task": pa.array([task]).take(pa.array(np.zeros(count, np.int32))),
            "doc_id": rows,
            "repeat": pa.array(np.zeros(count, np.int16)),
            "question_id": questions.take(rows),
            "cluster": pa.array([f"picture-{d // 4}" for d in range(documents)]).take(rows),
            "category": pa.array([CATEGORIES[d % 3] for d in range(documents)]).take(rows),
            "question": questions.take(rows),
            "reference": references.take(rows),
            "answer": texts,
            "generation_failure": nothing,
            "chars": pa.array(lengths[pick].astype(np.int32)),
            "japanese_share": pa.array(np.ones(count)),
            "rouge_l_ja": pa.array(np.clip(rng.normal(3 * score, 12), 0, 100)),
            "original_score": pa.array(np.where(failed, np.nan, score), mask=failed),
            "original_reference_score": pa.array(np.full(count, 8.0), mask=failed),
            "original_failure": pa.array(["parse" if one else None for one in failed], pa.string()),
            "original_reason": pa.array(["no score in the reply" if one else None for one in failed], pa.string()),
            "original_feedback": feedback,
        }
    )


def made_documents(size: Size) -> dict[str, dict[int, Document]]:
    """What was asked, by task and doc_id; the pictures are those of `write_pictures_of`."""
    return {
        task: {
            d: Document(
                task,
                d,
                f"q{d:04}",
                f"質問{d}: この写真には何が写っていますか。",
                f"参照{d}: {_SENTENCES[d % len(_SENTENCES)]}",
                context="写真の説明です。" * 3,
                category=CATEGORIES[d % 3],
                cluster=f"picture-{d // 4}",
                images=(picture_name(place, d % size.pictures),) if size.pictures else (),
            )
            for d in range(size.documents)
        }
        for place, task in enumerate(task_names(size))
    }


def picture_name(task: int, number: int) -> str:
    """The file name of a task's picture."""
    return f"{task:032x}{number:032x}.jpg"


def write_pictures_of(size: Size, folder: Path, drawn: int = 24) -> None:
    """Write the pictures: `drawn` different photographs of noise in 640 × 480, each under many names."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(size.seed)
    originals: list[Path] = []
    for place in range(size.tasks):
        for number in range(size.pictures):
            path = folder / picture_name(place, number)
            if len(originals) < drawn:
                coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8))
                coarse.resize((640, 480), Image.Resampling.BICUBIC).save(path, "JPEG", quality=88)
                originals.append(path)
            else:
                os.link(originals[(place * size.pictures + number) % drawn], path)


def made_results(size: Size, folder: Path, answers: Any = None) -> Results:
    """The results around the answers, which are made if they are not given."""
    models = {
        name: Model(
            id=name,
            label=f"Made VLM {number + 1}B",
            hub=f"made/{name}",
            plugin="ja_vlm",
            params_b=float(number + 1),
            licence="Apache-2.0" if number % 2 else None,
            seconds={"generate": 400.0 + 90 * number, "judge": 60.0},
            gpus=1,
        )
        for number, name in enumerate(model_names(size))
    }
    metrics = ("overall", *CATEGORIES, "rouge_l_ja")
    tasks = {
        name: Task(name, "overall", metrics, ("original",), size.documents, dict.fromkeys(metrics, True))
        for name in task_names(size)
    }
    runs = {
        (model, task): TaskRun(model, task, folder / "samples.jsonl", {}, f"{place:016x}")
        for place, task in enumerate(tasks)
        for model in models
    }
    return Results(
        folder=folder,
        title="A made-up comparison",
        baseline=next(iter(models)),
        models=models,
        tasks=tasks,
        runs=runs,
        answers=made_answers(size) if answers is None else answers,
        documents=made_documents(size),
    )


def made_compared(results: Results, size: Size, *, all_metrics: bool = True) -> Compared:
    """Statistics for made-up results, as large as real ones are: cells and differences for every metric."""
    rng = np.random.default_rng([size.seed, 7])
    models, tasks = list(results.models), list(results.tasks)
    cells: list[Cell] = []
    differences: list[Difference] = []
    for task in results.tasks.values():
        for metric in task.metrics if all_metrics else (task.headline,):
            values = np.sort(40 + 45 * rng.random(len(models))) + rng.normal(0, 2, len(models))
            own = _cells(task.name, metric, models, values, size.documents)
            cells += own
            differences += _differences(task.name, metric, own)
    count, pairs = len(models), len(models) * (len(models) - 1) // 2
    points = [CurvePoint(1000 * step, models[0], 50.0 + step, 48.0 + step, 52.0 + step) for step in (1, 2, 3)]
    return Compared(
        models=models,
        tasks=tasks,
        cells=cells,
        differences=differences,
        deltas=[row for row in differences if row.b == results.baseline],
        curves=[Curve("made", tasks[0], "overall", points)],
        cards=[TaskCard(task, "overall", 0.6, pairs, 0.9, [1, 3], [3], size.documents) for task in tasks],
        correlations=[
            TaskCorrelation(a, b, 0.8, 0.6, 0.95, count) for place, a in enumerate(tasks) for b in tasks[place + 1 :]
        ],
        lengths=[
            LengthAgreement(task, "original", third, 10, 90, 100, 0.4 - 0.1 * third, 40.0, 6.0)
            for task in tasks
            for third in range(4)
        ],
        overall=[
            Overall(model, count - place, max(1, count - place - 0.4), count - place + 0.4, len(tasks))
            for place, model in enumerate(models)
        ],
        health=[
            Health(model, task, "original", 0.996, 0, 4, 0, None, None, "made-judge", 1.25, size.documents)
            for model in models
            for task in tasks
        ],
        notes=("A note.",),
        marks=[
            *(Mark(model, tasks[0], "contaminated", UNRANKED) for model in models[1:2]),
            *(
                Mark(model, "", "in_domain", "trained on another part of the source of a benchmark")
                for model in models[2:3]
            ),
        ],
        headlines={name: task.headline for name, task in results.tasks.items()},
        labels={name: model.label for name, model in results.models.items()},
        title=results.title,
        baseline=results.baseline,
        resamples=2000,
    )


def _cells(task: str, metric: str, models: Sequence[str], values: np.ndarray, n: int) -> list[Cell]:
    cells = []
    best = float(values.max())
    for place, (model, value) in enumerate(zip(models, values.tolist(), strict=True)):
        out = place == 1 and task.endswith("00")
        rank = 1 + int((values > value).sum())
        cells.append(
            Cell(
                model=model,
                task=task,
                metric=metric,
                value=value,
                ci_low=value - 3.2,
                ci_high=value + 3.1,
                standard_error=1.6,
                run_sd=None,
                n=n,
                scored=n,
                rank=None if out else rank,
                rank_low=None if out else max(1, rank - 1),
                rank_high=None if out else min(len(models), rank + 1),
                best=value > best - 3 and not out,
                ranked=not out,
                why_not_ranked=UNRANKED if out else None,
            )
        )
    return cells


def _differences(task: str, metric: str, cells: Sequence[Cell]) -> list[Difference]:
    found = []
    for i, a in enumerate(cells):
        for b in cells[i + 1 :]:
            difference = (a.value or 0) - (b.value or 0)
            p = math.erfc(abs(difference) / 2.3 / math.sqrt(2))
            ranked = a.ranked and b.ranked
            found.append(
                Difference(
                    task=task,
                    metric=metric,
                    a=b.model,
                    b=a.model,
                    difference=-difference,
                    ci_low=-difference - 4.5,
                    ci_high=-difference + 4.5,
                    p=p,
                    p_adjusted=min(1.0, 10 * p) if ranked else None,
                    significant=ranked and 10 * p < 0.05,
                    n=a.n,
                )
            )
    return found
