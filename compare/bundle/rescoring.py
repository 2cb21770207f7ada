"""A model's task scored again from what a bundle holds: ROUGE-L, verdicts, the replies behind them, and the metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from lmms_eval_ja.compare.bundle.aggregating import BY_CATEGORY, KNOWN, Again, Item
from lmms_eval_ja.compare.bundle.archive import BundleError
from lmms_eval_ja.compare.bundle.mismatch import Mismatch, equal
from lmms_eval_ja.compare.bundle.replies import protocol_of
from lmms_eval_ja.compare.bundle.rereading import Reread, Scores, faults_in, overlap_again, reread
from lmms_eval_ja.compare.bundle.scored import Row, Scored, answer_of, sample_of, verdicts_of
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.judges import ANCHOR, OVERLAP_LABEL, PROTOCOLS, Protocol
from lmms_eval_ja.judges.judge import overlap_score
from lmms_eval_ja.judges.sample_facts import RUBRIC, facts_of_rubrics, texts_of
from lmms_eval_ja.metrics import generation_failure, rouge_l

_ROUGE_L = "rouge_l_ja"
_MODEL_MEAN = "model_mean"
#: So many documents are named that lack a sample.
_LISTED = 20


class Rescoring:
    """One model's task; `mismatches` scores it again, `notes` then says what could not be checked."""

    def __init__(self, scored: Scored, documents: Mapping[int, Document]) -> None:
        self.scored = scored
        self.documents = documents
        self.notes: list[str] = []
        self.answers = 0
        self.verdicts = 0
        self._rouge: dict[int, float | None] = {}
        self._verdicts: dict[tuple[int, str], Reread] = {}
        self._protocols: dict[str, Protocol | None] = {}

    def mismatches(self) -> Iterator[Mismatch]:
        """All that does not come out as recorded."""
        yield from self._documents()
        for row in self.scored.rows:
            yield from self._row(row)
        yield from self._rubrics()
        for metric in self.scored.facts["scores"]:
            yield from self._metric(metric)

    def _documents(self) -> Iterator[Mismatch]:
        """Documents without a sample, but where a part was asked for, and samples without a document."""
        if not self.documents:
            return
        there = {row["doc_id"] for row in self.scored.rows}
        if not self.scored.facts["fingerprint"].get("subset"):
            for doc_id in sorted(self.documents.keys() - there)[:_LISTED]:
                yield self._differs("sample", "a document of the task", "missing", doc_id)
        for doc_id in sorted(there - self.documents.keys())[:_LISTED]:
            yield self._differs("sample", "there", "no document of the task", doc_id)

    def _rubrics(self) -> Iterator[Mismatch]:
        """Rubrics that the samples name, against the documents' own, and against what is said of them all."""
        if not self.documents:
            return
        facts, labels = self.scored.facts, dict[str, str]()
        for row in self.scored.rows:
            items = [row.get(metric) for metric in facts["scores"]]
            named = [str(item[RUBRIC]) for item in items if isinstance(item, Mapping) and RUBRIC in item]
            if not named or (document := self.documents.get(row["doc_id"])) is None:
                continue
            rubric = sample_of(row, document).rubric
            own = rubric.label if rubric is not None else ""
            labels[document.question_id] = named[0]
            for label in dict.fromkeys(named):
                if texts_of(label) != texts_of(own):
                    yield self._differs("rubric, against the document's", label, own or "none", row["doc_id"])
        now = facts_of_rubrics(labels)["sha256"] if labels else None
        recorded = {
            "": (facts.get("rubrics") or {}).get("sha256"),
            " in the fingerprint": facts["fingerprint"].get("rubrics"),
        }
        for where, before in recorded.items():
            if before != now:
                yield self._differs(f"sha256 of the rubrics{where}", before, now, None)

    def _row(self, row: Row) -> Iterator[Mismatch]:
        doc_id, document = row["doc_id"], self.documents.get(row["doc_id"])
        self.answers += 1
        if document is None:
            self._note("documents", "are not in the bundle, so ROUGE-L and scores by category are not made again")
        else:
            for what, recorded, found in (("input", row.get("input"), document.question),
                                          ("target", row.get("target"), document.reference)):  # fmt: skip
                if recorded is not None and recorded != found:
                    yield self._differs(f"{what} of the sample, against the document", recorded, found, doc_id)
            if _ROUGE_L in row:
                yield from self._rouge_l(row, document)
        for name, verdict in verdicts_of(row).items():
            yield from self._verdict(row, name, verdict, document)
        for metric, item in row.items():
            if metric.startswith(ANCHOR) and isinstance(item, Mapping) and "verdict" in item:
                yield from self._anchor(doc_id, metric, item["verdict"])

    def _rouge_l(self, row: Row, document: Document) -> Iterator[Mismatch]:
        answer = answer_of(row)
        value = None if generation_failure(answer) is not None else rouge_l(document.reference, answer)
        self._rouge[row["doc_id"]] = value
        if not equal(row[_ROUGE_L].get("rouge_l"), value):
            yield self._differs("ROUGE-L", row[_ROUGE_L].get("rouge_l"), value, row["doc_id"])

    def _verdict(
        self, row: Row, name: str, verdict: Mapping[str, Any], document: Document | None
    ) -> Iterator[Mismatch]:
        failed = generation_failure(answer_of(row)) is not None
        if failed or verdict["failure"] == "generation":
            out = Reread([], "generation")
            if not failed or verdict["failure"] != "generation" or verdict["score"] is not None:
                out.faults.append(("failure", verdict["failure"], "generation" if failed else "an answer that is one"))
        elif verdict["judge"] == OVERLAP_LABEL:
            if document is None or name not in PROTOCOLS:
                return
            score = overlap_score(sample_of(row, document), PROTOCOLS[name])
            out = overlap_again(verdict, (score.score, score.reference))
        elif (protocol := self._protocol(name)) is None:
            return
        else:
            out = reread(verdict, protocol)
        self.verdicts += 1
        self._verdicts[row["doc_id"], name] = out
        yield from self._faults(out, f"verdict of {name}", row["doc_id"])

    def _anchor(self, doc_id: int, metric: str, verdict: Mapping[str, Any]) -> Iterator[Mismatch]:
        """A verdict on a recorded answer, which no samples file holds."""
        if verdict["judge"] == OVERLAP_LABEL or (protocol := self._protocol(verdict["protocol"])) is None:
            self._note(metric, "rests on recorded answers that are not in the samples, and is not made again")
            return
        out = reread(verdict, protocol) if verdict["failure"] != "generation" else Reread([], "generation")
        self._verdicts[doc_id, metric] = out
        yield from self._faults(out, f"verdict of {metric}", doc_id)

    def _faults(self, out: Reread, what: str, doc_id: int) -> Iterator[Mismatch]:
        yield from faults_in(out, lambda name, before, now: self._differs(f"{what}, {name}", before, now, doc_id))

    def _metric(self, metric: str) -> Iterator[Mismatch]:
        how, source = self.scored.aggregations[metric], self._source(metric)
        rows = [row for row in self.scored.rows if isinstance(row.get(metric), Mapping) and "cluster" in row[metric]]
        items = [self._item(row, metric, source) for row in rows] if source is not None and how in KNOWN else [None]
        known = [item for item in items if item is not None]
        if len(known) == len(items):
            yield from Again(self.scored, metric, known).mismatches()
        else:
            self._note(metric, "is not made again from answers or verdicts, only from what each document adds to it")
            yield from self._mean_of_influences(metric, rows)

    def _mean_of_influences(self, metric: str, rows: Sequence[Row]) -> Iterator[Mismatch]:
        """Whatever a metric is made of, its value is the mean of what the documents add."""
        value = self.scored.facts["scores"][metric]["value"]
        added = [row[metric]["influence"] for row in rows if row[metric].get("influence") is not None]
        if value is not None and added and not equal(value, fmean(added)):
            yield self._differs(f"{metric}, value", value, fmean(added), None)

    def _item(self, row: Row, metric: str, source: str | None) -> Item | None:
        """What a document gives to a metric; None where that cannot be told here."""
        recorded, doc_id, document = row[metric], row["doc_id"], self.documents.get(row["doc_id"])
        category = document.category if document is not None else recorded.get("category")
        if category is None and self.scored.aggregations[metric] in BY_CATEGORY:
            return None
        if source == _ROUGE_L:
            if doc_id not in self._rouge:
                return None
            value = self._rouge[doc_id]
            runs: list[Scores] = [(value, None)]
            return Item(doc_id, str(category), runs, None if value is not None else "generation", recorded)
        out = self._verdicts.get((doc_id, str(source)))
        return None if out is None else Item(doc_id, str(category), out.runs, out.failure, recorded)

    def _source(self, metric: str) -> str | None:
        """What a metric is made of: ROUGE-L, an anchor's verdicts, or those of a protocol; None: something else."""
        if metric == _ROUGE_L or metric.startswith(ANCHOR):
            return metric
        score = self.scored.facts["scores"][metric]
        if "protocol" in score:
            return None if score["protocol"] is None else str(score["protocol"])
        judging = [name for name in self.scored.judging if name in PROTOCOLS]
        compares = metric == _MODEL_MEAN or self.scored.aggregations[metric] != "mean_ja"
        fitting = [name for name in judging if PROTOCOLS[name].compares == compares] if len(judging) > 1 else judging
        return fitting[0] if len(fitting) == 1 else None

    def _protocol(self, name: str) -> Protocol | None:
        if name not in self._protocols:
            try:
                self._protocols[name] = protocol_of(self.scored, name)
            except BundleError as error:
                self._protocols[name] = None
                self._note(f"verdicts of {name}", f"are not read again: {error}")
        return self._protocols[name]

    def _note(self, what: str, why: str) -> None:
        note = f"{self.scored.model}, {self.scored.task}: {what} {why}"
        if note not in self.notes:
            self.notes.append(note)

    def _differs(self, what: str, recorded: Any, found: Any, doc_id: int | None) -> Mismatch:
        return Mismatch(self.scored.file, what, recorded, found, self.scored.model, self.scored.task, doc_id)
