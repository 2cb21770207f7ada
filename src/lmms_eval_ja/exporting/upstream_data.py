"""Data and pictures of an exported task: what stands there for the plugin's checks, settings and cache."""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from loguru import logger as eval_logger

from lmms_eval_ja.clients.assets import ASSETS, AssetError
from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, checksum

#: Set to 1, data that differs from the benchmark's is evaluated with a warning.
ALLOW_CHANGED_DATA = "LMMS_EVAL_ALLOW_CHANGED_DATA"
#: May name a copy of the judging rules, for machines without internet.
RULES = "HERON_BENCH_RULES"
_TIMEOUT_S = 60


def check_dataset(dataset: Dataset, spec: DatasetSpec) -> None:
    """Compare a loaded dataset with what the benchmark is known to be.

    Raises:
        DatasetError: A column is missing; or rows or texts differ and LMMS_EVAL_ALLOW_CHANGED_DATA is not 1.
    """
    if missing := [name for name in spec.columns if name not in dataset.column_names]:
        raise DatasetError(f"{spec.name}: column {missing[0]!r} is missing; found {', '.join(dataset.column_names)}")
    rows = range(spec.rows, spec.rows + 1) if isinstance(spec.rows, int) else spec.rows
    changed = [] if len(dataset) in rows else [f"{len(dataset)} rows, expected {spec.known_rows}"]
    if spec.texts and spec.texts_sha256 and (digest := checksum(spec.texts(dataset))) != spec.texts_sha256:
        changed.append(f"texts have sha256 {digest}, expected {spec.texts_sha256}")
    if not changed:
        return
    message = f"{spec.name} is not the benchmark's data: {'; '.join(changed)}"
    if os.getenv(ALLOW_CHANGED_DATA) != "1":
        raise DatasetError(f"{message}. Load it again, or set {ALLOW_CHANGED_DATA}=1 to go on")
    eval_logger.warning(f"{message}. Scores are not comparable")


def shown(doc: Mapping[str, Any], pictures: Callable[[Mapping[str, Any]], Sequence[Any]]) -> list[Any]:
    """The document's pictures in RGB."""
    return [picture.convert("RGB") for picture in pictures(doc)]


def asset(name: str) -> Path:
    """A file of another project: the copy that HERON_BENCH_RULES names, or fetched once, each checked by SHA-256.

    Raises:
        AssetError: It is not the expected file, or cannot be fetched; the message says how to get it.
    """
    known = ASSETS[name]
    placed = os.getenv(RULES)
    path = Path(placed) if placed else _cache() / name
    if placed or path.is_file():
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != known.sha256:
            raise AssetError(f"{path} is not the file that {known.url} gives (sha256 {known.sha256}); get it there")
        return path
    try:
        with urllib.request.urlopen(known.url, timeout=_TIMEOUT_S) as response:  # noqa: S310 (a constant)
            content = response.read()
    except OSError as error:
        raise AssetError(f"{known.url} cannot be fetched ({error}); download it, name it in {RULES}") from error
    if (found := hashlib.sha256(content).hexdigest()) != known.sha256:
        raise AssetError(f"{known.url} gave a file with sha256 {found}, expected {known.sha256}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as written:  # whole at once: ranks may meet
        written.write(content)
    Path(written.name).chmod(0o644)  # users may share the folder
    Path(written.name).replace(path)
    return path


def _cache() -> Path:
    """Beside the data sets: lmms_eval in the folder of the Hugging Face hub."""
    return Path(os.getenv("HF_HOME") or Path.home() / ".cache" / "huggingface") / "lmms_eval"
