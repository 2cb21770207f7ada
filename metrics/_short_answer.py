"""The short answer within an answer: what stands in the box, or behind "答えは", without politeness."""

import re

from lmms_eval_ja.metrics._plain_text import boxed, read_answer, without_markup

_STATED = re.compile(
    r"(?:最終的な|最終)?(?:答え|こたえ|正解|正答|解答|回答|結論)(?:は|:|】\s?:?|\n)[、\s]{0,3}([^。\n]{1,300})"
    r"|\b(?:final\s)?answer\s?(?:is|:)\s{0,3}([^\n]{1,300})",
    re.IGNORECASE,
)
_TAGGED = re.compile(r"<(?:answer|final_answer)>([^<]{0,1000})</(?:answer|final_answer)>", re.IGNORECASE)
_START = re.compile(r"[\s\"'「『(\[【]*")
_END = re.compile(
    r"[\s\"'」』)\]】。.!…]*(?:(?:だ|である)?と(?:思い|考えられ|考え|推測され)ます|でございます|です(?:ね|よ)?|である|でした|でしょう|だ|になります|となります)?"
    r"[\s\"'」』)\]】。.!…]*$"
)
#: Politeness is at the very end.
_TAIL = 80


def short_answer(answer: str) -> str:
    r"""The short answer within an answer.

    The content of the last `\boxed{}` or `<answer>`; else what stands behind the last "答えは", "回答:" or "Answer:" of
    the answer; else all of it. Without thoughts in tags, markdown, quotation marks, です and the full stop.

    Args:
        answer: What a model wrote.

    Returns:
        The text in NFKC; "" if there is none.
    """
    text = read_answer(answer)
    return trimmed(_stated(text) or without_markup(text))


def is_stated(answer: str) -> bool:
    """Whether an answer has a box, or says "答えは" or the like."""
    return bool(_stated(read_answer(answer)))


def trimmed(text: str) -> str:
    """A text without outer quotation marks, brackets, politeness and full stops; a bracket that opens inside stays."""
    tail = max(0, len(text) - _TAIL)
    end = _END.search(text, tail)
    cut = text[: end.start()] if end else text
    start = _START.match(cut)
    short = cut[start.end() :] if start else cut
    for opening, closing in ("()", "「」", "『』", "[]", "【】"):
        if short.count(opening) > short.count(closing) and text[len(cut) :].startswith(closing):
            short += closing
    return short.strip()


def _stated(text: str) -> str:
    """What stands in the last box or tag, else behind the last "答えは"; "" if there is nothing like it."""
    boxes = boxed(text) or _TAGGED.findall(text)
    if boxes:
        return without_markup(boxes[-1])
    last = None
    for last in _STATED.finditer(without_markup(text)):  # noqa: B007
        pass
    return (last[1] or last[2] or "").strip() if last else ""
