"""How many requests to one judge may be out: fewer when it says that it is busy, more again when it is not."""

from __future__ import annotations

import asyncio
import time
from collections import deque

#: Refusals that come together are one signal.
BETWEEN_CUTS_S = 1.0


class PausedError(Exception):
    """The judge has asked for a pause that is longer than the caller can wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the server asks for a pause of {seconds:.3g} s more")


class Limiter:
    """Slots for requests, at most `most`. Half as many after a refusal, one more after a window of successes.

    Additive increase and multiplicative decrease, as TCP shares a line: ranks and processes that ask one judge come
    to about the same share without knowing of each other. Use from one event loop.
    """

    def __init__(self, most: int) -> None:
        self.most = self.limit = most
        self.in_use = 0
        self._successes = 0
        self._last_cut = -BETWEEN_CUTS_S
        self._paused_until = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self, patience_s: float) -> None:
        """Wait for a slot, first come first served; the caller leaves it with `leave`.

        Raises:
            PausedError: the judge has asked for a pause longer than `patience_s`.
        """
        while True:
            pause = self._paused_until - time.monotonic()
            if pause > patience_s:
                raise PausedError(pause)
            if pause > 0:
                await asyncio.sleep(pause)
            elif self.in_use < self.limit:
                self.in_use += 1
                return
            else:
                turn = asyncio.get_running_loop().create_future()
                self._waiting.append(turn)
                try:
                    await turn
                except asyncio.CancelledError:
                    self._wake()  # it may have been this one's turn
                    raise

    def leave(self) -> None:
        """Give a slot back."""
        self.in_use -= 1
        self._wake()

    def succeeded(self) -> None:
        """Count a success: as many as there are slots make one slot more."""
        self._successes += 1
        if self._successes >= self.limit:
            self._successes = 0
            self.limit = min(self.limit + 1, self.most)
            self._wake()

    def refused(self) -> None:
        """The judge had too much to do: half the slots, once for all refusals within a second."""
        self._successes = 0
        if time.monotonic() - self._last_cut >= BETWEEN_CUTS_S:
            self._last_cut = time.monotonic()
            self.limit = max(1, self.limit // 2)

    def pause(self, seconds: float) -> None:
        """Let no request begin for so long."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)

    def _wake(self) -> None:
        free = self.limit - self.in_use
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
