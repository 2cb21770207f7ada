"""From results to what is rated."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.documents import DocumentsError
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judge_scores import judged_files
from lmms_eval_ja.judges.results import anchors_of
from lmms_eval_ja.judges.rubric import LEVELS, Rubric
from lmms_eval_ja.labelling.blind import sample
from lmms_eval_ja.labelling.items import OF_TWO, REFERENCE, Item, LabelError, Labelling, Scale, Shown, Target
from lmms_eval_ja.labelling.reading import Answered, Read, read, scale_of
from lmms_eval_ja.metrics import generation_failure

#: Protocols whose documents hold more than the table of documents: rubrics, earlier turns.
_WITH_MORE = {"rubric", "critic"}
#: Loads the documents of a task, all columns; of the data's revision, where it is known.
Loader = Callable[[str, str | None], "list[Mapping[str, Any]]"]


@dataclass(frozen=True)
class Wish:
    """What is to be rated.

    Attributes:
        folder: of results.
        target: what kind of rating.
        tasks, models: only these; empty is all.
        limit: at most so many items.
        scale: in place of the judge's.
        seed: of the sample, the order and the sides.
        rubric: to show with every item.
        against: feedback: the other judge's folder.
        protocol: feedback: by which both judged; None is the first that both have.
    """

    folder: Path
    target: Target = "answers"
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    limit: int | None = None
    scale: Scale | None = None
    seed: int = 0
    rubric: Rubric | None = None
    against: Path | None = None
    protocol: str | None = None


@dataclass
class _More:
    """Columns of documents that the table of documents does not have, loaded when they are first needed."""

    found: Read
    load: Loader | None
    notes: list[str]
    _loaded: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def of(self, document: Document) -> Mapping[str, Any]:
        """A document with all its columns; empty where they cannot be had."""
        task = document.task
        if task not in self._loaded:
            self._loaded[task] = []
            if self.load is not None:
                try:
                    self._loaded[task] = self.load(task, self.found.revision(task))
                except DocumentsError as error:
                    self.notes.append(f"rubrics, earlier turns and recorded answers are not shown: {error}")
        rows = self._loaded[task]
        return rows[document.doc_id] if document.doc_id < len(rows) else {}


def gather(wish: Wish, load: Loader | None = None) -> tuple[Labelling, list[str]]:
    """What a wish asks for, and sentences on what could not be had.

    Args:
        wish: what is to be rated.
        load: loads documents with all their columns; None where that is not wanted.

    Raises:
        LabelError: there is nothing of the kind.
        ResultsError, SamplesFileError, DocumentsError, TrustedError: files that cannot be read.
    """
    found = read(wish.folder, wish.tasks, wish.models)
    notes: list[str] = []
    more = _More(found, load, notes)
    items = sample(list(_items(wish, found, more)), wish.limit, wish.seed)
    if not items:
        by = f" by protocol {wish.protocol}" if wish.protocol else ""
        raise LabelError(f"{wish.folder}: {_NOTHING[wish.target]}{by}")
    wanted = {(item.task, item.doc_id) for item in items}
    documents = {(one.task, one.document.doc_id): one.document for one in found.answers}
    tasks = [task for task in found.tasks if any(item.task == task for item in items)]
    scales = {} if wish.target in OF_TWO else {task: _scale(wish, found, task, notes) for task in tasks}
    has_more = {task for task in tasks if _WITH_MORE & set(found.protocols(task))}
    labelling = Labelling(
        target=wish.target,
        title=", ".join(tasks),
        items=items,
        shown={key: _shown(documents[key], wish.rubric, more if key[0] in has_more else None) for key in wanted},
        scales=scales,
        images=found.images,
        seed=wish.seed,
    )
    return labelling, notes


def _scale(wish: Wish, found: Read, task: str, notes: list[str]) -> Scale:
    """The scale that is asked for, else the judge's; labels on another than the judge's are worth a note."""
    if wish.scale is None:
        scale = scale_of(found, task)
        if wish.rubric is not None and scale != (1, LEVELS):
            raise LabelError(
                f"a rubric describes scores 1 to {LEVELS}, and {task} is judged {scale[0]} to {scale[1]}: state "
                f"--scale 1-{LEVELS}"
            )
        return scale
    try:
        judged = scale_of(found, task)
    except LabelError:
        return wish.scale
    if judged != wish.scale and found.protocols(task):
        low, high = wish.scale
        notes.append(
            f"{task} is judged {judged[0]} to {judged[1]} and rated {low} to {high}: `judge-eval` then gives "
            "correlations only, and `correct` refuses these labels"
        )
    return wish.scale


_NOTHING: Mapping[Target, str] = {
    "answers": "no answer to rate: every generation failed",
    "pairs": "no two models answered the same document; two answers side by side need two models",
    "feedback": "no answer has feedback by both judges",
    "references": "no document has a reference answer",
}


def _items(wish: Wish, found: Read, more: _More) -> Iterator[Item]:
    given = [one for one in found.answers if one.text is not None]
    if wish.target == "pairs":
        yield from _pairs(given)
    elif wish.target == "feedback":
        yield from _feedback(wish, found)
    else:
        yield from (_item(one.document, (one.model,), (one.text or "",)) for one in given)
    if wish.target == "references":
        if any(model == REFERENCE for _, model in found.files):
            raise LabelError(f"{wish.folder}: a model is called {REFERENCE!r}: give its folder another name")
        documents = {(one.task, one.document.doc_id): one.document for one in found.answers}
        for document in documents.values():
            yield from _recorded(document, more)


def _item(document: Document, names: tuple[str, ...], texts: tuple[str, ...], of: str = "", answer: str = "") -> Item:
    return Item(document.task, document.doc_id, names, texts, of, answer, document.category, document.cluster)


def _pairs(answers: Iterable[Answered]) -> Iterator[Item]:
    by_document: dict[tuple[str, int], list[Answered]] = defaultdict(list)
    for one in answers:
        by_document[one.task, one.document.doc_id].append(one)
    for own in by_document.values():
        for a, b in combinations(own, 2):
            yield _item(a.document, (a.model, b.model), (a.text or "", b.text or ""))


def _recorded(document: Document, more: _More) -> Iterator[Item]:
    """The answers that come with a benchmark."""
    if document.reference:
        yield _item(document, (REFERENCE,), (document.reference,))
    for label, text in anchors_of(more.of(document)).items():
        if generation_failure(text) is None:
            yield _item(document, (f"anchor_{label}",), (text,))


def _feedback(wish: Wish, found: Read) -> Iterator[Item]:
    """The same answers with what two judges wrote of them; models are the same if they share one of their names."""
    if wish.against is None:
        raise LabelError("--target feedback compares two judges: name the other one's folder with --against")
    other = read(wish.against, wish.tasks)
    theirs = {(one.task, one.model, one.document.doc_id): one for one in other.answers}
    same = _same_models(wish.folder, wish.against)
    names = _judge_names(wish.folder, wish.against)
    for one in found.answers:
        twin = theirs.get((one.task, same.get((one.task, one.model), ""), one.document.doc_id))
        if one.text is None or twin is None:
            continue
        if one.text != twin.text:
            raise LabelError(
                f"{one.model} answered doc_id {one.document.doc_id} of {one.task} differently in {wish.against}: "
                "feedback is compared on the same answers"
            )
        both = [name for name in one.feedback if name in twin.feedback and wish.protocol in (None, name)]
        if both:
            texts = (one.feedback[both[0]], twin.feedback[both[0]])
            yield _item(one.document, names, texts, one.model, one.text)


def _same_models(folder: Path, other: Path) -> dict[tuple[str, str], str]:
    """By task and id of a model in the first folder, its id in the other."""
    theirs = judged_files(other)
    return {
        (task, names[0]): match
        for task, by_model in judged_files(folder).items()
        for names, _ in by_model
        if (match := next((ids[0] for ids, _ in theirs.get(task, []) if set(ids) & set(names)), None))
    }


def _judge_names(*folders: Path) -> tuple[str, ...]:
    """The judges of folders; with the folder, however it was typed, where they are called alike."""
    names = []
    for folder in folders:
        entries = [file.facts["fingerprint"]["judging"] for own in judged_files(folder).values() for _, file in own]
        names.append(", ".join(dict.fromkeys(one["judge"] for entry in entries for one in entry)))
    if len(set(names)) == len(names):
        return tuple(names)
    return tuple(f"{name} ({folder.resolve()})" for name, folder in zip(names, folders, strict=True))


def _shown(document: Document, rubric: Rubric | None, more: _More | None) -> Shown:
    columns = more.of(document) if more is not None else {}
    own = columns.get("rubric")
    if rubric is None and isinstance(own, Mapping):
        try:
            rubric = Rubric.of(own)
        except ValueError as error:
            raise LabelError(f"{document.task}, doc_id {document.doc_id}: {error}") from None
    turns = [turn for turn in columns.get("history") or () if isinstance(turn, Mapping)]
    return Shown(
        question=document.question,
        reference=document.reference,
        context=document.context,
        images=document.images,
        rubric=rubric.as_doc() if rubric else None,
        history=[{side: str(turn.get(side) or "") for side in ("user", "assistant")} for turn in turns],
    )
