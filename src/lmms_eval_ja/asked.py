"""What judging the samples of a finished task asks, told and checked before anybody is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.clients import AssetError, Settings
from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.judges import Judge, anchors_of, protocol, sample_of
from lmms_eval_ja.judges.dialogue import passes_of
from lmms_eval_ja.judges.results import ANCHORS
from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.answers import Answers


@dataclass(frozen=True)
class Asked:
    """What judging a task means: samples, protocols, and the requests if none is stored and none is asked again."""

    task: str
    samples: int
    protocols: tuple[str, ...]
    requests: int
    #: How many of the answers that come with the benchmark are judged too.
    anchors: int = 0


def asked_of(task: Any, samples: Answers, protocols: tuple[str, ...], settings: Settings) -> Asked:
    """What judging the samples of a task by these protocols asks."""
    own = [answer for answer in samples.by_key.values() if generation_failure(answer) is None]
    compares = any(protocol(name).compares for name in protocols)
    recorded = _recorded_answers(task, samples) if settings.anchors and compares else []
    requests = sum(
        passes_of(protocol(name), judge.settings)
        * judge.settings.repeats
        * len([*own, *recorded] if protocol(name).compares else own)
        for judge in Judge.of(settings).each.values()
        if not judge.is_overlap and judge.settings.mode != "store"
        for name in protocols
    )
    return Asked(task.config.task, len(samples.by_key), protocols, requests, len(recorded))


def _recorded_answers(task: Any, samples: Answers) -> list[str]:
    """The answers that come with the benchmark, to the documents of these samples."""
    by_doc = list(column(task.eval_docs_no_media, ANCHORS))
    of_samples = [by_doc[int(doc_id)] for doc_id in samples.by_key if int(doc_id) < len(by_doc)]
    answers = [answer for anchors in of_samples for answer in anchors_of({ANCHORS: anchors}).values()]
    return [answer for answer in answers if generation_failure(answer) is None]


def check_messages(asked: Asked, task: Any, samples: Answers) -> None:
    """Every document must fit the protocol (a category that it has a rule for) before the judge is asked anything.

    Raises:
        SamplesError: one does not; names it.
    """
    docs = task.eval_docs_no_media
    for doc_id, answer in samples.by_key.items():
        if int(doc_id) >= len(docs):
            continue  # `_Recorded` names it, also before anything is asked
        for name in asked.protocols:
            try:
                protocol(name).messages(sample_of(docs[int(doc_id)], answer))
            except (AssetError, KeyError, TypeError, ValueError) as error:
                raise SamplesError(f"doc_id {doc_id} of {asked.task} cannot be judged by {name}: {error}") from None


def column(docs: Any, name: str) -> Iterable[Any]:
    """A column of the documents, empty where they have none of this name."""
    return docs[name] if name in docs.column_names else ()
