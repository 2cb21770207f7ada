"""CVQA: all languages in one configuration, of which the Japanese rows are a part; schema of the card of afaji/cvqa."""

from __future__ import annotations

from typing import Any

from support.hub import Hub
from support.suite.repository import Features, repository
from support.suite.stand import Stand, choice_answer, choice_scores

NAME = "afaji/cvqa"
ROWS = 203
_FEATURES: Features = {
    "image": "image",
    "ID": "string",
    "Subset": "string",
    "Question": "string",
    "Translated Question": "string",
    "Options": "strings",
    "Translated Options": "strings",
    "Label": "int64",
    "Category": "string",
    "Image Type": "string",
    "Image Source": "string",
    "License": "string",
}
_CATEGORIES = ("Objects / materials / clothing", "Cooking and food", "Plants and animal", "Traditions / art / history")
_THINGS = ("鳥居", "味噌汁", "桜", "風呂敷", "狛犬")


def rows(*, labels: bool = True) -> list[dict[str, Any]]:
    """203 made-up Japanese rows among 40 of other languages, some with blanks around their texts; two on a picture."""
    found = []
    for n in range(ROWS + 40):
        is_japanese = n % 6 != 5 or n >= 240
        found.append(
            {
                "image": f"cvqa-{n // 2 % 100}.jpg",
                "ID": f"{59_919_911_442 + n}_{n % 3}",
                "Subset": "('Japanese', 'Japan')" if is_japanese else "('Breton', 'France')",
                "Question": f"{n}番の写真に写っているのは何ですか？ ",
                "Translated Question": f"What is in photo {n}?",
                "Options": [f" {_THINGS[(n + k) % len(_THINGS)]}{k}" for k in range(4)],
                "Translated Options": ["a", "b", "c", "d"],
                "Label": n % 4 if labels else -1,
                "Category": _CATEGORIES[n % len(_CATEGORIES)],
                "Image Type": "Self",
                "Image Source": "Self-open",
                "License": "CC BY-SA",
            }
        )
    assert len(japanese(found)) == ROWS
    return found


def japanese(every: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the Japanese part."""
    return [row for row in every if row["Subset"] == "('Japanese', 'Japan')"]


def files(*, labels: bool = True) -> dict[str, bytes]:
    """The repository; without labels as it was before they were published."""
    return repository({"default": (_FEATURES, {"test": rows(labels=labels)})})


def add(hub: Hub) -> None:
    """Put the repository on a hub."""
    hub.add_dataset(NAME, files())


def answers(task: str) -> dict[str, str]:
    """Answers by question id."""
    del task
    return {
        row["ID"]: choice_answer(n, "ABCD"[row["Label"]], [option.strip() for option in row["Options"]])
        for n, row in enumerate(japanese(rows()))
    }


def expected(task: str) -> dict[str, float]:
    """The answers' kinds, in turn."""
    del task
    return choice_scores(list(range(ROWS)))


STAND = Stand(("cvqa_ja",), add, answers, expected)
