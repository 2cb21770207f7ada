"""What the model is asked: its pictures as the setting `image` has them, and the question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from lmms_eval_ja.jp_tasks.images import shown

#: The closing lines of JMMMU (arXiv 2410.17250), which other Japanese multiple-choice benchmarks are asked with, too.
CHOICE_LINE = "与えられた選択肢の中から最も適切な回答のアルファベットを直接記入してください。"
OPEN_LINE = "質問に対する回答を単語や短いフレーズで記入してください。"
#: The closing line of JAMMEval (arXiv 2604.00909) and the benchmarks that are asked as it is.
SHORT_LINE = "上記の質問に対して、正確かつ簡潔に答えてください。"
#: The column with a multiple-choice question's options in the order in which they are asked; empty for an open one.
OPTIONS = "choices"


def doc_to_visual(doc: Mapping[str, Any]) -> list[Any]:
    """The document's picture or pictures, in RGB."""
    return shown(doc, _pictures)


def doc_to_text(doc: Mapping[str, Any]) -> str:
    """The question as the benchmark has it, nothing added."""
    return str(doc["question"])


def short_to_text(doc: Mapping[str, Any]) -> str:
    """The question with JAMMEval's closing line."""
    return f"{doc['question']}\n{SHORT_LINE}"


def choice_to_text(doc: Mapping[str, Any]) -> str:
    """The question with its lettered options and JMMMU's closing line; an open one with JMMMU's other."""
    if not doc[OPTIONS]:
        return f"{doc['question']}\n\n{OPEN_LINE}"
    return f"{doc['question']}\n{lettered(doc[OPTIONS])}\n\n{CHOICE_LINE}"


def lettered(options: Sequence[str]) -> str:
    """Options a line each, as `A. …`; ValueError for more than 26."""
    letters = ascii_uppercase[: len(options)]
    return "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))


def doc_to_target(doc: Mapping[str, Any]) -> str:
    """The reference answer."""
    return str(doc["reference"] if "reference" in doc else doc["answer"])


def _pictures(doc: Mapping[str, Any]) -> Sequence[Any]:
    return [doc["image"]] if doc.get("image") is not None else doc.get("images") or []
