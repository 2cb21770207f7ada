"""`lmms-eval-ja new-task`: the folder of a benchmark, made from a template, that runs at once."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from lmms_eval_ja.console import console

TEMPLATES = Path(__file__).parent / "task_template"
NAME = re.compile(r"[a-z][a-z0-9_]*")
DATA = "example.parquet"
ANSWERS = "answers.jsonl"
#: What the three example pictures show: the shape, its name, its colour and the colour's name.
_DRAWN = (
    ("ellipse", "円", (214, 40, 40), "赤"),
    ("rectangle", "四角形", (30, 90, 200), "青"),
    ("triangle", "三角形", (30, 150, 70), "緑"),
)
_SIZE = (160, 120)


class Kind(str, Enum):
    """How answers are scored: by the option that they name, against a short reference, or by an LLM."""

    CHOICE = "choice"
    SHORT = "short"
    JUDGED = "judged"


class NewTaskError(Exception):
    """A folder that cannot be made; the message says what to do."""


def new_task(
    name: Annotated[str, typer.Argument(help="Of the task and its folder: small letters, digits, underscores.")],
    *,
    kind: Annotated[
        Kind, typer.Option(help="Options to choose from, a short answer, or an answer that an LLM grades.")
    ] = Kind.CHOICE,
    folder: Annotated[
        Path, typer.Option(help="Where to make the task's folder; in a checkout of lmms-eval-ja also jp_tasks.")
    ] = Path(),
) -> None:
    """Make the folder of a new benchmark: YAML, Python, README, and three example questions with which it runs at once.

    Put your data in the place of the example's, and let `lmms-eval-ja check-task` say what is still to be done.

    For example:

    `lmms-eval-ja new-task my_bench_ja`

    `lmms-eval-ja new-task my_bench_ja --kind judged --folder benchmarks`
    """
    try:
        made = make_task(name, kind, folder)
    except (NewTaskError, OSError) as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for line in next_steps(made):
        console.print(escape(line), highlight=False, soft_wrap=True)


def make_task(name: str, kind: Kind, folder: Path) -> Path:
    """Write a task's folder into `folder`, which is made where it is not there; gives the task's.

    Raises:
        NewTaskError: a name that cannot be used or is taken, a folder that is there already.
        OSError: it cannot be written.
    """
    if problem := name_problem(name):
        raise NewTaskError(problem)
    made = folder.expanduser() / name
    if made.exists():
        raise NewTaskError(f"{made} is there already: choose another name or --folder, or delete it")
    inside = is_ours(made)
    contents = {path: content.encode() for path, content in _texts(name, kind, inside=inside)}
    contents |= {DATA: example_data(kind), ANSWERS: _example_answers(kind).encode()}
    made.mkdir(parents=True)
    for path, content in contents.items():
        (made / path).write_bytes(content)
    return made


def name_problem(name: str, *, of_ours: bool = False) -> str | None:
    """Why a task cannot have this name, or None.

    Args:
        name: of the task.
        of_ours: the task is one of this package, whose own name is no obstacle.
    """
    from lmms_eval_ja.jp_tasks.catalogue import groups, tasks
    from lmms_eval_ja.taken_names import TakenError, lmms_eval_names

    if not NAME.fullmatch(name):
        return f"the name {name!r}: expected small letters, digits and underscores, a letter first, such as my_bench_ja"
    if not of_ours and name in {task.name for task in tasks()} | groups().keys():
        return f"the name {name!r} is taken by a task of lmms-eval-ja: choose another, such as {name}_2"
    try:
        taken = lmms_eval_names().get(name)
    except TakenError as error:
        return str(error)
    if taken is not None:
        return (
            f"the name {name!r} is taken by lmms-eval ({taken.parent.name}/{taken.name}), whose task would run in "
            f"place of yours: choose another, such as {name}_ja"
        )
    return None


def is_ours(folder: Path) -> bool:
    """Whether a task's folder lies in this package, where its functions have names of the package's."""
    from lmms_eval_ja.jp_tasks import FOLDER

    return folder.resolve().parent == FOLDER.resolve()


def next_steps(made: Path) -> Iterator[str]:
    """What was made, and what to do with it, a line each."""
    name = made.name
    yield f"Made {made} with {', '.join(sorted(path.name for path in made.iterdir()))}"
    where = "" if is_ours(made) else f" --include_path {made}"
    yield f"Run it:    lmms-eval --model replay --model_args answers={made / ANSWERS}{where} --tasks {name}"
    yield f"Check it:  lmms-eval-ja check-task {name if is_ours(made) else made}"
    yield f"Fill it:   your data for {DATA}, its facts in {name}.yaml and task.py, the README from top to bottom"
    if is_ours(made):
        yield f'Enter it:  "lmms_eval_ja.jp_tasks.{name}" in packages of pyproject.toml'


def example_data(kind: Kind) -> bytes:
    """Three questions on three drawn pictures, as a Parquet file that `datasets` reads with its pictures."""
    import json

    import pyarrow as pa
    import pyarrow.parquet as pq

    text, texts = pa.string(), pa.list_(pa.string())
    columns = {"question_id": text, "image_id": text, "image": pa.struct({"bytes": pa.binary(), "path": text})}
    columns |= {"question": text} | ({"choices": texts, "reference": text} if kind is Kind.CHOICE else {"answer": text})
    value = {"dtype": "string", "_type": "Value"}
    features = {
        name: {"feature": value, "_type": "Sequence"} if kind_ == texts else value for name, kind_ in columns.items()
    }
    info = json.dumps({"info": {"features": features | {"image": {"_type": "Image"}}}})
    schema = pa.schema(list(columns.items()), metadata={"huggingface": info})
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_row(number, kind) for number in range(len(_DRAWN))], schema=schema), out)
    return out.getvalue()


def _row(number: int, kind: Kind) -> dict[str, Any]:
    shape, name, colour, colour_name = _DRAWN[number]
    row: dict[str, Any] = {"question_id": f"q{number}", "image_id": shape}
    row["image"] = {"bytes": _picture(shape, colour), "path": f"{shape}.png"}
    if kind is Kind.CHOICE:
        names = [drawn[1] for drawn in _DRAWN]
        return row | {"question": "描かれている図形はどれですか？", "choices": names, "reference": "ABC"[number]}
    if kind is Kind.SHORT:
        return row | {"question": "図形は何色ですか？", "answer": f"{colour_name}色"}
    return row | {"question": "画像に何が描かれていますか？", "answer": f"{colour_name}い{name}が1つ描かれています。"}


def _picture(shape: str, colour: tuple[int, int, int]) -> bytes:
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", _SIZE, "white")
    draw = ImageDraw.Draw(picture)
    if shape == "triangle":
        draw.polygon([(80, 20), (130, 100), (30, 100)], fill=colour)
    else:
        getattr(draw, shape)((40, 20, 120, 100), fill=colour)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _example_answers(kind: Kind) -> str:
    """Recorded answers to try the task with: two that are right and one that is not."""
    import json

    rows = [_row(number, kind) for number in range(len(_DRAWN))]
    answers = [row["reference"] if kind is Kind.CHOICE else row["answer"] for row in rows]
    answers[-1] = "わかりません。"
    lines = [{"question_id": row["question_id"], "answer": text} for row, text in zip(rows, answers, strict=True)]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _texts(name: str, kind: Kind, *, inside: bool) -> Iterator[tuple[str, str]]:
    """The text files of a task's folder; `inside` this package it is a package itself."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)  # noqa: S701 (no HTML)
    module = f"lmms_eval_ja.jp_tasks.{name}.task" if inside else "task"
    for template in sorted(TEMPLATES.glob("*.jinja")):
        path = template.stem if template.stem != "task.yaml" else f"{name}.yaml"
        text = environment.from_string(template.read_text(encoding="utf-8"))
        yield path, text.render(name=name, kind=kind.value, module=module, inside=inside)
    if inside:
        yield "__init__.py", f'"""The benchmark {name}."""\n'
