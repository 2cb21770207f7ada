"""What the answers of a server took: tokens, US dollars, failures."""

from __future__ import annotations

from lmms_eval_ja.clients import JudgeSettings, StoredReply, price_of


class Tally:
    """Counts replies. Only what is new was paid for now; no price is guessed."""

    def __init__(self, settings: JudgeSettings) -> None:
        self.failed = 0
        self._settings = settings
        self._seen: set[str] = set()
        self._new: set[str] = set()
        self._models: set[str] = set()
        self._cut = self._unpriced = self._tokens_in = self._tokens_out = 0
        self._usd = 0.0

    @property
    def new(self) -> int:
        """Number of replies that were paid for now."""
        return len(self._new)

    @property
    def cost(self) -> str:
        """Of the new replies, in words: US dollars, or tokens where no price is known."""
        if self._new and self._unpriced == len(self._new):
            return f"{self._tokens_in + self._tokens_out:,} tokens"
        return f"${self._usd:.4f}" + (f" and {self._unpriced} replies of unknown price" if self._unpriced else "")

    def count(self, reply: StoredReply, *, is_new: bool) -> None:
        """Count a reply; one that several questions share counts once."""
        if reply.key in self._seen:
            return
        self._seen.add(reply.key)
        self._models.add(reply.model)
        self._cut += reply.finish_reason == "length"
        if not is_new:
            return
        self._new.add(reply.key)
        tokens_in, tokens_out = reply.prompt_tokens, reply.completion_tokens
        self._tokens_in, self._tokens_out = self._tokens_in + (tokens_in or 0), self._tokens_out + (tokens_out or 0)
        price = price_of(self._settings, reply.model)
        if price is None or tokens_in is None or tokens_out is None:
            self._unpriced += 1
        else:
            self._usd += price.cost(tokens_in, tokens_out)

    def __str__(self) -> str:
        served = ", ".join(sorted(self._models)) or "nobody"
        return (
            f"served by {served}; {self._cut} cut at the token limit; {self.failed} failed; new tokens: "
            f"{self._tokens_in} in, {self._tokens_out} out; cost: {self.cost}"
        )
