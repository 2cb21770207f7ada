"""The documents of a comparison's tasks, collected once: texts in a table, pictures in files as the data holds them.

Samples files hold neither the document nor its pictures, so the data is loaded again, at the revision that the answers
were given to. Pictures are not decoded: while `process_docs` runs, a reference stands in their place, so that neither
memory nor disk holds them more than once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lmms_eval_ja.clients.whole_file import whole_file
from lmms_eval_ja.compare.documents import IMAGES, METADATA, TABLE, DocumentsError, read_table, schema
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.dataset import loaded_revision
from lmms_eval_ja.judges.results import sample_of
from lmms_eval_ja.pictures import PictureFolder, split_pictures

Config = Mapping[str, Any]


class _MissingError(Exception):
    """Documents that cannot be had; the message says why."""


def collect(
    tasks: Sequence[str],
    out: Path,
    *,
    include_path: Path | None = None,
    revisions: Mapping[str, str | None] = MappingProxyType({}),
) -> list[str]:
    """Write `documents.parquet` and `images/` (see `compare/documents.py`); what is there already stays.

    Args:
        tasks: names of tasks.
        out: the folder to write to, a comparison's `documents/`.
        include_path: folder with the YAMLs of other people's tasks.
        revisions: by task, the revision of the data that the answers were given to, where it is known.

    Returns:
        A sentence for each task whose documents cannot be had, or for pictures that cannot.

    Raises:
        OSError: the folder cannot be written.
    """
    import pyarrow as pa

    wanted = {task: {"asked": revisions.get(task), "package": version("lmms-eval-ja")} for task in tasks}
    tables, facts = _kept(out, wanted)
    missing = [task for task in wanted if task not in tables]
    if not missing:
        return []
    (out / IMAGES).mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    configs = _configs(missing, include_path)
    pictures = PictureFolder(out / IMAGES)
    for task in missing:
        try:
            tables[task], loaded = _table(task, configs.get(task), wanted[task]["asked"], pictures, notes)
        except _MissingError as error:
            notes.append(f"{task}: its documents are not at hand, so questions and pictures are not shown: {error}")
        else:
            facts[task] = wanted[task] | {"revision": loaded}
    if tables:
        table = pa.concat_tables([tables[task] for task in sorted(tables)])
        _write(table.replace_schema_metadata({METADATA: json.dumps(facts, sort_keys=True)}), out / TABLE)
    return notes


def load_documents(task: str, *, include_path: Path | None = None, revision: str | None = None) -> list[Any]:
    """The documents of a task with all their columns, as lmms-eval has them; their pictures are not loaded.

    Args:
        task: its name.
        include_path: folder with the YAMLs of other people's tasks.
        revision: of the data, where it is known.

    Raises:
        DocumentsError: they cannot be had; the message says why.
    """
    config = _configs([task], include_path).get(task)
    if config is None:
        raise DocumentsError(f"{task}: lmms-eval finds no task of this name")
    if revision:
        config = dict(config) | {"dataset_kwargs": (config.get("dataset_kwargs") or {}) | {"revision": revision}}
    try:
        return list(_processed(config, _loaded(config), PictureFolder(Path()))[0])
    except (Exception, SystemExit) as error:  # datasets, the hub and people's own functions raise anything
        raise DocumentsError(f"{task}: {type(error).__name__}: {error}".splitlines()[0]) from error


def _write(table: Any, path: Path) -> None:
    """The file appears when it is complete."""
    from pyarrow import parquet

    with whole_file(path) as partial:
        parquet.write_table(table, partial, compression="zstd")


def _kept(out: Path, wanted: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Rows of an earlier collection by task, and what they were made of; not those that have to be made anew."""
    import pyarrow.compute as pc

    try:
        table = read_table(out / TABLE)
    except DocumentsError:  # it is not there, or another version wrote it: all is made anew
        return {}, {}
    facts = json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))
    there = {path.name for path in (out / IMAGES).iterdir()} if (out / IMAGES).is_dir() else set()
    tables = {}
    for task, made_of in facts.items():
        asked = {name: made_of.get(name) for name in ("asked", "package")}
        rows = table.filter(pc.equal(table["task"], task))
        names = {name for images in rows["images"].to_pylist() for name in images or ()}
        if names <= there and asked == wanted.get(task, asked):
            tables[task] = rows.replace_schema_metadata(None)
    return tables, {task: facts[task] for task in tables}


def _configs(tasks: Sequence[str], include_path: Path | None) -> dict[str, Config]:
    """The configurations of those tasks that lmms-eval finds."""
    from lmms_eval.tasks import TaskManager

    from lmms_eval_ja.plugin import install

    install()
    manager = TaskManager("ERROR", include_path=str(FOLDER), include_defaults=False)  # a second instead of several
    if include_path is not None or not set(tasks) <= set(manager.task_index):
        manager = TaskManager("ERROR", include_path=str(include_path) if include_path else None)
    entries = {task: manager.task_index.get(task) for task in tasks}
    return {
        task: manager._get_config(task) | {"yaml_path": entry["yaml_path"]}  # noqa: SLF001 (there is no public way)
        for task, entry in entries.items()
        if entry is not None and entry["type"] == "task"
    }


def _table(
    task: str, config: Config | None, asked: str | None, pictures: PictureFolder, notes: list[str]
) -> tuple[Any, str | None]:
    """The rows of a task, and the revision that was really loaded."""
    import pyarrow as pa

    if config is None:
        raise _MissingError("lmms-eval finds no task of this name; state --include-path if its YAML is elsewhere")
    if asked:
        config = dict(config) | {"dataset_kwargs": (config.get("dataset_kwargs") or {}) | {"revision": asked}}
    try:
        dataset = _loaded(config)
        loaded = loaded_revision(dataset)
        if asked and loaded != asked:
            raise _MissingError(f"the answers were given to revision {asked} of the data, loaded is {loaded}")  # noqa: TRY301
        documents, saved = _processed(config, dataset, pictures)
        rows = list(_rows(task, config, documents, saved, notes))
    except _MissingError:
        raise
    except (Exception, SystemExit) as error:  # datasets, the hub and people's own functions raise anything
        raise _MissingError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    return pa.Table.from_pylist(rows, schema=schema()), loaded


def _loaded(config: Config) -> Any:
    from lmms_eval_ja.run_data import load_split

    return load_split(config)


def _processed(config: Config, dataset: Any, pictures: PictureFolder) -> tuple[Any, Callable[[Any], list[str]]]:
    """The documents as lmms-eval has them, and what gives the names of the saved pictures of one."""
    process_docs = config.get("process_docs") or (lambda same: same)
    texts, source = split_pictures(dataset)
    try:
        documents = process_docs(texts)
    except Exception:
        if source is None:
            raise
        documents, source = split_pictures(process_docs(dataset))  # it looks at the pictures themselves
    if source is None:
        return documents, lambda doc: pictures.of_visuals(config.get("doc_to_visual"), doc)
    found = source
    return documents, lambda doc: pictures.of_references(found, doc)


def _rows(
    task: str, config: Config, documents: Any, saved: Callable[[Any], list[str]], notes: list[str]
) -> Iterator[dict[str, Any]]:
    without = 0
    for doc_id, doc in enumerate(documents):
        try:
            images = saved(doc)
        except Exception as error:  # a file that is not there, a stranger's function
            images, without = [], without + 1
            if without == 1:
                notes.append(f"{task}: the pictures of some documents cannot be shown: {type(error).__name__}: {error}")
        yield {"task": task, "doc_id": doc_id, "images": images} | _texts(config, doc_id, doc)


def _texts(config: Config, doc_id: int, doc: Mapping[str, Any]) -> dict[str, str]:
    """What the judge would be given; of a stranger's document what lmms-eval makes of it."""
    try:
        sample = sample_of(doc, "")
        found = {name: getattr(sample, name) for name in ("question", "reference", "context", "category", "cluster")}
        found |= {"question_id": sample.sample_id, "beside": sample.beside()}
    except (KeyError, TypeError):
        found = {
            "question_id": str(doc_id),
            "question": _made(config.get("doc_to_text"), doc),
            "reference": _made(config.get("doc_to_target"), doc),
            "context": "",
            "category": "",
            "cluster": "",
            "beside": "",
        }
    found["cluster"] = found["cluster"] or found["question_id"]
    return {name: text.encode("utf-8", "replace").decode() for name, text in found.items()}


def _made(how: Any, doc: Mapping[str, Any]) -> str:
    """What a task's `doc_to_…` makes: a function, or the name of a column."""
    if callable(how):
        return str(how(doc))
    return str(doc[how]) if isinstance(how, str) and how in doc else ""
