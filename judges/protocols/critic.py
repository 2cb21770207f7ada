"""`critic`: one answer alone, from 1 to 10 by general rules, the rules of its type of task and a reference; no image.

The order of the prompt and the form of the reply are those of AlignMMBench's critic (arXiv 2406.09295); all of the
wording is our own. The type of task is the sample's `category`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lmms_eval_ja.judges.protocols.base import Message, Protocol, Score
from lmms_eval_ja.judges.protocols.critique_reply import HIGH, LOW, read_critique
from lmms_eval_ja.judges.sample import Sample, Turn, turns_of

#: Categories that say nothing of how an answer is to be judged: none, and those of Heron-Bench and LLaVA-Bench, by
#: which `ja_sample` is sorted, too. Such answers are judged by `GENERAL`.
UNSPECIFIC = ("", "general", "conv", "detail", "complex")
_NO_HISTORY = "（この質問より前の対話はありません）"
_TURN = "【対話の履歴 第{n}回の{who}】\n{text}"


@dataclass(frozen=True)
class TaskType:
    """A type of task: its name in AlignMMBench and in Japanese, other names, and what the judge has to mind."""

    name: str
    japanese: str
    also: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def label(self) -> str:
        """As the judge reads it."""
        return f"{self.japanese}（{self.name}）"

    @property
    def block(self) -> str:
        """The rules, one a line."""
        return "\n".join(f"- {rule}" for rule in self.rules)


#: For answers whose type of task is not known.
GENERAL = TaskType(
    "General",
    "一般",
    (),
    (
        "質問に直接答えているか、答えの中心となる内容が参照回答と一致しているかを第一に見ます。中心となる内容が食い違えば4以下にします。",
        "名前、数、文字、時期など、確かめられる事実は厳しく見ます。印象や言い回しの違いは問いません。",
        "理由や説明が求められているときは、結論だけでなく、筋が通っているかも見ます。",
    ),
)


@cache
def task_types() -> tuple[TaskType, ...]:
    """AlignMMBench's thirteen types of task, in the order of its paper."""
    import yaml

    text = (files("lmms_eval_ja.judges.protocols") / "critic.yaml").read_text(encoding="utf-8")
    stated: list[Mapping[str, Any]] = yaml.safe_load(text)
    return tuple(TaskType(t["name"], t["japanese"], tuple(t["also"]), tuple(t["rules"])) for t in stated)


def task_type(category: str) -> TaskType:
    """The type of task that a category names, in whatever case, width and spacing.

    Raises:
        ValueError: it names none; the message lists those that are known.
    """
    folded = _folded(category)
    if folded in UNSPECIFIC:
        return GENERAL
    if folded not in _by_name():
        known = ", ".join(known.name for known in task_types())
        raise ValueError(
            f"the protocol critic knows no type of task {category!r}; the column category has to name one of {known}, "
            "or General, by which documents without a category are judged"
        )
    return _by_name()[folded]


@cache
def _by_name() -> dict[str, TaskType]:
    return {_folded(name): known for known in task_types() for name in (known.name, known.japanese, *known.also)}


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in plain if not c.isspace() and c not in "-_.")


@cache
def _prompt() -> str:
    return (files("lmms_eval_ja.judges.protocols") / "critic.txt").read_text(encoding="utf-8").removesuffix("\n")


class Critic(Protocol):
    """Whole numbers of 1 to 10; the judge is shown no picture, even if it sees. Temperature 0 and seed 0."""

    name = "critic"
    version = 1
    low, high = LOW, HIGH
    shows_images = False
    looks_at = ("category", "history")
    sampling = {"temperature": 0, "max_tokens": 1024, "seed": 0}  # noqa: RUF012 (a ClassVar by the base)
    delimiters = ("【対話の履歴", "【質問", "【課題の種類", "【参照回答", "【評価対象の回答")

    def template(self) -> str:
        """The prompt with its places, and the rules of all types of task."""
        blocks = "\n\n".join(f"{known.label}\n{known.block}" for known in (*task_types(), GENERAL))
        return f"{_prompt()}\n\n{_NO_HISTORY}\n{_TURN}\n\n{blocks}"

    def problem(self, columns: Mapping[str, Iterable[Any]]) -> str | None:
        """The first category that is no type of task, and the first earlier turns that cannot be read."""
        for row, category in enumerate(columns.get("category", ())):
            try:
                task_type("" if category is None else str(category))
            except ValueError as error:
                return f"row {row}: {error}"
        for row, stated in enumerate(columns.get("history", ())):
            if turns_of(stated) is None:
                return f"row {row}: history is no list of turns, each with `user` and `assistant`: {stated!r:.80}"
        return None

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """One user message.

        Raises:
            ValueError: the sample's category is no type of task; names the sample and the types that are known.
        """
        del pass_
        try:
            known = task_type(sample.category)
        except ValueError as error:
            raise ValueError(f"sample {sample.sample_id}: {error}") from None
        content = _prompt().format(
            history=self._history(sample.history),
            question=self.quoted(sample.question),
            task_type=known.label,
            reference=self.quoted(sample.reference),
            answer=self.quoted_answer(sample.answer),
            rules=known.block,
        )
        return [{"role": "user", "content": content}]

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """`Rating` of the last JSON object that has it; the reason is kept with the reply."""
        del pass_
        return read_critique(reply)

    def _history(self, turns: Sequence[Turn]) -> str:
        """Turn by turn, each part under a mark that no text can write."""
        parts = [
            _TURN.format(n=n, who=who, text=self.quoted(text))
            for n, turn in enumerate(turns, start=1)
            for who, text in (("利用者", turn.user), ("アシスタント", turn.assistant))
        ]
        return "\n\n".join(parts) or _NO_HISTORY
