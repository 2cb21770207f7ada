"""JDocQA's score of an answer, by the type of the question."""

from __future__ import annotations

from dataclasses import dataclass

from lmms_eval_ja.metrics._bleu import bleu
from lmms_eval_ja.metrics._open_match import open_match
from lmms_eval_ja.metrics._reasoning import strip_reasoning
from lmms_eval_ja.metrics._yes_no import parse_yes_no

#: The types by their number in the data set's column `answer_type`.
JDOCQA_TYPES = ("yesno", "factoid", "numerical", "open-ended")
JDOCQA_VARIANTS = ("normalized", "evalmm")


@dataclass(frozen=True)
class JdocqaScore:
    """What an answer earns.

    Attributes:
        score: 0.0 or 1.0; BLEU of 0.0 to 1.0 for open-ended questions.
        failure: Why a yes or no could not be read, see `YesNo.reason`; None otherwise. The score is then 0.0.
    """

    score: float
    failure: str | None = None


def jdocqa_score(answer_type: int, reference: str, answer: str, *, variant: str = "normalized") -> JdocqaScore:
    """Score an answer to JDocQA (arXiv 2403.19454): BLEU for open-ended questions, a match for the others.

    Args:
        answer_type: 0 yes/no, 1 factoid, 2 numerical, 3 open-ended.
        reference: The reference answer.
        answer: What a model wrote.
        variant: "normalized": yes or no is read by `parse_yes_no`, factoids and numbers are matched by `open_match`,
            BLEU has effective order. "evalmm": as llm-jp-eval-mm (9f450a5), where the reference is a part of the answer
            (3 in 13, はい in はい、いいえ), and BLEU without effective order, here on unidic-lite's tokens; `bleu` has
            IPADIC's.

    Returns:
        The score.

    Raises:
        ValueError: The type or the variant is not known.
    """
    if answer_type not in range(len(JDOCQA_TYPES)):
        types = ", ".join(f"{number} ({name})" for number, name in enumerate(JDOCQA_TYPES))
        raise ValueError(f"unknown answer type {answer_type!r}; expected one of {types}")
    if variant not in JDOCQA_VARIANTS:
        raise ValueError(f"unknown variant {variant!r}; expected one of {', '.join(map(repr, JDOCQA_VARIANTS))}")
    kind = JDOCQA_TYPES[answer_type]
    if variant == "evalmm":
        if kind == "open-ended":
            return JdocqaScore(bleu(reference, answer, variant="evalmm_unidic") / 100)
        return JdocqaScore(float(open_match(reference, answer, variant="evalmm")))
    if kind == "open-ended":
        return JdocqaScore(bleu(reference, strip_reasoning(answer)) / 100)
    wanted = parse_yes_no(reference) if kind == "yesno" else None
    if wanted is None or wanted.value is None:
        return JdocqaScore(float(open_match(reference, answer)))
    given = parse_yes_no(answer)
    return JdocqaScore(float(given.value is wanted.value), given.reason)
