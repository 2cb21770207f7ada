"""For code that answers one question at a time, through a method of its own instead of `generate`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.generation import Generated, GenerationSettings
from lmms_eval_ja.models.remote.base import RemoteVlm, seeded


class OneByOne(RemoteVlm):
    """Asks the documents of a batch one after the other; how many tokens were generated is not known."""

    @abstractmethod
    def ask(self, inputs: Mapping[str, Any], number: int, settings: GenerationSettings) -> str:
        """The answer to one document.

        Args:
            inputs: of the batch, as `encode` gave them, on the device.
            number: of the document in the batch.
            settings: of the batch.
        """

    def generate(
        self, inputs: Mapping[str, Any], settings: GenerationSettings, seeds: Sequence[int]
    ) -> list[Generated]:
        """Ask one after the other; each samples with its own seed."""
        answers = []
        for number, seed in enumerate(seeds):
            with seeded(seed):
                answers.append(Generated(self.ask(inputs, number, settings)))
        return answers

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Refuse: the code offers no likelihoods.

        Raises:
            ModelError: always.
        """
        name = type(self).__name__
        raise ModelError(
            f"{name} only answers questions, and {len(requests)} likelihoods are asked for: choose tasks "
            "whose output_type is generate_until"
        )
