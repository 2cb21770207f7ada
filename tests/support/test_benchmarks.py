from __future__ import annotations

import io
from collections import Counter

import pyarrow.parquet as pq
import pytest
from PIL import Image

from support.benchmarks import (
    HERON_ANSWERS,
    heron_bench,
    ja_vg_rows,
    ja_vg_vqa_500,
    ja_vlm_bench,
    ja_vlm_rows,
    needs_shared,
    placeholder_image,
    real_heron_rows,
    synthetic_heron_rows,
)

# PROTOCOLS.md, section 1.
CATEGORIES = {"conv": 42, "complex": 40, "detail": 21}
IMAGE_CATEGORIES = {"landmark": 20, "art": 19, "landscape": 19, "culture": 15, "anime": 10, "food": 10, "traffic": 10}


@pytest.mark.parametrize(
    "rows",
    [pytest.param(real_heron_rows, marks=needs_shared, id="real"), pytest.param(synthetic_heron_rows, id="ours")],
)
def test_heron_rows_have_the_benchmarks_counts(rows):
    got = rows()
    assert [row["question_id"] for row in got] == list(range(103))
    assert Counter(row["category"] for row in got) == CATEGORIES
    assert Counter(row["image_category"] for row in got) == IMAGE_CATEGORIES
    assert sorted({row["image"] for row in got}) == [f"{n:03d}.jpg" for n in range(1, 22)]
    assert len({(row["image"], row["text"]) for row in got}) == 103
    assert all(list(row["answer"]) == list(HERON_ANSWERS) for row in got)
    assert all(all(row["answer"].values()) for row in got)
    assert len({(row["image"], row["context"]) for row in got}) == 21, "one context per image"


@needs_shared
def test_synthetic_rows_follow_the_real_ones_row_by_row_and_copy_no_text():
    columns = ("question_id", "image", "category", "image_category")
    real, ours = real_heron_rows(), synthetic_heron_rows()
    assert [[row[c] for c in columns] for row in ours] == [[row[c] for c in columns] for row in real]
    assert {row["text"] for row in ours}.isdisjoint(row["text"] for row in real)
    assert len({row["text"] for row in ours}) == 103
    assert len({row["text"] for row in real}) == 88, "the real ones repeat: a cache needs the image in its key"


@needs_shared
def test_the_real_answers_are_joined_to_their_models():
    row = real_heron_rows()[1]
    assert row["answer"]["gpt-4-0125-preview"].startswith("映像に写っている少年は、机に置かれた")
    assert row["answer"]["gemini-1.0-pro-vision-latest"] == " 少年は羽ペンを作っています。"
    assert row["answer"]["claude-3-opus-20240229"].startswith("映像の中の少年は、羽ペンを使って")
    assert row["answer"]["gpt-4-vision-preview"].startswith("この画像はアニメーションのスタイルで")


def test_ja_vlm_rows():
    rows = ja_vlm_rows()
    assert len(rows) == 50
    assert len({row["image"] for row in rows}) == 42
    assert len({row["question"] for row in rows}) == 50


def test_ja_vg_rows():
    rows = ja_vg_rows()
    assert len(rows) == len({row["image"] for row in rows}) == 500
    assert {len(row["qas"]) for row in rows} == {8}
    qas = [qa for row in rows for qa in row["qas"]]
    assert len({qa["qa_id"] for qa in qas}) == len({qa["question"] for qa in qas}) == 4000


@pytest.mark.parametrize("build", [heron_bench, ja_vlm_bench, ja_vg_vqa_500])
def test_building_is_repeatable(build):
    first = build()
    placeholder_image.cache_clear()
    assert build() == first, "the same bytes each time, so the same commit"


def test_images_are_embedded_and_distinct_as_pixels():
    table = pq.read_table(io.BytesIO(ja_vg_vqa_500()["data/test-00000-of-00001.parquet"]))
    pictures = [Image.open(io.BytesIO(cell["bytes"])) for cell in table["image"].to_pylist()]
    assert {picture.size for picture in pictures} == {(32, 24)}
    assert len({picture.tobytes() for picture in pictures}) == 500
    names = [row["image"] for row in synthetic_heron_rows()] + [row["image"] for row in ja_vlm_rows()]
    jpegs = {name: Image.open(io.BytesIO(placeholder_image(name))) for name in names}
    assert {picture.format for picture in jpegs.values()} == {"JPEG"}
    assert len({picture.tobytes() for picture in jpegs.values()}) == 21 + 42


def test_rows_of_ones_own():
    row = synthetic_heron_rows()[0] | {"image": placeholder_image("mine.png"), "text": "この絵は何ですか？"}
    table = pq.read_table(io.BytesIO(heron_bench([row])["data/train-00000-of-00001.parquet"]))
    assert table["text"].to_pylist() == ["この絵は何ですか？"]
    assert table["image"].to_pylist() == [{"bytes": placeholder_image("mine.png"), "path": None}]
