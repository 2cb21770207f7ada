"""AlignMMBench (arXiv 2406.09295): 4,978 Chinese questions, most of them in several wordings, of thirteen types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Image

from lmms_eval_ja.jp_tasks.clusters import check_clusters
from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, loaded_revision, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.jp_tasks.prompts import doc_to_visual
from lmms_eval_ja.judges import PROMPT_CLUSTER, grading
from lmms_eval_ja.judges.protocols.critic import task_type

NAME = "zai-org/AlignMMBench"
#: The folder of the pictures in the repository, as `image_path` names it.
PICTURES = "images"
_TEXTS = ("question_id", "image_path", "prompt", "ref_answer", "task")
#: The benchmark's categories: the metric of each, and its types of task.
CATEGORIES = {
    "perception_understanding": ("Description", "Recognition", "Counting", "OCR", "Meme", "Knowledge"),
    "reasoning_analysis": ("Reasoning", "Chart", "Problem", "Comparison", "Writing"),
    "dialogue_context": ("Coherence", "Incoherence"),
}
#: The headline: the unweighted mean over the types of task.
MACRO = "macro"
_CATEGORY_OF = {name: category for category, names in CATEGORIES.items() for name in names}


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data, fetch its pictures, and name its columns.

    Raises:
        DatasetError: it is not the benchmark's data; a picture is not there; as `named`.
    """
    return with_others(named(load_checked(dataset, SPEC)))


def named(dataset: Dataset) -> Dataset:
    """The rows with question, reference, type of task and cluster by the conventional columns.

    Raises:
        DatasetError: a row's type of task is unknown; members of a cluster have different references.
    """
    ids = [str(id_) for id_ in dataset["question_id"]]
    references, clusters = list(dataset["ref_answer"]), [id_.rpartition("-")[0] or id_ for id_ in ids]
    check_clusters(clusters, references, ids, NAME)
    return with_columns(
        dataset,
        {
            "question_id": ids,
            "question": list(dataset["prompt"]),
            "reference": references,
            "category": [_type_of(row, name) for row, name in enumerate(dataset["task"], start=1)],
            PROMPT_CLUSTER: clusters,
        },
    )


def doc_to_text(doc: Mapping[str, Any]) -> str:
    """The question; behind the earlier turns, for models that take no messages."""
    turns = [f"用户：{turn['user']}\n助手：{turn['assistant']}\n" for turn in doc.get("history") or ()]
    return "".join(turns) + (f"用户：{doc['question']}" if turns else str(doc["question"]))


def doc_to_messages(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The conversation, the picture in its first turn."""
    texts = [(turn["user"], turn["assistant"]) for turn in doc.get("history") or ()]
    said = [text for turn in texts for text in turn] + [doc["question"]]
    messages: list[dict[str, Any]] = [
        {"role": ("user", "assistant")[n % 2], "content": [{"type": "text", "text": str(text)}]}
        for n, text in enumerate(said)
    ]
    messages[0]["content"][:0] = [{"type": "image", "url": picture} for picture in doc_to_visual(doc)]
    return messages


def parts(doc: Mapping[str, Any]) -> list[str]:
    """The metrics that a document has a part in: of its type of task, of its category, and the headline."""
    return [str(doc["category"]).lower(), _CATEGORY_OF[doc["category"]], MACRO]


process_results = grading("critic", parts=parts)


def texts(dataset: Dataset) -> Iterable[str]:
    """Questions, references and earlier turns, of which the checksum is."""
    yield from map(str, dataset["prompt"])
    yield from map(str, dataset["ref_answer"])
    for history in dataset["history"]:
        for turn in history or ():
            yield from (str(turn["user"]), str(turn["assistant"]))


def _type_of(row: int, name: str) -> str:
    try:
        found = task_type(name).name
    except ValueError as error:
        raise DatasetError(f"{NAME}, row {row}: {error}") from None
    if found not in _CATEGORY_OF:
        raise DatasetError(f"{NAME}, row {row}: no type of task is named; expected one of {', '.join(_CATEGORY_OF)}")
    return found


def _with_pictures(dataset: Dataset) -> Dataset:
    """The rows with their pictures, which are fetched with the data and stay undecoded.

    Raises:
        DatasetError: a column is missing, or pictures are not there.
    """
    if "image_path" not in dataset.column_names:
        raise DatasetError(f"{NAME}: column 'image_path' is missing; found {', '.join(dataset.column_names)}")
    folder = _fetched(loaded_revision(dataset))
    names = list(dict.fromkeys(dataset["image_path"]))
    if gone := [name for name in names if not (folder / name).is_file()]:
        raise DatasetError(
            f"{NAME}: {len(gone)} of {len(names)} pictures are not there, the first of them {gone[0]}: run "
            "`lmms-eval-ja fetch --tasks align_mm_bench` where there is internet, and copy HF_HOME"
        )
    paths = list(dataset["image_path"])
    dataset = with_columns(dataset, {"image": [str(folder / name) for name in paths], "image_id": paths})
    return dataset.cast_column("image", Image())


def _fetched(revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        found = snapshot_download(NAME, repo_type="dataset", revision=revision, allow_patterns=[f"{PICTURES}/*"])
    except Exception as error:  # no network, no access, a full disk
        raise DatasetError(
            f"{NAME}: its pictures are not there and could not be fetched ({type(error).__name__}: {error}): run "
            "`lmms-eval-ja fetch --tasks align_mm_bench` where there is internet, and copy HF_HOME"
        ) from None
    return Path(found)


SPEC = DatasetSpec(
    name=NAME,
    rows=4978,
    columns=(*_TEXTS, "history"),
    texts=texts,
    whole=_with_pictures,
)
