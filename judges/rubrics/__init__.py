"""Rubrics in Japanese, each in a YAML file of its own, and whoever's own in the same form (docs/rubrics.md).

A file states `criteria`, what is judged, and `levels`, what each score of 1 to 5 means:

    criteria: 回答は画像の文字を正しく読んでいるか。
    levels:
      1: 読んでいない。
      …
      5: すべて正しく読んでいる。

Its name, without the ending, is the rubric's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lmms_eval_ja.judges.rubric import LEVELS, Rubric

#: The library, by the name of each file.
FOLDER = Path(__file__).parent
#: The column by which the protocol `rubric` judges, and the one by which documents are told apart.
COLUMN, CATEGORY = "rubric", "category"
#: A name of the library, a file of one's own, or a rubric.
One = str | Path | Rubric
_ENDINGS = (".yaml", ".yml")
_KEYS = {"criteria", "levels"}


class RubricError(ValueError):
    """A rubric that is not there, or whose file does not state what it has to; the message names both."""


def rubrics() -> dict[str, Rubric]:
    """The library, by name."""
    return {path.stem: _read(path) for path in sorted(FOLDER.glob("*.yaml"))}


def load_rubric(rubric: str | Path) -> Rubric:
    """A rubric of the library by its name, or one's own by its file.

    Args:
        rubric: a name, or a path that ends in .yaml or .yml.

    Raises:
        RubricError: an unknown name; a file that is not there, or lacks its criteria or one of its five levels.
    """
    path = Path(rubric)
    if path.suffix in _ENDINGS:
        return _read(path)
    known = FOLDER / f"{rubric}.yaml"
    if path.name != str(rubric) or not known.is_file():
        names = ", ".join(sorted(found.stem for found in FOLDER.glob("*.yaml")))
        raise RubricError(f"unknown rubric {str(rubric)!r}; expected one of {names}, or a file that ends in .yaml")
    return _read(known)


def with_rubric(dataset: Any, rubric: One | Mapping[str, One]) -> Any:
    """The documents with the column `rubric`, by which the protocol of this name judges them.

    Args:
        dataset: of `datasets`; other columns are not touched.
        rubric: of all documents; or a rubric for each value of their column `category`.

    Raises:
        RubricError: as `load_rubric`; or a document's category has no rubric.
    """
    if isinstance(rubric, Mapping):
        own = {category: _one(one).as_doc() for category, one in rubric.items()}
        column = [_of_category(own, category, row) for row, category in enumerate(_categories(dataset))]
    else:
        column = [_one(rubric).as_doc()] * len(dataset)
    return with_rubrics(dataset, column)


def with_rubrics(dataset: Any, column: Sequence[Mapping[str, Any]]) -> Any:
    """The documents with a rubric each, in the form of `Rubric.as_doc`."""
    kept = dataset.remove_columns([COLUMN]) if COLUMN in dataset.column_names else dataset
    return kept.add_column(COLUMN, list(column))


def _one(rubric: One) -> Rubric:
    return rubric if isinstance(rubric, Rubric) else load_rubric(rubric)


def _categories(dataset: Any) -> list[str]:
    if CATEGORY not in dataset.column_names:
        raise RubricError(
            f"a rubric for each category needs the column {CATEGORY}; found {', '.join(dataset.column_names)}"
        )
    return [str(category) for category in dataset[CATEGORY]]


def _of_category(own: Mapping[str, dict[str, Any]], category: str, row: int) -> dict[str, Any]:
    if category not in own:
        raise RubricError(f"row {row}: no rubric for category {category!r}; there are some for {', '.join(own)}")
    return own[category]


def _read(path: Path) -> Rubric:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        _refuse_twins(path, yaml.compose(text, Loader=yaml.SafeLoader))
        stated = yaml.safe_load(text)
    except FileNotFoundError:
        raise RubricError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RubricError(f"{path}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(stated, Mapping) or stated.keys() != _KEYS:
        found = ", ".join(map(str, stated)) if isinstance(stated, Mapping) else type(stated).__name__
        raise RubricError(f"{path}: expected criteria and levels, found {found}")
    return _checked(path, stated["criteria"], stated["levels"])


def _refuse_twins(path: Path, node: Any) -> None:
    """YAML's own reader takes the last of two entries of a name, and says nothing."""
    seen: set[str] = set()
    for key, value in node.value if getattr(node, "id", "") == "mapping" else ():
        if key.value in seen:
            raise RubricError(f"{path}: line {key.start_mark.line + 1}: {key.value} stands a second time")
        seen.add(key.value)
        _refuse_twins(path, value)


def _checked(path: Path, criteria: Any, levels: Any) -> Rubric:
    if not isinstance(criteria, str):
        raise RubricError(f"{path}: criteria must be a text, not {type(criteria).__name__}")
    if not isinstance(levels, Mapping):
        raise RubricError(f"{path}: levels must describe scores 1 to {LEVELS} by number, found {type(levels).__name__}")
    numbers = range(1, LEVELS + 1)
    if other := [score for score in levels if score not in numbers]:
        raise RubricError(f"{path}: levels describes a score {other[0]!r}; expected 1 to {LEVELS}")
    described = {score: str(levels.get(score) or "").strip() for score in numbers}
    for score, text in described.items():
        if not text:
            raise RubricError(f"{path}: score {score} is not described: each of 1 to {LEVELS} needs a description")
        if twin := next((lower for lower in range(1, score) if described[lower] == text), None):
            raise RubricError(f"{path}: scores {twin} and {score} have the same description")
    try:
        return Rubric(criteria.strip(), tuple(described.values()), path.stem)
    except ValueError as error:
        raise RubricError(f"{path}: {error}") from None
