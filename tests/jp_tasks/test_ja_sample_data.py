import io
import json
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lmms_eval_ja.jp_tasks.ja_sample import draw
from lmms_eval_ja.jp_tasks.ja_sample.drawing import canvas

ROWS = 40
IMAGES = 10
COLUMNS = ["question_id", "image_id", "image", "category", "image_category", "context", "question", "answer"]
ANSWER_SETS = ("terse", "verbose", "flawed")
JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ一-鿿]")

needs_font = pytest.mark.skipif(
    find_spec("matplotlib_fontja") is None, reason="matplotlib_fontja (the font to draw with) is not installed"
)


def read_jsonl(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=int)


@pytest.fixture(scope="module")
def questions() -> list[dict[str, str]]:
    return read_jsonl(draw.FOLDER / draw.QUESTIONS_NAME)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return pq.read_table(draw.FOLDER / draw.PARQUET_NAME).to_pylist()


def test_there_are_40_questions_with_unique_ids(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == ROWS
    assert len({row["question_id"] for row in rows}) == ROWS
    assert len({row["question"] for row in rows}) == ROWS


def test_datasets_loads_it_with_images(tmp_path: Path) -> None:
    data = datasets.load_dataset(
        "parquet",
        data_files={"test": str(draw.FOLDER / draw.PARQUET_NAME)},
        split="test",
        cache_dir=str(tmp_path),
    )
    assert data.column_names == COLUMNS
    assert isinstance(data.features["image"], datasets.Image)
    assert all(data.features[name] == datasets.Value("string") for name in COLUMNS if name != "image")
    assert data[0]["image"].size == (640, 520)


def test_the_parquet_file_holds_what_questions_jsonl_says(
    rows: list[dict[str, Any]], questions: list[dict[str, str]]
) -> None:
    assert [{key: value for key, value in row.items() if key != "image"} for row in rows] == questions
    assert all(value.strip() == value != "" for question in questions for value in question.values())


def test_categories(questions: list[dict[str, str]]) -> None:
    assert Counter(question["category"] for question in questions) == {"conv": 16, "detail": 10, "complex": 14}
    kinds = {question["image_id"]: question["image_category"] for question in questions}
    assert Counter(kinds.values()) == {"sign": 3, "table": 2, "document": 2, "chart": 1, "illustration": 2}


def test_each_image_has_four_questions_one_of_them_detail_and_one_context(questions: list[dict[str, str]]) -> None:
    assert Counter(question["image_id"] for question in questions) == dict.fromkeys(draw.DRAWINGS, 4)
    details = [question["image_id"] for question in questions if question["category"] == "detail"]
    assert sorted(details) == sorted(draw.DRAWINGS)
    assert len({(question["image_id"], question["image_category"], question["context"]) for question in questions}) == (
        IMAGES
    )


def test_question_ids_start_with_the_image_id(questions: list[dict[str, str]]) -> None:
    assert [question["question_id"] for question in questions] == [
        f"{image_id}_{number}" for image_id in draw.DRAWINGS for number in range(1, 5)
    ]


def test_texts_are_japanese(questions: list[dict[str, str]]) -> None:
    for question in questions:
        for field in ("context", "question", "answer"):
            assert JAPANESE.search(question[field]), (question["question_id"], field)


def test_images_decode_and_are_wide_enough(rows: list[dict[str, Any]]) -> None:
    images = {(row["image_id"], row["image"]["bytes"]) for row in rows}
    assert len(images) == IMAGES
    for image_id, data in images:
        assert len(data) <= 40_000, image_id
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            assert image.format == "PNG"
            assert image.width >= 400, image_id
            assert len(image.getcolors() or ()) > 8, image_id  # something is drawn


def test_the_folder_is_smaller_than_one_megabyte() -> None:
    files = [path for path in draw.FOLDER.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 1_000_000


@pytest.mark.parametrize("name", ANSWER_SETS)
def test_answer_sets_cover_exactly_the_questions(name: str, questions: list[dict[str, str]]) -> None:
    answers = read_jsonl(draw.FOLDER / "answers" / f"{name}.jsonl")
    assert [answer["question_id"] for answer in answers] == [question["question_id"] for question in questions]
    assert all(set(answer) == {"question_id", "answer"} for answer in answers)


@pytest.mark.parametrize("name", ["terse", "verbose"])
def test_correct_answer_sets_are_never_empty(name: str) -> None:
    assert all(answer["answer"].strip() for answer in read_jsonl(draw.FOLDER / "answers" / f"{name}.jsonl"))


def test_verbose_answers_are_longer_than_terse_ones() -> None:
    terse, verbose = (read_jsonl(draw.FOLDER / "answers" / f"{name}.jsonl") for name in ("terse", "verbose"))
    assert all(len(long["answer"]) > len(short["answer"]) for short, long in zip(terse, verbose, strict=True))


def test_flawed_has_one_empty_answer_and_four_without_japanese() -> None:
    answers = [answer["answer"] for answer in read_jsonl(draw.FOLDER / "answers" / "flawed.jsonl")]
    assert answers.count("") == 1
    assert sum(1 for answer in answers if answer and not JAPANESE.search(answer)) == 4


@needs_font
@pytest.mark.parametrize("image_id", list(draw.DRAWINGS))
def test_redrawing_gives_the_same_pixels(image_id: str, rows: list[dict[str, Any]]) -> None:
    stored = pixels(next(row["image"]["bytes"] for row in rows if row["image_id"] == image_id))
    drawn = pixels(draw.draw_png(image_id))
    assert drawn.shape == stored.shape
    metadata = pq.read_schema(draw.FOLDER / draw.PARQUET_NAME).metadata
    if metadata[b"drawn_with"].decode() == draw.versions():
        assert np.array_equal(drawn, stored)
    else:  # another Pillow or FreeType: single pixels at the edges of letters may differ
        assert (np.abs(drawn - stored).max(axis=2) > 48).mean() < 1e-4


@needs_font
def test_drawing_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        draw.main(["--out", str(tmp_path / name), "--png", str(tmp_path / name / "png")])
    first, second = (tmp_path / name / draw.PARQUET_NAME for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.stem for path in (tmp_path / "first" / "png").iterdir()) == sorted(draw.DRAWINGS)


def test_a_missing_font_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canvas, "find_spec", lambda _name: None)
    with pytest.raises(ModuleNotFoundError, match="matplotlib-fontja"):
        canvas.font_path()


def test_a_question_with_wrong_fields_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question_id": "x_1"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 1"):
        draw.read_questions(path)
