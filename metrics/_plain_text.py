"""An answer as plain text: no thoughts, no markup, one width of characters."""

import re

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._reasoning import strip_reasoning

#: Longer answers are read at their beginning and their end only; what was said last is at the end.
_LONGEST, _HEAD, _TAIL = 40_000, 2_000, 20_000

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_STRUCK = re.compile(r"~~[^~\n]{1,200}~~")
_LATEX_FONT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathit|textit|mathsf|operatorname)\s?\{([^{}\n]{0,200})\}")
_LATEX_MARK = re.compile(r"\\(?:[()\[\],;! ]|left|right|quad)")
_HTML = re.compile(r"<(?:/?(?:b|strong|i|em|u|p|span|div|mark|code)\s?|(?:br|BR)\s?/?)>")
#: Marks of chat templates that a decoder left in.
_SPECIAL = re.compile(r"<\|\w{1,30}\|>|</?s>|<(?:eos|bos|pad|unk|(?:start|end)_of_turn)>")
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9_])__?(?=[^\s_])([^_\n]{1,200})(?<!\s)__?(?![A-Za-z0-9_])")
_LINE_START = re.compile(r"(?m)^[ \t]*(?:#{1,6}[ \t]+|>[ \t]?|[-・•●○■◆▪][ \t]+|・)")
#: Hyphens and minus signs that NFKC leaves apart become one.
_MARKUP = str.maketrans({"*": None, "`": None, "\u2212": "-", "\u2010": "-", "\u2011": "-"})
_FORMULA = re.compile(r"\$\$?([^$\n]{1,400})\$\$?")
_SPACES = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n[ \n]*")


def read_answer(answer: str) -> str:
    """An answer in NFKC without the thoughts in its tags; "" if there is nothing but thoughts.

    Args:
        answer: What a model wrote.

    Returns:
        The text, of a very long one its beginning and its end.
    """
    text = strip_reasoning(nfkc(answer))
    return text if len(text) <= _LONGEST else f"{text[:_HEAD]}\n...\n{text[-_TAIL:]}"


def without_markup(text: str) -> str:
    r"""Remove markdown, LaTeX fonts, HTML tags and invisible characters, and what is struck out.

    Args:
        text: In NFKC, with `\boxed{}` already read.

    Returns:
        Lines without indentation, none of them empty, single spaces.
    """
    if "\n" in text or " " in text or not text.isalnum():
        text = _INVISIBLE.sub("", text.replace("\r", "\n"))
        if "~~" in text:
            text = _STRUCK.sub("", text)
        if "\\" in text:
            text = _LATEX_MARK.sub(" ", _LATEX_FONT.sub(r"\1", text))
        if "<" in text:
            text = _SPECIAL.sub("", text)
            text = _HTML.sub(lambda tag: "\n" if tag[0][1:3].lower() == "br" else "", text)
        if "_" in text:
            text = _EMPHASIS.sub(r"\1", text)
        if "$" in text:
            text = _FORMULA.sub(r"\1", text)
        text = _LINE_START.sub("", text.translate(_MARKUP))
        text = _LINE_ENDS.sub("\n", _SPACES.sub(" ", text)).strip()
    return text


def boxed(text: str) -> list[str]:
    r"""Find what stands in `\boxed{}` or `\fbox{}`, braces inside it included.

    Args:
        text: Any text.

    Returns:
        The contents in order, shape (n,). One that is never closed is not there.
    """
    found: list[str] = []
    if "\\" not in text:
        return found
    at = 0
    for start in _BOX.finditer(text):
        if start.start() < at:
            continue  # a box inside a box
        depth, end = 1, start.end()
        for brace in _BRACE.finditer(text, start.end(), start.end() + _LONGEST_BOX):
            depth += 1 if brace[0] == "{" else -1
            if depth == 0:
                end = brace.start()
                break
        if depth == 0:
            found.append(text[start.end() : end])
            at = end
    return found


_BOX = re.compile(r"\\(?:boxed|fbox)\s?\{")
_BRACE = re.compile(r"[{}]")
_LONGEST_BOX = 2_000
