"""The data of a run's tasks: loaded as lmms-eval will load it, and checked while nothing has been spent yet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.dataset import DatasetError, check_dataset, spec_of
from lmms_eval_ja.judges import documents_problem, missing_columns, protocol, protocols_of
from lmms_eval_ja.judges.pictures import IMAGE_COLUMNS, has_image_column
from lmms_eval_ja.judges.rubrics import RubricError
from lmms_eval_ja.prepared import load_prepared

_log = logging.getLogger(__name__)


class CheckFailedError(SystemExit):
    """A run that cannot succeed, stopped before the model loads; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(f"lmms-eval-ja: {message}")


def is_ours(config: Mapping[str, Any]) -> bool:
    """Whether a task is one of this package."""
    return Path(config.get("yaml_path", "/")).is_relative_to(FOLDER)


def protocols_in(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The protocols that a task is judged by."""
    return protocols_of(config.get("process_results"))


def load_split(config: Mapping[str, Any]) -> Any:
    """The split that is evaluated as lmms-eval will load it, only earlier, while nothing has been spent yet."""
    from lmms_eval.api.task import _resolve_hf_datasets_cache_dir

    return load_prepared(
        config["dataset_path"],
        config.get("dataset_name"),
        config.get("test_split") or config["validation_split"],
        cache_dir=_resolve_hf_datasets_cache_dir(),
        **(config.get("dataset_kwargs") or {}),
    )


def check_data(config: Mapping[str, Any]) -> dict[str, Any]:
    """Load and check the data of a task of ours.

    Raises:
        CheckFailedError: it cannot be loaded.
        DatasetError: it is not the benchmark's.
    """
    name, spec = config["task"], spec_of(config["process_docs"])
    try:
        dataset = load_split(config)
        dataset = spec.whole(dataset) if spec.whole else dataset
    except Exception as error:
        raise CheckFailedError(
            f"the data of {name} ({config['dataset_path']}) cannot be loaded: {type(error).__name__}: {error}. For a "
            f"node without internet run `lmms-eval-ja fetch --tasks {name}` first where there is one, and copy HF_HOME"
        ) from error
    found = asdict(check_dataset(dataset, spec)) | (spec.about(dataset) if spec.about else {})
    for change in found["changed"]:
        _log.warning("%s: changed data: %s", name, change)
    if spec.fetch is None:
        return found
    fetched = spec.fetch(dataset)
    _log.info("%s: %s", name, fetched)
    return found | {"fetched": fetched}


def documents(config: Mapping[str, Any]) -> Any:
    """The documents of a task of ours as lmms-eval will have them.

    Raises:
        CheckFailedError: the data cannot be loaded.
        DatasetError: it is not the benchmark's.
    """
    check_data(config)
    return config["process_docs"](load_split(config))


def check_columns(config: Mapping[str, Any]) -> None:
    """A stranger's task that we judge: its documents must have the columns that a sample is made of."""
    try:
        dataset = load_split(config)
        some = _some_documents(config, dataset) if config.get("process_docs") else dataset
    except RubricError as error:
        raise CheckFailedError(f"task {config['task']}: {error}") from None
    except Exception as error:  # what cannot be looked at here is lmms-eval's to load and to report
        _log.info("the columns of %s are not checked beforehand: %s", config["task"], error)
        return
    if lack := missing_columns(some.column_names, protocols_in(config)) or problem_of_documents(config, dataset):
        raise CheckFailedError(f"task {config['task']}: {lack}")


def problem_of_documents(config: Mapping[str, Any], dataset: Any = None) -> str | None:
    """What of the documents the task's protocols cannot judge; looks at all of them, where a protocol minds.

    Args:
        config: of the task.
        dataset: the split that is evaluated; None loads it.
    """
    names = protocols_in(config)
    if not any(protocol(name).looks_at for name in names):
        return None
    dataset = load_split(config) if dataset is None else dataset
    try:
        return documents_problem(config["process_docs"](dataset) if config.get("process_docs") else dataset, names)
    except RubricError as error:
        return str(error)


def _some_documents(config: Mapping[str, Any], dataset: Any) -> Any:
    """The first document, or all where the task's own check of its data wants all rows."""
    try:
        return config["process_docs"](dataset.select([0]))
    except DatasetError:
        return config["process_docs"](dataset)


def check_images(config: Mapping[str, Any]) -> None:
    """The documents that a judge which sees is to judge must have images, in a column that is read as such."""
    import datasets

    try:
        dataset = load_split(config)
        if is_ours(config):
            whole = spec_of(config["process_docs"]).whole
            dataset = whole(dataset) if whole else dataset
        elif config.get("process_docs"):
            dataset = _some_documents(config, dataset)
    except Exception as error:
        _log.info("whether %s has images is not checked beforehand: %s", config["task"], error)
        return
    # A text or a number, such as a file's name, is no image.
    columns = [name for name, kind in dataset.features.items() if not isinstance(kind, datasets.Value)]
    if not has_image_column(columns):
        raise CheckFailedError(
            f"task {config['task']}: the judge sees images (sees_image = true), the documents have none: expected a "
            f"column {' or '.join(IMAGE_COLUMNS)}, found {', '.join(dataset.column_names)}; judge with sees_image = "
            "false, and compare only scores of the same judge"
        )
