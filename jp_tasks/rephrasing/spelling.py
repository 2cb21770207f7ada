"""Kanji and kana of chosen words: both are common, and neither has a second reading where the pattern holds."""

from __future__ import annotations

import re

from lmms_eval_ja.jp_tasks.rephrasing.sentences import outside_quotes

_ENDS = r"(?=ですか|でしょうか)"
#: What the most of something is said of, so that 一番 is no number (一番出口).
_MOST = (
    r"(?=(?:高|低|大き|小さ|多|少な|早|速|遅|長|短|近|遠|新し|古|安|重|軽|強|弱|太|細|広|狭|深|浅|暑|寒|熱|冷た|明る|暗"
    r"|濃|薄|良|若|美し|難し)[いくかな]|[上下左右奥]|手前|前|後ろ)"
)
#: (kanji, where it stands, kana, where it stands); a pattern matches just the word.
_PAIRS: tuple[tuple[str, str, str, str], ...] = (
    ("何", rf"(?<![一-龠々])何{_ENDS}", "なん", rf"(?<=は)なん{_ENDS}"),
    ("誰", r"誰(?=[がのをにですか])", "だれ", r"(?<![ぁ-ん])だれ(?=[がのをにですか])"),
    ("最も", r"最も", "もっとも", r"(?<=[がはで、])もっとも(?=[一-龠々])"),
    ("一番", rf"(?<![十百第])一番{_MOST}", "いちばん", rf"いちばん{_MOST}"),
    ("全て", r"全て", "すべて", r"すべて"),
    ("詳しく", r"詳しく", "くわしく", r"くわしく"),
    ("教えて", r"教えて(?=ください|いただけ|もらえ|。|$)", "おしえて", r"おしえて"),
    ("子供", r"子供", "子ども", r"子ども"),
    ("私達", r"私達", "私たち", r"私たち"),
    ("飲み物", r"飲み物", "飲みもの", r"飲みもの"),
    ("食べ物", r"食べ物", "食べもの", r"食べもの"),
    ("分か", r"(?<![一-龠々0-9０-９])分か(?=[りるっ]|らな)", "わか", r"(?<![ぁ-ん])わか(?=[りるっ]|らな)"),
    ("中", r"(?<=の)中(?=に|で|の)", "なか", r"(?<=の)なか(?=に|で|の)"),
    ("写って", r"写って", "うつって", r"(?<=[真像]に)うつって(?=い[るま])"),
    ("時", r"(?<=[るた])時(?=[、には])", "とき", r"(?<=[るた])とき(?=[、には])"),
    ("良い", r"(?<![仲])良い(?=ですか|でしょうか)", "よい", r"(?<=[もがは])よい(?=ですか|でしょうか)"),
    ("例えば", r"例えば", "たとえば", r"たとえば"),
    ("名前", r"(?<![一-龠])名前", "なまえ", r"なまえ"),
)
_SWAPS = tuple(
    swap
    for kanji, in_kanji, kana, in_kana in _PAIRS
    for swap in ((re.compile(in_kanji), kana), (re.compile(in_kana), kanji))
)


def other_spelling(text: str) -> str:
    """The text with each of the chosen words in its other spelling; the text itself where it has none of them."""
    return outside_quotes(text, _swapped)


def _swapped(text: str) -> str:
    """All at once, so that no swap meets the result of another."""
    found: list[tuple[int, int, str]] = []
    for pattern, other in _SWAPS:
        for match in pattern.finditer(text):
            if all(match.end() <= start or end <= match.start() for start, end, _ in found):
                found.append((match.start(), match.end(), other))
    for start, end, other in sorted(found, reverse=True):
        text = text[:start] + other + text[end:]
    return text
