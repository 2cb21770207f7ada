"""The scores that judges gave: from judged results, from files of scores, and from the store of replies."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients.store_reader import Selection, StoreReader
from lmms_eval_ja.compare.documents import fitting, read_documents
from lmms_eval_ja.compare.found import TaskFile, find_models
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges.protocols import PROTOCOLS, Protocol, ReplyError
from lmms_eval_ja.trusted import Item, Scale, Scored, TrustedError, check_scale, read_scores

_SQLITE = b"SQLite format 3\x00"
_NO_SCORE = "no score"


@dataclass(frozen=True)
class Judgement:
    """What a judge says of an answer: a score, or why there is none. Category and image where its files tell.

    `item` is the answer by all the names that its files have for the document.
    """

    score: float | None
    failure: str | None = None
    category: str = ""
    image: str = ""
    item: Item = field(default_factory=Item)

    @property
    def cluster(self) -> str:
        """What other answers may share: the image, else the document; a reply of a store stands alone."""
        return self.image or f"\0{self.item.task}/{self.item.doc_id or self.item.question_id}{self.item.key}"


@dataclass(frozen=True)
class JudgeScores:
    """A judge's scores of answers.

    Attributes:
        judge: its name, as the results state it, or the file's.
        protocol: by which it was asked; "" for a file of scores.
        sources: folders and files.
        scale: None for a file of scores: the scale of the trusted ones.
        answers: by item; every item stands under all the names by which a file may call it.
        models: names of the models of each task, and their documents, for messages.
    """

    judge: str
    protocol: str
    sources: tuple[Path, ...]
    scale: Scale | None
    answers: Mapping[Item, Judgement] = field(repr=False)
    models: Mapping[str, Mapping[str, Sequence[str]]] = field(repr=False, default_factory=dict)

    @property
    def name(self) -> str:
        """Judge and protocol."""
        return f"{self.judge}, {self.protocol}" if self.protocol else self.judge

    def of(self, item: Item) -> Judgement | None:
        """What it says of an answer; None if it does not know it."""
        by_id = (replace(item, question_id=""), replace(item, doc_id=""))
        names = [item, *(one for one in by_id if one.doc_id or one.question_id or one.key)]
        return next((self.answers[name] for name in names if name in self.answers), None)


def matched(trusted: Path, scored: Sequence[Scored], judge: JudgeScores) -> list[tuple[Scored, Judgement]]:
    """The trusted answers that a judge knows, each with what it says.

    Raises:
        TrustedError: the two ids of a row are of different documents, or two rows are of one answer.
    """
    found: dict[Item, tuple[Scored, Judgement]] = {}
    for one in scored:
        if (said := judge.of(one.item)) is None:
            continue
        check_ids(trusted, one, said.item)
        if said.item in found:
            raise same_answer(trusted, one, found[said.item][0])
        found[said.item] = one, said
    return list(found.values())


def check_ids(trusted: Path, one: Scored, known: Item) -> None:
    """Refuse a row whose doc_id and question_id contradict each other.

    Args:
        trusted: the file.
        one: of it.
        known: the same answer by the names that the judge's files have; an id that they do not have is not compared.

    Raises:
        TrustedError: names the row.
    """
    own = one.item
    doc_id, question_id = known.doc_id or own.doc_id, known.question_id or own.question_id
    if own.doc_id and own.question_id and (own.doc_id, own.question_id) != (doc_id, question_id):
        raise TrustedError(
            f"{trusted}, row {one.row}: doc_id {doc_id} is question_id {question_id} where it was judged, and "
            f"{own.doc_id} is {own.question_id} here: they are of other data, or in another order; leave out the "
            "column that is wrong"
        )


def same_answer(trusted: Path, one: Scored, other: Scored) -> TrustedError:
    """Says that two rows are of one answer, so that their raters would count as two answers."""
    return TrustedError(
        f"{trusted}, row {one.row}: the same answer as in row {other.row}, under another name: leave one of the two "
        "out, or name the answer alike for all raters"
    )


def read_judges(sources: Sequence[Path], wanted: Sequence[Item], protocol: str | None = None) -> list[JudgeScores]:
    """The judges of all sources; the answers of one judge may be spread over several of them.

    Args:
        sources: folders with judged results, files of scores (CSV, JSONL), stores of replies.
        wanted: the answers in question; of a store their keys.
        protocol: only what was asked by this one.

    Raises:
        TrustedError, ResultsError, ExchangeError: a source that cannot be read, or has nothing to offer.
    """
    found: list[JudgeScores] = []
    for source in sources:
        for one in _read(source, wanted):
            if protocol is None or one.protocol in {"", protocol}:
                _add(found, one)
    if not found:
        raise TrustedError(f"no judge by protocol {protocol!r} in {', '.join(map(str, sources))}")
    return found


def _add(found: list[JudgeScores], one: JudgeScores) -> None:
    """Put a judge to the others, together with itself from another source if that has other answers."""
    for at, other in enumerate(found):
        if (other.judge, other.protocol) == (one.judge, one.protocol):
            if other.answers.keys().isdisjoint(one.answers):
                models = {task: {**other.models.get(task, {}), **own} for task, own in one.models.items()}
                found[at] = replace(
                    other,
                    sources=other.sources + one.sources,
                    answers={**other.answers, **one.answers},
                    models={**other.models, **models},
                )
                return
            one = replace(one, judge=f"{one.judge} ({one.sources[0]})")
    found.append(one)


def _read(source: Path, wanted: Sequence[Item]) -> Iterator[JudgeScores]:
    if source.is_dir():
        yield from _of_results(source)
    elif _is_store(source):
        yield from _of_store(source, [item.key for item in wanted if item.key])
    else:
        yield _of_file(source)


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise TrustedError(f"{path} cannot be read: {error}") from None


def _of_file(path: Path) -> JudgeScores:
    answers: dict[Item, Judgement] = {}
    rows: dict[Item, int] = {}
    models: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in read_scores(path):
        item = one.item
        said = Judgement(one.score, None if one.score is not None else _NO_SCORE, one.category, one.image, item)
        for name in dict.fromkeys((item, replace(item, question_id=""), replace(item, doc_id=""))):
            if name.doc_id or name.question_id or name.key:
                if (first := rows.setdefault(name, one.row)) != one.row:
                    raise TrustedError(
                        f"{path}, row {one.row}: {name} stands in row {first} already: leave one of the two out, or "
                        "the column that does not tell documents apart"
                    )
                answers[name] = said
        models[item.task][item.model].append(item.doc_id or item.question_id)
    return JudgeScores(path.stem, "", (path,), None, answers, models)


def check_files(judges: Sequence[JudgeScores], scale: Scale) -> None:
    """Refuse files of scores that are off the scale.

    Raises:
        TrustedError: names file and row.
    """
    for judge in judges:
        if judge.scale is None:
            for source in judge.sources:
                check_scale(source, read_scores(source), scale)


def _of_results(folder: Path) -> Iterator[JudgeScores]:
    documents = read_documents(folder)
    answers: dict[tuple[str, str], dict[Item, Judgement]] = defaultdict(dict)
    models: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for task, by_model in judged_files(folder).items():
        for names, file in by_model:
            rows = rows_of(file)
            known = documents_of(rows, documents.get(task, {}))
            for name in names:
                models[task][name] = [str(row["doc_id"]) for row in rows]
            for entry in file.facts["fingerprint"]["judging"]:
                own = answers[entry["judge"], entry["protocol"]]
                for row in rows:
                    said = _said(row, entry["protocol"])
                    own.update(_items(names, task, row, known.get(int(row["doc_id"])), said))
    for (judge, protocol), own in answers.items():
        asked = PROTOCOLS.get(protocol)
        yield JudgeScores(judge, protocol, (folder,), (asked.low, asked.high) if asked else None, own, models)


def judged_files(folder: Path) -> dict[str, list[tuple[list[str], TaskFile]]]:
    """The judged samples files of a folder by task, each with the names of its model.

    These are its id, its label, the names that lmms-eval gives it, and of a folder with one model the folder's; a name
    that two models of the task share is none of either.

    Raises:
        TrustedError: nothing in the folder is judged.
        ResultsError: it has no results, or half-written ones.
    """
    files: dict[str, list[tuple[list[str], TaskFile]]] = defaultdict(list)
    models = find_models(folder)
    for found in models:
        of_folder = [folder.resolve().name] if len(models) == 1 else []
        for task, file in found.files.items():
            if (file.facts.get("fingerprint") or {}).get("judging"):
                stated = [file.record.get("model_name_sanitized"), file.record.get("model_name")]
                names = [found.model.id, found.model.label, *(str(name) for name in stated if name), *of_folder]
                files[task].append((list(dict.fromkeys(names)), file))
    if not files:
        raise TrustedError(
            f"{folder}: no judged results; those of a run with --predict_only are judged by `lmms-eval-ja judge`"
        )
    return {task: _without_shared(entries) for task, entries in sorted(files.items())}


def _without_shared(entries: Sequence[tuple[list[str], TaskFile]]) -> list[tuple[list[str], TaskFile]]:
    times = Counter(name for names, _ in entries for name in names)
    return [([id_, *(name for name in rest if times[name] == 1)], file) for (id_, *rest), file in entries]


def rows_of(file: TaskFile) -> list[Mapping[str, Any]]:
    """The rows of a samples file.

    Raises:
        TrustedError: a line is no JSON object with a doc_id.
    """
    rows = []
    for number, line in enumerate(file.samples.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if line.strip():
            try:
                row = json.loads(line)
                int(row["doc_id"])
            except (ValueError, KeyError, TypeError):
                raise TrustedError(f"{file.samples}, row {number}: no JSON object with a doc_id") from None
            rows.append(row)
    return rows


def documents_of(rows: Sequence[Mapping[str, Any]], collected: Mapping[int, Document]) -> dict[int, Document]:
    """The documents of a samples file by doc_id, where they were collected; those of other data are left out.

    A question_id that several documents share is none of them.
    """
    references = (
        (int(row["doc_id"]), target if isinstance(target := row.get("target"), str) else None) for row in rows
    )
    found = fitting(references, collected)
    times = Counter(document.question_id for document in found.values())
    return {
        doc_id: document if times[document.question_id] == 1 else replace(document, question_id="")
        for doc_id, document in found.items()
    }


def cluster_of(row: Mapping[str, Any]) -> str:
    """The cluster (image) of a row, as its metrics state it; "" where they do not."""
    return next((str(item["cluster"]) for item in row.values() if isinstance(item, Mapping) and "cluster" in item), "")


def _said(row: Mapping[str, Any], protocol: str) -> Judgement:
    verdict = row.get(f"verdict_{protocol}") or {}
    score = verdict.get("score")
    items = [item for item in row.values() if isinstance(item, Mapping)]
    category = next((str(item["category"]) for item in items if item.get("category")), "")
    failure = None if score is not None else str(verdict.get("failure") or _NO_SCORE)
    return Judgement(score, failure, category, cluster_of(row))


def _items(
    names: Sequence[str], task: str, row: Mapping[str, Any], document: Document | None, said: Judgement
) -> Iterator[tuple[Item, Judgement]]:
    question_id = "" if document is None else document.question_id
    said = replace(said, item=Item(names[0], task, str(row["doc_id"]), question_id))
    if document is not None:
        said = replace(said, category=said.category or document.category, image=said.image or document.cluster)
    for name in names:
        yield Item(name, task, str(row["doc_id"])), said
        if question_id:
            yield Item(name, task, question_id=question_id), said


def _of_store(path: Path, keys: Sequence[str]) -> Iterator[JudgeScores]:
    """The judges that were sent the messages of the replies that are named; a score is the mean of readable replies."""
    if not keys:
        raise TrustedError(
            f"{path}: replies of a store are found by their key, and the trusted scores have no column key; "
            "`lmms-eval-ja verdicts export` writes the replies with their keys"
        )
    with StoreReader(path) as reader:
        named = {
            (row["protocol"].partition("/")[0], row["messages"]): row["key"]
            for chunk in reader.under(list(keys))
            for row in chunk
        }
        found: dict[tuple[str, str], dict[str, list[float | str]]] = defaultdict(lambda: defaultdict(list))
        for name in dict.fromkeys(name for name, _ in named):
            protocol = _readable(path, name)
            for chunk in reader.chunks(Selection(protocol=name)):
                for row in chunk:
                    key = named.get((name, row["messages"]))
                    if key is not None:
                        found[row["asked_model"], name][key].append(_score_of(protocol, row))
    for (judge, name), replies in found.items():
        answers = {Item(key=key): replace(_mean_of(said), item=Item(key=key)) for key, said in replies.items()}
        models = {"": {"": list(replies)}}
        yield JudgeScores(judge, name, (path,), (PROTOCOLS[name].low, PROTOCOLS[name].high), answers, models)


def _readable(path: Path, name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise TrustedError(f"{path}: replies to protocol {name!r} cannot be read; known: {', '.join(PROTOCOLS)}")
    if PROTOCOLS[name].passes > 1:
        raise TrustedError(
            f"{path}: {name} asks in several orders, which a reply alone does not tell; name the folder of judged "
            "results instead"
        )
    return PROTOCOLS[name]


def _score_of(protocol: Protocol, row: Mapping[str, Any]) -> float | str:
    if row["content"] is None:
        return "refusal"
    try:
        return protocol.parse(row["content"]).score
    except ReplyError as error:
        return error.kind


def _mean_of(said: Sequence[float | str]) -> Judgement:
    scores = [one for one in said if not isinstance(one, str)]
    if not scores:
        return Judgement(None, str(said[0]))
    return Judgement(sum(scores) / len(scores))
