"""JMMMU and JMMMU-Pro: 28 configurations; options as a Python list in a text; up to seven pictures.

The columns are those of the card of JMMMU/JMMMU-Pro, which keeps JMMMU's; JMMMU's own card was not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lmms_eval_ja.jp_tasks.jmmmu_ja.task import CULTURE_SPECIFIC, SUBJECTS
from support.hub import Hub
from support.suite.repository import Features, repository
from support.suite.stand import RIGHT, UNREAD, Stand, choice_answer, choice_scores, kind_of, percent

JMMMU, PRO = "JMMMU/JMMMU", "JMMMU/JMMMU-Pro"
ROWS = 4
#: The last question of each culture-agnostic subject is open.
OPEN = 3
_FEATURES: Features = {
    "id": "string",
    "question": "string",
    "options": "string",
    "explanation": "string",
    **{
        f"image_{n}{suffix}": kind
        for n in range(1, 8)
        for suffix, kind in (("", "image"), ("_license", "string"), ("_attribution", "string"))
    },
    "img_type": "string",
    "answer": "string",
    "topic_difficulty": "string",
    "question_type": "string",
    "subfield": "string",
}
_THINGS = ("青い歯車", "赤い旗", "白い塔", "黒い箱", "金の鈴")


def rows(subject: str, *, opens: bool = True) -> list[dict[str, Any]]:
    """Made-up rows: the second has two pictures (one placeholder without a blank), the third pictures as options."""
    found = []
    for n in range(ROWS):
        options = [f"{thing}{n}" for thing in _THINGS[: 4 + n % 2]]
        letter = "ABCD"[(n + len(subject)) % 4]
        row: dict[str, Any] = {
            "id": f"{'test' if subject in CULTURE_SPECIFIC else 'validation'}_{subject}_{n + 1}",
            "question": f"{subject}の図{n}が示すものはどれですか？<image 1>",
            "options": str(options),
            "explanation": "",
            # The first two questions of a subject share their picture.
            "image_1": f"{subject}-{max(n, 1)}.png",
            "img_type": "['Diagrams']",
            "answer": letter,
            "topic_difficulty": "Easy",
            "question_type": "multiple-choice",
            "subfield": subject,
        }
        if n == 1:
            row |= {"question": f"<image1>と<image 2>に共通するものはどれですか（{subject}）？"}
            row |= {"image_2": f"{subject}-second.png"}
        if n == 2:
            options = [f"<image {k}>" for k in (2, 3, 4, 5)]
            row |= {"options": str(options)} | {f"image_{k}": f"{subject}-{k}.png" for k in (2, 3, 4, 5)}
        if n == OPEN and opens and subject not in CULTURE_SPECIFIC:
            row |= {"question_type": "open", "options": "[]", "answer": "三角形"}
        found.append(row)
    return found


def all_rows(*, opens: bool = True) -> list[dict[str, Any]]:
    """The rows of all subjects."""
    return [row for subject in SUBJECTS for row in rows(subject, opens=opens)]


def pro_files() -> dict[str, bytes]:
    """JMMMU-Pro's repository."""
    standard = all_rows(opens=False)
    vision_features: Features = {"id": "string", "image": "image", "options": "string", "answer": "string"}
    vision = [row | {"image": f"vision-{row['id']}.png"} for row in standard]
    return repository({"standard": (_FEATURES, {"test": standard}), "vision": (vision_features, {"test": vision})})


def add(hub: Hub) -> None:
    """Put both repositories on a hub."""
    subjects = {subject: (_FEATURES, {"test": rows(subject)}) for subject in SUBJECTS}
    hub.add_dataset(JMMMU, repository(subjects, infos_in_card=False))
    hub.add_dataset(PRO, pro_files())


def rows_of(task: str) -> list[dict[str, Any]]:
    """The rows that a task is run on."""
    return all_rows(opens=task == "jmmmu_ja")


def is_open(row: Mapping[str, Any]) -> bool:
    """Whether a question has no options."""
    return row["question_type"] == "open"


def answers(task: str) -> dict[str, str]:
    """Answers by question id; to open questions the right one and a wrong one in turn."""
    found = {}
    for number, row in enumerate(rows_of(task)):
        if is_open(row):
            found[row["id"]] = "三角形" if number % 2 else "四角形"
        elif "<image" in row["options"] and kind_of(number) == "option's text":
            found[row["id"]] = f"答えは{row['answer']}です。"  # nobody writes a placeholder
        else:
            found[row["id"]] = choice_answer(number, row["answer"], _options(row))
    return found


def _options(row: Mapping[str, Any]) -> Sequence[str]:
    return [option.strip("' ") for option in row["options"].strip("[]").split(",")]


def expected(task: str) -> dict[str, float]:
    """The shares of right answers in all, in each culture, and of each kind of question."""
    numbered = list(enumerate(rows_of(task)))
    is_right = {n: bool(n % 2) if is_open(row) else kind_of(n) in RIGHT for n, row in numbered}
    is_unread = {n: not is_open(row) and kind_of(n) in UNREAD for n, row in numbered}
    groups = {
        "culture_specific": [n for n, row in numbered if row["subfield"] in CULTURE_SPECIFIC],
        "culture_agnostic": [n for n, row in numbered if row["subfield"] not in CULTURE_SPECIFIC],
    }
    if task == "jmmmu_ja":
        groups["open"] = [n for n, row in numbered if is_open(row)]
        groups["multiple_choice"] = [n for n, row in numbered if not is_open(row)]
    else:
        assert choice_scores(list(is_right))["accuracy"] == percent(sum(is_right.values()), len(is_right))
    n, right, unread = len(numbered), sum(is_right.values()), sum(is_unread.values())
    return {name: percent(sum(is_right[k] for k in own), len(own)) for name, own in groups.items()} | {
        "accuracy": percent(right, n),
        "accuracy_parsed": percent(right, n - unread),
        "unparsed": percent(unread, n),
    }


STAND = Stand(("jmmmu_ja", "jmmmu_pro_ja_standard", "jmmmu_pro_ja_vision"), add, answers, expected)
