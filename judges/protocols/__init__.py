"""The protocols by name."""

from lmms_eval_ja.judges.protocols.base import Message, Protocol, ReplyError, Score
from lmms_eval_ja.judges.protocols.binary import JaBinary
from lmms_eval_ja.judges.protocols.critic import Critic
from lmms_eval_ja.judges.protocols.graded import JaGraded
from lmms_eval_ja.judges.protocols.heron import HeronBench
from lmms_eval_ja.judges.protocols.pairwise import JaPairwise
from lmms_eval_ja.judges.protocols.rubric import RubricProtocol
from lmms_eval_ja.judges.protocols.vqa import VqaLikert

PROTOCOLS: dict[str, Protocol] = {
    p.name: p for p in (HeronBench(), JaPairwise(), VqaLikert(), JaBinary(), JaGraded(), RubricProtocol(), Critic())
}


def protocol(name: str) -> Protocol:
    """The protocol of a name.

    Raises:
        ValueError: unknown; the message lists the valid names.
    """
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}; expected one of {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[name]


__all__ = ["PROTOCOLS", "Message", "Protocol", "ReplyError", "Score", "protocol"]
