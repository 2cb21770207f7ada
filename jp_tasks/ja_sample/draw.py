"""Draw the ten images of ja_sample and write ``ja_sample.parquet``.

Nothing imports this module at run time: the Parquet file ships with the package. Run it to draw the images again,
after a change in ``drawing`` or in ``questions.jsonl``::

    python -m lmms_eval_ja.jp_tasks.ja_sample.draw [--out FOLDER] [--png FOLDER]

It needs the package matplotlib-fontja for its font, IPAexGothic. Two runs with the same versions of Pillow and
FreeType give the same bytes; both versions stand in the file's metadata (``drawn_with``).
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import __version__, features

from lmms_eval_ja.jp_tasks.ja_sample.drawing.canvas import Canvas
from lmms_eval_ja.jp_tasks.ja_sample.drawing.documents import application_form, restaurant_menu
from lmms_eval_ja.jp_tasks.ja_sample.drawing.illustrations import comic, town_map
from lmms_eval_ja.jp_tasks.ja_sample.drawing.signs import parking_sign, price_tags, shop_hours
from lmms_eval_ja.jp_tasks.ja_sample.drawing.tables import bar_chart, event_calendar, train_timetable

FOLDER = Path(__file__).resolve().parent
PARQUET_NAME = "ja_sample.parquet"
QUESTIONS_NAME = "questions.jsonl"
TEXT_COLUMNS = ("question_id", "image_id", "category", "image_category", "context", "question", "answer")
COLUMNS = ("question_id", "image_id", "image", "category", "image_category", "context", "question", "answer")

DRAWINGS: dict[str, Callable[[], Canvas]] = {
    "shop_hours": shop_hours,
    "train_timetable": train_timetable,
    "restaurant_menu": restaurant_menu,
    "price_tags": price_tags,
    "event_calendar": event_calendar,
    "parking_sign": parking_sign,
    "bar_chart": bar_chart,
    "town_map": town_map,
    "application_form": application_form,
    "comic": comic,
}


def draw_png(image_id: str) -> bytes:
    """Draw one image.

    Args:
        image_id: A key of ``DRAWINGS``.

    Returns:
        The bytes of a PNG file with a palette.
    """
    buffer = io.BytesIO()
    DRAWINGS[image_id]().finish().save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def versions() -> str:
    """Name the versions that decide about single pixels."""
    return f"Pillow {__version__}, FreeType {features.version('freetype2')}"


def read_questions(path: Path) -> list[dict[str, str]]:
    """Read the questions.

    Args:
        path: A JSONL file.

    Returns:
        One dictionary per line, all of ``TEXT_COLUMNS`` present.

    Raises:
        ValueError: A line lacks a column, has another one, or names an image that is not drawn here.
    """
    questions: list[dict[str, str]] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        question: dict[str, str] = json.loads(line)
        if set(question) != set(TEXT_COLUMNS) or question["image_id"] not in DRAWINGS:
            raise ValueError(f"{path.name}, line {number}: wrong fields or unknown image_id")
        questions.append(question)
    return questions


def write_parquet(questions: Sequence[dict[str, str]], images: dict[str, bytes], path: Path) -> None:
    """Write the data set in the form that ``datasets`` reads with its ``Image`` feature.

    Args:
        questions: Rows, in order.
        images: PNG bytes by image_id.
        path: The file to write.
    """
    types = {
        name: pa.struct([("bytes", pa.binary()), ("path", pa.string())]) if name == "image" else pa.string()
        for name in COLUMNS
    }
    feature = {
        name: {"_type": "Image"} if name == "image" else {"dtype": "string", "_type": "Value"} for name in COLUMNS
    }
    metadata = {"huggingface": json.dumps({"info": {"features": feature}}), "drawn_with": versions()}
    rows = [
        {**question, "image": {"bytes": images[question["image_id"]], "path": f"{question['image_id']}.png"}}
        for question in questions
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(types.items()), metadata=metadata))
    # The dictionary stores an image once, however many questions it has.
    pq.write_table(table, path, compression="zstd", use_dictionary=True, dictionary_pagesize_limit=1 << 22)


def main(argv: Sequence[str] | None = None) -> None:
    """Draw everything and write the Parquet file.

    Args:
        argv: Command line, without the program's name.
    """
    parser = argparse.ArgumentParser(description="Draw the images of ja_sample and write ja_sample.parquet.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the Parquet file (default: the package's)")
    parser.add_argument("--png", type=Path, help="folder for the images as PNG files too")
    options = parser.parse_args(argv)
    images = {image_id: draw_png(image_id) for image_id in DRAWINGS}
    options.out.mkdir(parents=True, exist_ok=True)
    write_parquet(read_questions(FOLDER / QUESTIONS_NAME), images, options.out / PARQUET_NAME)
    if options.png:
        options.png.mkdir(parents=True, exist_ok=True)
        for image_id, data in images.items():
            (options.png / f"{image_id}.png").write_bytes(data)


if __name__ == "__main__":
    main()
