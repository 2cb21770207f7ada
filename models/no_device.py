"""What lmms-eval asks of models that compute nothing here."""

from __future__ import annotations

import torch
from lmms_eval.api.model import lmms


class NoDevice(lmms):  # type: ignore[misc]  # lmms_eval has no types
    """A chat model whose answers come from elsewhere; its documents are shared among ranks as lmms-eval does."""

    is_simple = False

    @property
    def device(self) -> torch.device:
        """Where lmms-eval gathers counts when there are several ranks."""
        return torch.device("cpu")

    @property
    def rank(self) -> int:
        """This process among those of the run."""
        return int(self._rank)

    @property
    def world_size(self) -> int:
        """Number of processes of the run."""
        return int(self._world_size)
