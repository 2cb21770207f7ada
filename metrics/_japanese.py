"""How much of an answer is written in Japanese script.

This is about script, not language: Chinese text counts as Japanese because its letters are Han characters, and a
Japanese answer of Latin letters only ("NVIDIA H100") does not.
"""

import math
import re

#: What stands between the brackets of a regular expression for them. Blocks of Unicode 15: kana with their iteration
#: and prolonged sound marks, half-width kana, Han characters.
JAPANESE_CHARACTERS = (
    "\u3005\u3006\u3031-\u3035\u303b\u303c"  # 々 〆 and other ideographic marks
    "\u3041-\u3096\u309d-\u309f"  # hiragana
    "\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # katakana, ー
    "\uff66-\uff9f"  # half-width katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U0001aff0-\U0001b16f"  # kana extensions and supplement
    "\U00020000-\U0003ffff"  # Han, planes 2 and 3
)
_JAPANESE = re.compile(f"[{JAPANESE_CHARACTERS}]")
_THRESHOLD = 0.5


def japanese_share(text: str) -> float:
    """Share of the letters that are Japanese script.

    Letters are the characters of Unicode category L. White space, digits, symbols, emoji and punctuation, Japanese
    punctuation (、。「」) too, are no letters; the prolonged sound mark ー and the iteration marks 々ゝヽ are.

    Args:
        text: An answer, of any script.

    Returns:
        0.0 to 1.0, or NaN if the text holds no letter ("", "3", "100%。").
    """
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return math.nan
    return sum(_JAPANESE.match(character) is not None for character in letters) / len(letters)


def is_japanese(text: str) -> bool | None:
    """Whether at least half of the letters are Japanese script.

    Args:
        text: An answer, of any script.

    Returns:
        True or False, or None if the text holds no letter and the question has no answer.
    """
    share = japanese_share(text)
    return None if math.isnan(share) else share >= _THRESHOLD
