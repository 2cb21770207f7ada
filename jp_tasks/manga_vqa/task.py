"""MangaVQA (arXiv 2505.20298): 526 questions on pages of Manga109, which everybody has to apply for himself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset, Image

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks.dataset import DatasetError, DatasetSpec, load_checked, with_columns
from lmms_eval_ja.jp_tasks.images import with_others
from lmms_eval_ja.jp_tasks.prompts import doc_to_text, doc_to_visual

#: In our words; the benchmark's says as much.
SYSTEM = "日本の漫画のページについて質問を受け、そのページの画像をもとに答えるアシスタントです。"
_HOW = (
    "MangaVQA is asked on the pages of Manga109, which may not be passed on: apply for it at http://www.manga109.org/, "
    "and name the folder that holds its images/ by LMMS_EVAL_JA_MANGA109, or by manga109 in judge.toml"
)


def process_docs(dataset: Dataset) -> Dataset:
    """Check the data and take the pages from the user's own Manga109."""
    return with_others(load_checked(dataset, SPEC))


def doc_to_messages(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A system message; the page, and the question as it is."""
    pictures = [{"type": "image", "url": picture} for picture in doc_to_visual(doc)]
    return [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
        {"role": "user", "content": [*pictures, {"type": "text", "text": doc_to_text(doc)}]},
    ]


def _with_pages(dataset: Dataset) -> Dataset:
    """The rows with their pages, which stay undecoded.

    Raises:
        DatasetError: no folder is named, or pages are not in it.
    """
    if missing := [name for name in ("title", "image_number") if name not in dataset.column_names]:
        raise DatasetError(f"hal-utokyo/MangaVQA: column {missing[0]!r} is missing")
    titles, numbers = list(dataset["title"]), list(dataset["image_number"])
    pages = _pages([f"{title}/{int(n):03d}.jpg" for title, n in zip(titles, numbers, strict=True)])
    dataset = with_columns(
        dataset,
        {
            "question_id": [str(n) for n in range(len(dataset))],
            "image": [str(page) for page in pages],
            "image_id": [f"{title}/{n}" for title, n in zip(titles, numbers, strict=True)],
        },
    )
    return dataset.cast_column("image", Image())


def _pages(names: list[str]) -> list[Path]:
    folder = load_settings().manga109
    if folder is None:
        raise DatasetError(f"no folder of Manga109 is named. {_HOW}")
    pages = [folder / "images" / name for name in names]
    if gone := [page for page in pages if not page.is_file()]:
        raise DatasetError(f"{len(gone)} of {len(pages)} pages are not there, the first of them {gone[0]}. {_HOW}")
    return pages


SPEC = DatasetSpec(
    name="hal-utokyo/MangaVQA",
    rows=526,
    columns=("title", "image_number", "question", "answer"),
    whole=_with_pages,
)
