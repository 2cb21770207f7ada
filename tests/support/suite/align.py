"""AlignMMBench: a file of JSON lines on the hub, and pictures beside it, of all thirteen types of task.

Fields, names of types and categories, and the form of ids and turns are those of the authors' metadata.jsonl
(github.com/alignmmbench/AlignMMBench); that the hub's repository has it under this name is taken for granted.
"""

from __future__ import annotations

import json
from typing import Any

from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite.judged import WRONG, is_right
from support.suite.stand import Stand

NAME = "zai-org/AlignMMBench"
CATEGORIES = {
    "Perception & Understanding": ("Description", "Recognition", "Counting", "OCR", "Meme", "Knowledge"),
    "Reasoning & Analysis": ("Reasoning", "Chart", "Problem", "Comparison", "Writing"),
    "Dialogue Context": ("Coherence", "Incoherence"),
}
#: Questions of a type of task, and wordings of each outside of the dialogues.
QUESTIONS, WORDINGS = 2, 3
_CARD = b"---\nlicense: cc-by-nc-sa-4.0\nlanguage:\n- zh\n---\n\nA stand-in for tests.\n"


def rows() -> list[dict[str, Any]]:
    """Two questions of each type: of eleven in three wordings each, of the dialogues in one."""
    found: list[dict[str, Any]] = []
    for category, types in CATEGORIES.items():
        for name in types:
            dialogue = category == "Dialogue Context"
            for question in range(QUESTIONS):
                number = len(found)
                turns, wordings = (1 + question, 1) if dialogue else (0, WORDINGS)
                found += [_row(number, f"{number:08d}-{k}", name, category, turns, k) for k in range(wordings)]
    return found


def _row(number: int, id_: str, name: str, category: str, turns: int, wording: int = 0) -> dict[str, Any]:
    history = [{"user": f"第{n}个问题？", "assistant": f"第{n}个回答。"} for n in range(1, turns + 1)]
    return {
        "question_id": id_,
        "image_path": f"images/{number:09d}.jpg",
        "history": history,
        "prompt": f"请说明图{number}（{name}，说法{wording}）。",
        "ref_answer": f"图中有红色灯笼{number}个。",
        "task": name,
        "category": category,
    }


def files(of: list[dict[str, Any]] | None = None) -> dict[str, bytes]:
    """The repository."""
    own = rows() if of is None else of
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in own)
    pictures = {row["image_path"]: placeholder_image(row["image_path"]) for row in own}
    return {"README.md": _CARD, "metadata.jsonl": lines.encode(), "assets/leaderboard.png": b""} | pictures


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """Answers by question id: the reference, or nothing in common with it."""
    del task
    return {row["question_id"]: row["ref_answer"] if is_right(n) else WRONG for n, row in enumerate(rows())}


def expected(task: str) -> dict[str, float]:
    """A right answer gets 10, another 1.

    Of each question the middle wording is wrong: 10, 1, 10, mean 7, standard deviation √((9 + 36 + 9)/3) = √18. Of the
    dialogues, rows 66 to 69, the second: coherent 10 and 1, incoherent 10 and 10. In all 47 of 70 are right.
    """
    del task
    return {
        "judge_mean": (47 * 10 + 23 * 1) / 70,
        "macro": (11 * 7 + 5.5 + 10) / 13,
        "ocr": 7,
        "coherence": 5.5,
        "incoherence": 10,
        "perception_understanding": 7,
        "reasoning_analysis": 7,
        "dialogue_context": (5.5 + 10) / 2,
        "dispersion": 18**0.5,
        "alignment": 18**-0.5,
    }


STAND = Stand(("align_mm_bench",), add, answers, expected)
