"""Perception-Bench (arXiv 2401.06591): 500 English instructions, each with a reference and a rubric of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from datasets import Dataset, Image

from lmms_eval_ja.clients import cache_folder, load_settings
from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.judges.rubric import rubrics_problem
from lmms_eval_ja.judges.rubrics import with_rubrics

NAME = "prometheus-eval/Perception-Bench"
#: Folder of the pictures, under the assets.
FOLDER = "perception_bench"
_LEVELS = tuple(f"orig_score{score}_description" for score in range(1, 6))
_TEXTS = ("instruction", "orig_reference_answer", "orig_criteria", *_LEVELS)
#: Around the instruction where the column of this name holds the whole prompt of the judge, as its card says.
_BEFORE, _BEHIND = "###The instruction to evaluate:\n", "\n\n###Response to evaluate:"


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data, take the pictures from the user's own folder, and give each document its own rubric.

    Raises:
        DatasetError: it is not the benchmark's data; pictures are not there; a rubric lacks a text.
    """
    dataset = load_checked(dataset, SPEC)
    levels = zip(*(dataset[name] for name in _LEVELS), strict=True)
    rubrics = [
        {"criteria": criteria, "levels": list(own), "name": ""}
        for criteria, own in zip(dataset["orig_criteria"], levels, strict=True)
    ]
    if problem := rubrics_problem(rubrics):
        raise DatasetError(f"{NAME}: {problem}")
    dataset = with_columns(
        dataset,
        {
            "question_id": [str(n) for n in range(len(dataset))],
            "question": [instruction(text) for text in dataset["instruction"]],
            "reference": list(dataset["orig_reference_answer"]),
        },
    )
    return with_others(with_rubrics(dataset, rubrics))


def instruction(text: str) -> str:
    """What the model is asked: the column's text, or the part of it where it is the whole prompt of the judge."""
    _, found, rest = text.partition(_BEFORE)
    return rest.partition(_BEHIND)[0] if found else text


def texts(dataset: Dataset) -> Iterable[str]:
    """Instructions, references and rubrics, of which the checksum is."""
    return [str(text) for column in _TEXTS for text in dataset[column]]


def _with_pictures(dataset: Dataset) -> Dataset:
    """The rows with their pictures, which stay undecoded.

    Raises:
        DatasetError: pictures are not there.
    """
    if "image" not in dataset.column_names:
        raise DatasetError(f"{NAME}: column 'image' is missing; found {', '.join(dataset.column_names)}")
    names = [_placed(str(path)) for path in dataset["image"]]
    dataset = with_columns(dataset, {"image": _pictures(names), "image_id": names})
    return dataset.cast_column("image", Image())


def _placed(path: str) -> str:
    """Where a picture lies in the folder: at the data's own path, such as ../mmmu/9900.png, but not outside of it."""
    return str(PurePosixPath(*(part for part in PurePosixPath(path).parts if part not in {"..", "/"})))


def _pictures(names: list[str]) -> list[str]:
    assets = load_settings().assets
    folders = [folder / FOLDER for folder in (assets, cache_folder()) if folder is not None]
    found = [_first(folders, name) for name in names]
    if gone := [name for name, path in zip(names, found, strict=True) if path is None]:
        raise DatasetError(
            f"{len(gone)} of {len(names)} pictures of Perception-Bench are not there, the first of them {gone[0]}. The "
            "data names pictures of MMMU and COCO and does not hold them: make mmmu/ by the authors' mmmu_download.py "
            "(github.com/prometheus-eval/prometheus-vision), unpack COCO's train2017.zip, and put both into "
            f"{folders[-1]}, or into {FOLDER}/ in the folder that LMMS_EVAL_JA_ASSETS names"
        )
    return [str(path) for path in found]


def _first(folders: list[Path], name: str) -> Path | None:
    return next((path for folder in folders if (path := folder / name).is_file()), None)


SPEC = DatasetSpec(
    name=NAME,
    rows=500,
    columns=("image", *_TEXTS),
    texts=texts,
    whole=_with_pictures,
)
