"""The options of a multiple-choice question: their labels, and their texts as an answer may quote them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase

from lmms_eval_ja.metrics._nfkc import nfkc
from lmms_eval_ja.metrics._plain_text import without_markup

#: A label that an option's own text begins with: "① 東京", "(1) 東京", "ア. 東京", "イ 東京".
_INNER = re.compile(r"\(?\s?([0-9]{1,2}|[ァ-ヴ]|[ivx]{1,4}|[A-Za-z])(?:\s?[)、。]|\s?[.:](?!\d)|(?<!\d)\s)\s*(?=\S)")
_CIRCLED = re.compile(r"\s*[\u2460-\u2473\u24b6-\u24e9\u32d0-\u32fe]")
_NOT_WORDS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Options:
    """Options ready to be looked for.

    Attributes:
        labels: As the caller gave them, shape (n,).
        index_of: From a label in capitals, and from the labels that the texts themselves begin with, to the option.
        texts: The texts in NFKC, small letters, without markup and without labels of their own, shape (n,).
        longest_first: Positions in `texts` of those that are not empty, the longest text first.
        standing_alone: Those of them that name their option without its label: not the texts that are the label of
            another option (keys of music: C, D, E, F).
        spelled: From such a text in whatever spelling to the options that it may be.
        kind: "letter", "digit", "kana" or "other": what the labels are, and so what must not stand beside them.
    """

    labels: tuple[str, ...]
    index_of: dict[str, int]
    texts: tuple[str, ...]
    longest_first: tuple[int, ...]
    standing_alone: tuple[int, ...]
    spelled: dict[str, frozenset[int]]
    kind: str


@lru_cache(maxsize=4096)
def read_options(options: tuple[str, ...], labels: tuple[str, ...] | None) -> Options:
    """Make the options ready.

    Args:
        options: Their texts, shape (n,).
        labels: What they are called, shape (n,); None: A, B, C …

    Raises:
        ValueError: No options, more than the alphabet has letters, or labels that are too few, empty or alike.
    """
    named = tuple(ascii_uppercase[: len(options)]) if labels is None else labels
    if not options or len(named) != len(options):
        raise ValueError(f"{len(options)} options but {len(named)} labels; expected one label for each of 1 or more")
    index_of, kind = _numbered(named)
    texts, inner = _without_inner_labels(options)
    # Labels of the texts count beside the given ones, unless the two say different things.
    if inner and all(index_of.get(label, number) == number for number, label in enumerate(inner)):
        index_of = index_of | {label: number for number, label in enumerate(inner)}
        kind = _kind(index_of)
    folded = tuple(without_markup(text).casefold() for text in texts)
    longest = tuple(sorted((n for n, text in enumerate(folded) if text), key=lambda n: -len(folded[n])))
    alone = tuple(n for n in longest if index_of.get(folded[n].upper(), n) == n)
    spellings: dict[str, frozenset[int]] = {}
    for number in alone:
        for spelling in {folded[number], spelled(folded[number])} - {""}:
            spellings[spelling] = spellings.get(spelling, frozenset()) | {number}
    return Options(named, index_of, folded, longest, alone, spellings, kind)


@lru_cache(maxsize=256)
def _numbered(labels: tuple[str, ...]) -> tuple[dict[str, int], str]:
    """The options' positions by their labels, and what kind of labels these are."""
    keys = [label_key(label) for label in labels]
    if not all(keys) or len(set(keys)) != len(keys):
        raise ValueError(f"labels {list(labels)}; expected labels that are not empty and differ")
    index_of = {key: number for number, key in enumerate(keys)}
    return index_of, _kind(index_of)


def label_key(label: str) -> str:
    """A label in NFKC and capitals, without brackets and dots: "(ａ)" is "A", "②" is "2"."""
    return _NOT_WORDS.sub("", nfkc(label)).upper()


def spelled(text: str) -> str:
    """A text without what spellings of a short answer differ in.

    Letters only, katakana as hiragana; where digits or signs count, all but blanks, quotation marks and the separators
    of thousands.

    Args:
        text: In NFKC and small letters.
    """
    if _CALCULATES.search(text):
        return _QUOTES.sub("", _THOUSANDS.sub("", text)).rstrip(".")
    return _NOT_WORDS.sub("", text).translate(_HIRAGANA)


_CALCULATES = re.compile(r"[0-9+*/^=<>%°√∞−±×÷]|(?<![ァ-ヶ一-鿿])-|[a-z]\s?[-.:]\s?[a-z]")
_QUOTES = re.compile(r"[\s\"'「」『』。、]")
_THOUSANDS = re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))")
_HIRAGANA = str.maketrans({chr(code): chr(code - 0x60) for code in range(0x30A1, 0x30F7)})


def _without_inner_labels(options: Sequence[str]) -> tuple[list[str], list[str]]:
    """Take the labels off that all texts begin with, if they are a series; return the texts and these labels."""
    texts = [nfkc(option).strip() for option in options]
    found = []
    for option, text in zip(options, texts, strict=True):
        circled = _CIRCLED.match(option)
        if circled:
            found.append((label_key(circled[0]), text[len(nfkc(circled[0]).strip()) :].strip()))
        elif match := _INNER.match(text):
            found.append((label_key(match[1]), text[match.end() :]))
        else:
            return texts, []
    labels = [label for label, _ in found]
    if len(set(labels)) < len(labels) or not _series(labels):
        return texts, []
    # "①" alone is a label without a text; the text stays the label, to be quoted as such.
    rests = [rest or text for (_, rest), text in zip(found, texts, strict=True)]
    return (rests, labels) if len(set(rests)) == len(rests) else (texts, [])


def _series(labels: Sequence[str]) -> bool:
    """Whether labels are 1 2 3 …, A B C …, ア イ ウ …, i ii iii … in this order, from their first on."""
    return any(list(series[: len(labels)]) == list(labels) for series in _SERIES)


_SERIES: tuple[Sequence[str], ...] = (
    [str(number) for number in range(1, 51)],
    [str(number) for number in range(21)],
    ascii_uppercase,
    "アイウエオカキクケコサシスセソ",
    "イロハニホヘト",
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"],
)


def _kind(index_of: dict[str, int]) -> str:
    """What the labels are."""
    kinds = {
        "letter" if re.fullmatch("[A-Z]", label)
        else "digit" if re.fullmatch("[0-9]{1,2}", label)
        else "kana" if re.fullmatch("[ァ-ヴ]", label)
        else "other"
        for label in index_of
    }  # fmt: skip
    return kinds.pop() if len(kinds) == 1 else "other" if "other" in kinds else "mixed"
