"""The texts of JMMMU and JMMMU-Pro: options that are written as a Python list, and placeholders of pictures."""

from __future__ import annotations

import ast
import re

from lmms_eval_ja.jp_tasks.dataset import DatasetError

_PICTURE = re.compile(r"<image ?([1-7])>")
_SUBJECT = re.compile(r"[a-z]+_(.+)_\d+")


def options_of(text: str) -> list[str]:
    """The options in a column that holds a Python list, written out as a text.

    Raises:
        DatasetError: the text is no such list.
    """
    try:
        options = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        options = None
    if not isinstance(options, list) or not options:
        raise DatasetError(f"options: expected a list of texts, such as \"['東京', '大阪']\", got {text!r}")
    return [str(option) for option in options]


def references_of(text: str) -> list[str]:
    """The references of an open question: a text, or several that are written as a Python list."""
    try:
        found = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return [text]
    return [str(one) for one in found] if isinstance(found, list) and found else [text]


def with_numbered_pictures(text: str) -> str:
    """A question whose placeholders are all written as `<image 1>`; some are `<image1>` in the data."""
    return _PICTURE.sub(r"<image \1>", text)


def named_pictures(*texts: str) -> list[int]:
    """The numbers of the pictures that texts have placeholders for, in ascending order."""
    return sorted({int(number) for text in texts for number in _PICTURE.findall(text)})


def subject_of(question_id: str) -> str:
    """The subject in an id such as `test_Japanese_Art_12`.

    Raises:
        DatasetError: the id has another form.
    """
    found = _SUBJECT.fullmatch(question_id)
    if found is None:
        raise DatasetError(f"id {question_id!r}: expected one such as test_Japanese_Art_12, which names the subject")
    return found[1]
