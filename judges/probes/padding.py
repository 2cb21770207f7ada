"""Sentences that add nothing to an answer, for the probe of verbosity; the wording is this project's."""

from __future__ import annotations

from itertools import count

#: An answer becomes at least so long by padding, in characters: a short one is hardly longer when it is doubled.
_SHORTEST = 120
_FILLER = (
    "以上が、ご質問に対する回答となります。",
    "なお、この回答は、ご質問の内容をよく確認したうえで書いたものです。",
    "ご質問の趣旨に沿って、必要と思われる点を順に述べました。",
    "繰り返しになりますが、上に述べたとおりです。",
    "この点について、これ以上に付け加えることは特にありません。",
    "お読みいただき、まことにありがとうございます。",
    "ほかにもお知りになりたいことがあれば、どうぞお知らせください。",
)


def padded(answer: str, times: float = 2.0) -> str:
    """The answer with sentences behind it that say nothing more.

    Args:
        answer: stays as it is.
        times: how many times as long it becomes at least; never less than 120 characters of padding.
    """
    wanted = max(_SHORTEST, (times - 1) * len(answer))
    added = ""
    for at in count():
        if len(added) >= wanted:
            break
        added += _FILLER[at % len(_FILLER)]
    return f"{answer.rstrip()}\n\n{added}"
