"""For code that has `generate`, but of which it is not known that it takes padded rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoImageProcessor

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.generation import Generated, GenerationSettings
from lmms_eval_ja.models.loading import hub_keywords
from lmms_eval_ja.models.prompt import Message, Prompt, message_images


class RowByRow(ChatVlm):
    """Generates for the documents of a batch one after the other, so that no row is padded."""

    @abstractmethod
    def encode_one(self, text: str, image: Image.Image) -> Mapping[str, Any]:
        """Inputs of `generate` for one document: batches of one, with an `attention_mask` (1, tokens)."""

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Inputs of each document under `rows`; `attention_mask` (documents, tokens) tells their lengths only."""
        rows = [self.encode_one(prompt.text, *prompt.images) for prompt in prompts]
        masks = [row["attention_mask"][0] for row in rows]
        return {"rows": rows, "attention_mask": pad_sequence(masks, batch_first=True)}

    def generate(
        self, inputs: Mapping[str, Any], settings: GenerationSettings, seeds: Sequence[int]
    ) -> list[Generated]:
        """Generate one after the other."""
        answers = []
        for row, seed in zip(inputs["rows"], seeds, strict=True):
            answers += super().generate(self.to_device(row), settings, [seed])
        return answers

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        """Refuse: where the code puts the image among the logits is not known.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{type(self).__name__} only answers questions, and {len(requests)} likelihoods are asked for: choose "
            "tasks whose output_type is generate_until"
        )


def only_image(messages: list[Message]) -> Image.Image:
    """The one image of a document, for code whose form of none or several is not known.

    Raises:
        DocumentError: there is none, or there are several.
    """
    images = message_images(messages)
    if len(images) != 1:
        raise DocumentError(f"{len(images)} images; this plugin asks about one image")
    return images[0]


def load_image_processor(arguments: ModelArguments, cls: Any = AutoImageProcessor) -> Any:
    """Load a checkpoint's image processor.

    Raises:
        ModelError: it cannot be loaded; says why.
    """
    try:
        return cls.from_pretrained(arguments.pretrained, **hub_keywords(arguments))
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise ModelError(f"pretrained={arguments.pretrained}: no image processor can be loaded: {error}") from error
