"""Data is what it says it is: row count, columns, a checksum of the texts, the revision that was really loaded."""

from __future__ import annotations

import hashlib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset

from lmms_eval_ja.clients import load_settings

#: What `with_siblings` has made, by the files, rows and fingerprint of the first configuration.
_siblings: dict[tuple[tuple[str, ...], int, str], Dataset] = {}
_REVISION = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")


class DatasetError(SystemExit):
    """A dataset that is not the benchmark's.

    An exit rather than an exception: lmms-eval loads data under a retry that would ask five times and then hide it.
    """


@dataclass(frozen=True)
class DatasetSpec:
    """What a benchmark's data is known to be.

    Attributes:
        name: on the hub, or a file's.
        rows: number of rows as published (before flattening); a range where it was published rounded.
        columns: those that scoring needs.
        texts: gives the texts that make the benchmark, from a dataset; None where no checksum is known.
        texts_sha256: of those texts (see `checksum`).
        whole: makes the benchmark's rows of what the YAML loads, where that is one configuration of several, or data
            of which the benchmark is a part. What it gives is checked.
        fetch: gets what the rows only name, such as pictures on the web, into a cache; gives a line on what there is.
        about: says more of the checked rows, for the results.
    """

    name: str
    rows: int | range
    columns: Sequence[str]
    texts: Callable[[Dataset], Iterable[str]] | None = None
    texts_sha256: str | None = None
    whole: Callable[[Dataset], Dataset] | None = None
    fetch: Callable[[Dataset], str] | None = None
    about: Callable[[Dataset], dict[str, Any]] | None = None

    @property
    def known_rows(self) -> str:
        """The number of rows, for a message."""
        return str(self.rows) if isinstance(self.rows, int) else f"{self.rows[0]} to {self.rows[-1]}"


@dataclass(frozen=True)
class DatasetFacts:
    """What was loaded. `revision` is the commit as far as it can be read back, `changed` says what differs."""

    name: str
    rows: int
    revision: str | None
    texts_sha256: str | None
    changed: tuple[str, ...] = ()


def check_dataset(dataset: Dataset, spec: DatasetSpec) -> DatasetFacts:
    """Compare a loaded dataset with what the benchmark is known to be.

    Raises:
        DatasetError: a column is missing; or rows or texts differ and `LMMS_EVAL_JA_ALLOW_CHANGED_DATA` is not set.
    """
    found = list(dataset.column_names)
    if missing := [name for name in spec.columns if name not in found]:
        raise DatasetError(f"{spec.name}: column {missing[0]!r} is missing; found {', '.join(found)}")
    changed = []
    if len(dataset) not in (range(spec.rows, spec.rows + 1) if isinstance(spec.rows, int) else spec.rows):
        changed.append(f"{len(dataset)} rows, expected {spec.known_rows}")
    digest = checksum(spec.texts(dataset)) if spec.texts else None
    if spec.texts_sha256 and digest != spec.texts_sha256:
        changed.append(f"texts have sha256 {digest}, expected {spec.texts_sha256}")
    facts = DatasetFacts(spec.name, len(dataset), loaded_revision(dataset), digest, tuple(changed))
    if changed and not load_settings().allow_changed_data:
        raise DatasetError(
            f"{spec.name} is not the benchmark's data: {'; '.join(changed)} (revision {facts.revision or 'unknown'}). "
            "Scores would not be comparable. Delete the cached copy and load it again, or set "
            "LMMS_EVAL_JA_ALLOW_CHANGED_DATA=1 to go on; the change is then part of the fingerprint"
        )
    return facts


def load_checked(dataset: Dataset, spec: DatasetSpec) -> Dataset:
    """The benchmark's rows of what the YAML loads, checked: what a `process_docs` begins with.

    Raises:
        DatasetError: as `check_dataset`.
    """
    whole = spec.whole(dataset) if spec.whole else dataset
    check_dataset(whole, spec)
    return whole


def spec_of(process_docs: Callable[[Dataset], Dataset]) -> DatasetSpec:
    """What a task's `process_docs` checks: its own `spec`, where a module has several, else the `SPEC` beside it."""
    own: DatasetSpec | None = getattr(process_docs, "spec", None)
    if own is not None:
        return own
    spec: DatasetSpec = sys.modules[process_docs.__module__].SPEC
    return spec


def checksum(texts: Iterable[str]) -> str:
    """SHA-256 (hex) over texts in their order, blind to Unicode composition, line endings and outer white space."""
    digest = hashlib.sha256()
    for text in texts:
        plain = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()
        digest.update(plain.encode() + b"\0")
    return digest.hexdigest()


def loaded_revision(dataset: Dataset) -> str | None:
    """The hub commit a dataset came from: offline, `datasets` ignores a pin, but its cache path tells the truth."""
    for file in dataset.cache_files:
        if found := _REVISION.search(str(file["filename"])):
            return found[0]
    return None


def with_columns(dataset: Dataset, columns: dict[str, list[Any]]) -> Dataset:
    """The dataset with columns added, or replaced where it has one of the name; the images are not copied."""
    dataset = dataset.remove_columns([name for name in columns if name in dataset.column_names])
    for name, values in columns.items():
        dataset = dataset.add_column(name, values)
    return dataset


def with_siblings(dataset: Dataset, name: str, split: str, configs: Sequence[str], column: str) -> Dataset:
    """All configurations of a repository, one after the other, of which the YAML loads the first.

    Each is loaded by its own name, so that what is cached for a node without internet is found there.

    Args:
        dataset: the first, as lmms-eval loaded it.
        name: of the repository.
        split: of each.
        configs: their names; the first is that of `dataset`.
        column: is added, and names the configuration of each row.

    Raises:
        DatasetError: they are of different revisions.
    """
    from datasets import concatenate_datasets, load_dataset

    revision = loaded_revision(dataset)
    places = tuple(str(file["filename"]) for file in dataset.cache_files)
    key = (places, len(dataset), str(dataset._fingerprint))  # noqa: SLF001 (a part has the files of the whole)
    if key in _siblings:  # wanted twice a run, and each asks the hub
        return _siblings[key]
    # …/cache/org___name/config/version/revision/file.arrow
    cache = str(Path(places[0]).parents[4]) if revision is not None else None
    parts = [dataset]
    for config in configs[1:]:
        part = load_dataset(name, config, split=split, revision=revision, cache_dir=cache)
        if (found := loaded_revision(part)) != revision:
            raise DatasetError(
                f"{name}: configuration {config} is of revision {found}, {configs[0]} of {revision}: delete the cached "
                "copies and load them again"
            )
        parts.append(part)
    pairs = zip(parts, configs, strict=True)
    whole = concatenate_datasets([with_columns(part, {column: [config] * len(part)}) for part, config in pairs])
    _siblings[key] = whole
    return whole
