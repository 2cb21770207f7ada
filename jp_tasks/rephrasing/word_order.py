"""Another word order with the same meaning, for the few patterns where that is sure."""

from __future__ import annotations

import re

from lmms_eval_ja.jp_tasks.rephrasing.endings import ending_of
from lmms_eval_ja.jp_tasks.rephrasing.morphemes import INTERROGATIVES, asks, is_noun_phrase, morphemes
from lmms_eval_ja.jp_tasks.rephrasing.sentences import QUOTED

_ASKING = "|".join(sorted(INTERROGATIVES, key=len, reverse=True))
_ADVERB = re.compile(
    r"^(?P<what>[^、]+?)(?P<particle>について|を)(?P<how>詳しく|くわしく|詳細に|具体的に|簡潔に|簡単に)"
    r"(?P<rest>(?:説明|描写|記述|述べ|教え|論じ).*)$"
)
_PLACE_ASKED = re.compile(
    rf"^(?P<place>[^、]+?)(?P<particle>[にで])は、?(?P<asked>(?:{_ASKING})[^、はを]*?が)(?P<rest>[^、]+)$"
)
_PLACE_TOPIC = re.compile(r"^(?P<place>[^、]+?)(?P<particle>[にで])、?(?P<topic>[^、]+?)は(?P<rest>[^、]+)$")
#: Before で: words that are surely a place, and no predicate (…であり).
_PLACES = (
    "目",
    "中",
    "なか",
    "図",
    "写真",
    "絵",
    "画像",
    "イラスト",
    "表",
    "グラフ",
    "作品",
    "店",
    "駅",
    "県",
    "町",
    "市",
)
_TOPIC_LAST = re.compile(rf"^(?P<topic>[^、は]+)は(?P<rest>(?:{_ASKING})[^、は]*か)(?P<mark>[。？?]?)$")


def other_order(sentence: str) -> str | None:
    """The sentence in another order, or None.

    | from | to |
    |---|---|
    | Xについて詳しく説明して… | 詳しくXについて説明して… |
    | Xには何が…ますか | 何がXに…ますか |
    | Xで、Yは… | YはXで… |
    | Xは何ですか | 何ですか、Xは |
    """
    if QUOTED.search(sentence):
        return None
    for turned in (_adverb_first, _asked_first, _topic_first, _topic_last):
        if (found := turned(sentence)) is not None:
            return found
    return None


def _adverb_first(sentence: str) -> str | None:
    match = _ADVERB.match(sentence)
    if match is None or not is_noun_phrase(morphemes(match["what"])):
        return None
    return f"{match['how']}{match['what']}{match['particle']}{match['rest']}"


def _asked_first(sentence: str) -> str | None:
    match = _PLACE_ASKED.match(sentence)
    if match is None or not _still(match["place"]) or not _ends_in_verb(sentence):
        return None
    return f"{match['asked']}{match['place']}{match['particle']}{match['rest']}"


def _topic_first(sentence: str) -> str | None:
    match = _PLACE_TOPIC.match(sentence)
    if match is None or not (_still(match["place"]) and _still(match["topic"])) or not _ends_in_verb(sentence):
        return None
    if match["particle"] == "で" and not match["place"].endswith(_PLACES):
        return None
    return f"{match['topic']}は{match['place']}{match['particle']}{match['rest']}"


def _topic_last(sentence: str) -> str | None:
    match = _TOPIC_LAST.match(sentence)
    ending = ending_of(sentence)
    if match is None or ending is None or ending.kind != "noun" or not _still(match["topic"]):
        return None
    return f"{match['rest']}、{match['topic']}は{match['mark']}"


def _still(phrase: str) -> bool:
    """Whether it is a noun phrase that asks nothing."""
    words = morphemes(phrase)
    return is_noun_phrase(words) and not asks(words)


def _ends_in_verb(sentence: str) -> bool:
    ending = ending_of(sentence)
    return ending is not None and ending.kind == "verb"
