"""Answers in channels (Harmony): thoughts in `analysis`, what is meant for the reader in `final`."""

from __future__ import annotations

import re

_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<]*(?:<\|constrain\|>[^<]*)?<\|message\|>")
_END = re.compile(r"<\|(?:end|return|call)\|>")
_MARKER = re.compile(r"<\|(?:start|channel|message|end|return|call)\|>")


def final_text(text: str) -> str | None:
    """The text of the last `final` channel, up to its end marker.

    The markers are those that LLM-jp's own parser reads (llm-jp-vllm 0.1.1, `llmjp4/harmony.py`); as there, a text
    without any channel is an answer as it stands.

    Args:
        text: as generated, with special tokens.

    Returns:
        None if there are channels, but the answer ended before `final`.
    """
    finals = list(_FINAL.finditer(text))
    if finals:
        return _END.split(text[finals[-1].end() :])[0]
    if "<|channel|>" in text:
        return None
    return _MARKER.sub("", text)
