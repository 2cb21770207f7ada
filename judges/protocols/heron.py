"""`original`: Heron-Bench as its authors judge it (arXiv 2404.07824, code at turingmotors/heron 883cd7c).

The judge sees no image: a description of it, the question, GPT-4's answer and the answer under test, in this order,
and the category's rule. It writes both scores, 1 to 10, on the first line. The other order of the two answers (pass 1)
is no part of the published protocol: only a judge's setting `swap` asks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lmms_eval_ja.clients import AssetError, asset
from lmms_eval_ja.judges.protocols.base import Message, Protocol, ReplyError, Score
from lmms_eval_ja.judges.protocols.reading import readable
from lmms_eval_ja.judges.sample import Sample

_SYSTEM = "You are a helpful and precise assistant for checking the quality of the answer."
# The frame and the closing line are prescribed by the benchmark.
_FRAME = (
    "[Context]\n{context}\n\n[Question]\n{question}\n\n[Assistant 1]\n{reference}\n\n[End of Assistant 1]\n\n"
    "[Assistant 2]\n{answer}\n\n[End of Assistant 2]\n\n[System]\n{rule}\n\n"
    "If it is not relevant to the context, does not answer directly, or says the wrong thing, give it a low score.\n\n"
)
#: Of Heron-Bench.
CATEGORIES = ("conv", "detail", "complex")
#: All that the file has rules for, other benchmarks' among them.
_KNOWN = (*CATEGORIES, *(f"llava_bench_{category}" for category in CATEGORIES), "coding", "math", "default")
_NUMBER = r"\d+(?:\.\d+)?"
#: "8 9", "8, 9", "8/10 9/10", after markdown and full-width forms are gone.
_TWO = re.compile(rf"({_NUMBER})(?:\s*/\s*10)?(?:\s+|\s*[,、;]\s*)({_NUMBER})(?:\s*/\s*10)?")


class HeronBench(Protocol):
    """Both answers get 1 to 10; temperature 0, 1,024 tokens, no seed."""

    name = "original"
    version = 1
    low, high = 1, 10
    compares = True
    looks_at = ("category",)
    sampling = {"temperature": 0, "max_tokens": 1024}  # noqa: RUF012 (a ClassVar by the base)
    delimiters = (
        "[Context]",
        "[Question]",
        "[Assistant 1]",
        "[End of Assistant 1]",
        "[Assistant 2]",
        "[End of Assistant 2]",
        "[System]",
    )

    def __init__(self) -> None:
        self._rules: dict[str, str] = {}

    def check(self) -> None:
        """Fail early when `rule.json` is not there."""
        content = json.loads(asset("heron_bench/rule.json").read_text(encoding="utf-8"))
        self._rules = {category: rule["prompt"] for category, rule in content.items()}

    def rules(self) -> dict[str, str]:
        """The judging rules by category, read once: the file's checksum is known, so it cannot change."""
        if not self._rules:
            self.check()
        return self._rules

    def template(self) -> str:
        """System message, frame and the rules of the three categories."""
        rules = self.rules()
        return "\n".join([_SYSTEM, _FRAME, *(rules[category] for category in CATEGORIES)])

    def problem(self, columns: Mapping[str, Iterable[Any]]) -> str | None:
        """The first category that has no rule."""
        if "category" not in columns:
            return f"no column category, by which {self.name} picks the rule, of {', '.join(_KNOWN)}"
        for row, category in enumerate(columns["category"]):
            if category not in _KNOWN:
                return f"row {row}: {self.name} has no rule for category {category!r}, only for {', '.join(_KNOWN)}"
        return None

    def messages(self, sample: Sample, pass_: int = 0) -> list[Message]:
        """System and user message; the category of the sample picks the rule."""
        rules = self.rules()
        if sample.category not in rules:
            raise AssetError(f"rule.json has no rule for category {sample.category!r}; it has {', '.join(rules)}")
        first, second = self.quoted(sample.reference), self.quoted_answer(sample.answer)
        if pass_ == 1:
            first, second = second, first
        user = _FRAME.format(
            context=self.quoted(sample.context),
            question=self.quoted(sample.question),
            reference=first,
            answer=second,
            rule=rules[sample.category],
        )
        return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": user}]

    def parse(self, reply: str, pass_: int = 0) -> Score:
        """Two numbers alone on the first line that is not empty: the reference's, then the answer's (pass 0)."""
        text = readable(reply)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        line = lines[0].strip("*_`#> ") if lines else ""
        found = _TWO.fullmatch(line)
        if found is None:
            raise ReplyError("parse", f"the first line holds no two scores: {line[:80]!r}")
        first, second = self.on_scale(float(found[1])), self.on_scale(float(found[2]))
        return Score(reference=first, score=second) if pass_ == 0 else Score(reference=second, score=first)
