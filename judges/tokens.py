"""How many tokens judging takes, before it is done: from replies that are stored, else from the prompts' length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.clients.store_reader import Selection, StoreReader
from lmms_eval_ja.judges.dialogue import passes_of
from lmms_eval_ja.judges.protocols import Protocol
from lmms_eval_ja.judges.sample import Sample

#: Characters of ASCII to a token. Every other character, such as a Japanese one, is taken for a token of its own, which
#: is rather too many for the tokenizers of today's judges.
ASCII_PER_TOKEN = 4
#: Tokens of a reply by protocol, assumed: two scores with a paragraph, a sentence or two with JSON, four criteria.
ASSUMED_REPLY = {"original": 400, "ja_pairwise": 200, "vqa_likert": 400, "ja_binary": 150, "ja_graded": 150}
ASSUMED_REPLY_OTHERWISE = 400
#: Hidden tokens of a reasoning judge for each reply, assumed.
ASSUMED_REASONING = 1_000


@dataclass(frozen=True)
class Tokens:
    """Tokens of one request on average.

    Attributes:
        prompt: tokens sent.
        completion: tokens that come back, hidden reasoning among them.
        replies: from how many stored replies this is known; 0 where it is assumed.
        model: which the server reported there, the latest one.
    """

    prompt: float
    completion: float
    replies: int = 0
    model: str | None = None


def tokens_of_text(text: str) -> float:
    """Tokens that a text is taken for: a quarter for each ASCII character, 1 for every other."""
    ascii_ = sum(character.isascii() for character in text)
    return ascii_ / ASCII_PER_TOKEN + len(text) - ascii_


def recorded_tokens(store: Path, protocol: Protocol, settings: JudgeSettings) -> Tokens | None:
    """The mean of the stored replies of this protocol, in this version, and judge model; None where there are none.

    Raises:
        ExchangeError: a store that cannot be read.
    """
    if not store.is_file():
        return None
    chosen = Selection(f"{protocol.name}/{protocol.version}", settings.model)
    with StoreReader(store) as reader:
        groups = [group for group in reader.groups(chosen) if group.replies > group.without_tokens]
    replies = sum(group.replies - group.without_tokens for group in groups)
    if not replies:
        return None
    return Tokens(
        prompt=sum(group.prompt_tokens or 0 for group in groups) / replies,
        completion=sum(group.completion_tokens or 0 for group in groups) / replies,
        replies=replies,
        model=max(groups, key=lambda group: group.last).model,
    )


def assumed_tokens(protocol: Protocol, settings: JudgeSettings, samples: Iterable[Sample]) -> Tokens:
    """By the length of the messages that these samples become, in all orders; of images only the text counts.

    Raises:
        AssetError: the protocol needs a file, or a rule, that is not there.
    """
    prompts = [
        sum(_tokens_of_content(message["content"]) for message in protocol.messages(sample, pass_))
        for sample in samples
        for pass_ in range(passes_of(protocol, settings))
    ]
    sent = settings.sampling(protocol.sampling)
    reply = ASSUMED_REPLY.get(protocol.name, ASSUMED_REPLY_OTHERWISE) + ASSUMED_REASONING * settings.thinks
    limit = sent.get("max_completion_tokens") or sent.get("max_tokens") or reply
    return Tokens(fmean(prompts) if prompts else 0.0, float(min(reply, limit)))


def _tokens_of_content(content: object) -> float:
    if isinstance(content, str):
        return tokens_of_text(content)
    parts = content if isinstance(content, list) else []
    return sum(tokens_of_text(part["text"]) for part in parts if part.get("type") == "text")
