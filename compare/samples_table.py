"""One samples file of lmms-eval as a table: a row per document and repeat, read without building Python objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.texts import characters, failures_of_generation, japanese_shares

#: Columns that every table has, before those of metrics and protocols.
BASIC = (
    "model",
    "task",
    "doc_id",
    "repeat",
    "question_id",
    "cluster",
    "category",
    "question",
    "reference",
    "answer",
    "generation_failure",
    "chars",
    "japanese_share",
)
#: What a protocol P adds, as `P_score` and so on.
VERDICT = ("score", "reference_score", "failure", "reason", "feedback")
#: Where the items of ROUGE-L hold the document's score.
_ROUGE = "rouge_l"


class SamplesFileError(Exception):
    """A samples file that cannot be read; the message names it and the line or field."""


@dataclass(frozen=True)
class Layout:
    """What a samples file holds: metrics, and protocols with the names of their jury's members (none: one judge)."""

    metrics: tuple[str, ...]
    protocols: Mapping[str, tuple[str, ...]]
    without_judge: tuple[str, ...] = ()


def read_table(path: Path, layout: Layout) -> Any:
    """Read a samples file.

    Args:
        path: JSONL, as lmms-eval writes it.
        layout: what of it is wanted.

    Returns:
        A pyarrow.Table ordered by doc_id and repeat, with the columns `doc_id`, `repeat`, `cluster`, `category`,
        `question`, `reference`, `answer`, `generation_failure`, `chars`, `japanese_share`; a metric that needs no judge
        under its name; `M_influence` for each metric; `P_score`, `P_reference_score`, `P_failure`, `P_reason` and
        `P_feedback` for each protocol.

    Raises:
        SamplesFileError: a broken line, a doc_id that stands twice or is none.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = _sorted(path, _parsed(path, layout))
    n = len(rows["doc_id"])
    runs = {name: _Runs(rows[f"verdict_{name}"]) for name in layout.protocols}
    repeats = np.maximum.reduce([np.ones(n, int), *(own.lengths for own in runs.values())])
    which = np.repeat(np.arange(n), repeats)
    number = np.arange(len(which)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    one = len(which) == n
    columns = {
        "doc_id": pc.cast(rows["doc_id"], pa.int32()),
        "cluster": _first(rows, layout.metrics, "cluster"),
        "category": _first(rows, layout.metrics, "category"),
        "question": rows["input"],
        "reference": rows["target"],
    }
    failures = failures_of_generation(rows["filtered_resps"])
    answer = pc.if_else(pc.is_null(failures), rows["filtered_resps"], pa.scalar(None, pa.string()))
    columns |= {"answer": answer, "generation_failure": failures, "chars": characters(answer)}
    columns["japanese_share"] = japanese_shares(answer)
    columns |= {name: _value(rows, name) for name in layout.without_judge}
    columns |= {f"{name}_influence": _influence(rows, name) for name in layout.metrics}
    taken = columns if one else {name: column.take(pa.array(which)) for name, column in columns.items()}
    taken["repeat"] = pa.array(number, pa.int16())
    for name, own in runs.items():
        taken |= own.columns(name, which, number, layout.protocols[name])
    return pa.table(taken)


def _parsed(path: Path, layout: Layout) -> Any:
    """The lines as one pyarrow.RecordBatch, a struct column per metric and verdict."""
    import pyarrow as pa

    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SamplesFileError(f"{path}: {error}") from None
    if not raw.strip():
        raise SamplesFileError(f"{path}: no samples in it: the file is half-written; run that task again")
    schema = _schema(layout)
    try:
        return _read(raw, schema)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        # What arrow does not take: texts in lists, half of a surrogate pair; or a file that is really broken.
        return _read(b"\n".join(_repaired(path, raw, schema.names)), schema)


def _read(raw: bytes, schema: Any) -> Any:
    import pyarrow as pa
    from pyarrow import json as arrow_json

    table = arrow_json.read_json(
        pa.BufferReader(raw),
        read_options=arrow_json.ReadOptions(block_size=len(raw) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
    return {name: table[name].combine_chunks() for name in schema.names}


def _repaired(path: Path, raw: bytes, wanted: Sequence[str]) -> Iterable[bytes]:
    for line, content in enumerate(raw.decode("utf-8-sig", "replace").split("\n"), start=1):
        if not content.strip():
            continue
        try:
            row = json.loads(content)
        except json.JSONDecodeError as error:
            raise SamplesFileError(
                f"{path}, line {line}: no JSON ({error.msg} at column {error.colno}): the file is half-written or was "
                "changed; run that task again"
            ) from None
        if not isinstance(row, dict) or "filtered_resps" not in row:
            raise SamplesFileError(f"{path}, line {line}: not a sample of lmms-eval: it has no filtered_resps")
        kept = {name: row[name] for name in wanted if name in row}
        kept |= {name: _text(kept.get(name)) for name in ("filtered_resps", "input", "target")}
        yield json.dumps(kept, ensure_ascii=False).encode("utf-8", "replace")


def _text(value: Any) -> str:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _schema(layout: Layout) -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    outcome = [("score", number), ("reference_score", number), ("failure", text), ("reason", text)]
    replies = ("replies", pa.list_(pa.struct([("content", text), ("pass", pa.int32())])))
    fields = [("doc_id", pa.int64()), ("filtered_resps", text), ("input", text), ("target", text)]
    item = [("cluster", text), ("category", text), ("influence", number)]
    fields += [
        (name, pa.struct([*item, (_ROUGE, number)] if name in layout.without_judge else item))
        for name in layout.metrics
    ]
    for name, members in layout.protocols.items():
        asked = [("members", pa.struct([(m, pa.struct([replies])) for m in members]))] if members else [replies]
        fields.append((f"verdict_{name}", pa.struct([("runs", pa.list_(pa.struct([*outcome, *asked])))])))
    return pa.schema(fields)


def _sorted(path: Path, rows: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    ids = rows["doc_id"]
    if ids.null_count:
        raise SamplesFileError(f"{path}: a sample has no doc_id; lmms-eval writes one in each")
    numbers = ids.to_numpy()
    order = np.argsort(numbers, kind="stable")
    twice = numbers[order][1:][np.diff(numbers[order]) == 0]
    if len(twice):
        raise SamplesFileError(f"{path}: doc_id {twice[0]} stands twice; run that task again")
    if (np.diff(order) == 1).all():
        return rows
    return {name: column.take(pa.array(order)) for name, column in rows.items()}


def _first(rows: Mapping[str, Any], metrics: Sequence[str], name: str) -> Any:
    """A field of a document's items, from the first metric that has it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = [pc.struct_field(rows[metric], name) for metric in metrics]
    column = pc.coalesce(*found) if found else pa.nulls(len(rows["doc_id"]), pa.string())
    return column.dictionary_encode()


def _influence(rows: Mapping[str, Any], metric: str) -> Any:
    """What each document adds to a metric; null where there is no score (lmms-eval writes NaN)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.struct_field(rows[metric], "influence")
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))


def _value(rows: Mapping[str, Any], metric: str) -> Any:
    """The document's own score by a metric without a judge; it is there also where the task has no headline."""
    import pyarrow.compute as pc

    return pc.coalesce(pc.struct_field(rows[metric], _ROUGE), _influence(rows, metric))


class _Runs:
    """The runs of a protocol's verdicts, one after the other."""

    def __init__(self, verdicts: Any) -> None:
        import numpy as np
        import pyarrow.compute as pc

        runs = pc.struct_field(verdicts, "runs")
        self.lengths = pc.fill_null(pc.list_value_length(runs), 0).to_numpy(zero_copy_only=False)
        self._starts = np.cumsum(self.lengths) - self.lengths
        self._flat = pc.list_flatten(runs)

    def columns(self, protocol: str, which: Any, number: Any, members: Sequence[str]) -> dict[str, Any]:
        """The columns of a protocol for the rows: document and number of the repeat."""
        import pyarrow as pa
        import pyarrow.compute as pc

        index = pa.array(self._starts[which] + number, mask=number >= self.lengths[which])
        parts = {name: pc.struct_field(self._flat, name) for name in VERDICT[:-1]}
        parts[VERDICT[-1]] = self._feedback(members)
        return {f"{protocol}_{name}": column.take(index) for name, column in parts.items()}

    def _feedback(self, members: Sequence[str]) -> Any:
        """The text that the judge replied in the end; of several orders or judges one below the other."""
        import pyarrow as pa

        if not members:
            import pyarrow.compute as pc

            return _replied(pc.struct_field(self._flat, "replies"))
        own = [_replied_by(self._flat, member).to_pylist() for member in members]
        joined = [
            "\n\n".join(f"{name}: {text}" for name, text in zip(members, texts, strict=True) if text is not None)
            for texts in zip(*own, strict=True)
        ]
        return pa.array([text or None for text in joined], pa.string())


def _replied_by(runs: Any, member: str) -> Any:
    import pyarrow.compute as pc

    return _replied(pc.struct_field(runs, ["members", member, "replies"]))


def _replied(replies: Any) -> Any:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(replies), 0).to_numpy(zero_copy_only=False)
    contents = pc.struct_field(pc.list_flatten(replies), "content")
    if (lengths <= 1).all():
        starts = np.cumsum(lengths) - lengths
        return contents.take(pa.array(starts, mask=lengths == 0))
    texts = []
    for own in replies.to_pylist():
        last = {reply["pass"]: reply["content"] for reply in own or ()}  # asked again: the later one counts
        texts.append("\n\n".join(text for _, text in sorted(last.items()) if text) or None)
    return pa.array(texts, pa.string())
