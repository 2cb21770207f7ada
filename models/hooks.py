"""What a family of vision-language models may do its own way: the hooks of `ChatVlm`, with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.decoding import early_stop, end_ids, generation_config, new_ids, rows_sampled
from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.generation import Generated, GenerationSettings
from lmms_eval_ja.models.loading import load_model, load_processor
from lmms_eval_ja.models.prompt import Message, Prompt, message_images
from lmms_eval_ja.models.ranks import Place


class VlmHooks:
    """Class attributes and methods that a subclass of `ChatVlm` overrides, in the order in which they are called.

    None has to be overridden: the defaults serve any image-text-to-text model of transformers with a chat template.

    Attributes:
        arguments: as given.
        place: the devices of this process.
        model: the loaded model; set by `load`, a direct attribute, since lmms-eval frees those.
        processor: the loaded processor; set by `load`.
        tokenizer: for `decode`; a copy of the processor's, since another thread encodes meanwhile.
        suppressed_tokens: ids that are never generated and get no likelihood; `load` may set it.
        variant: what else of this plugin can move an answer, such as a conversation's name: part of every log key.
    """

    arguments: ModelArguments
    place: Place
    model: Any
    processor: Any
    tokenizer: Any

    #: Where a task does not state `max_new_tokens`.
    max_new_tokens: ClassVar[int] = 1024
    #: Strings that end an answer of this family, besides a task's `until`.
    stop: ClassVar[tuple[str, ...]] = ()
    #: Whether checkpoints of this family hold code of their own, which runs only with `trust_remote_code=True`.
    remote_code: ClassVar[bool] = False

    suppressed_tokens: Sequence[int] = ()
    variant: str = ""

    def load(self) -> None:
        """Set `self.model` (in evaluation mode, on its devices) and `self.processor`.

        The default is `AutoModelForImageTextToText` and `AutoProcessor` of `self.arguments.pretrained`. Others call
        `load_model` and `load_processor` of loading.py with another class or folder: these bring dtype, revision,
        device map, offloading, `attn_implementation`, padding on the left and clear errors.
        """
        self.model = load_model(self.arguments, self.place)
        self.processor = load_processor(self.arguments)

    def render(self, messages: list[Message]) -> Prompt:
        """Put one document's chat messages into the model's template.

        Called once or twice for a document, also in another thread. `messages` always have lists of parts as content,
        and images are RGB (prompt.py, where `message_text` and `message_images` help). The default is the processor's
        chat template with a generation prompt.

        Raises:
            DocumentError: this document cannot be asked; it becomes a failed generation with this reason.
        """
        text = self.processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return Prompt(text, message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Make the inputs of `generate` for a batch, on the CPU, padded on the left.

        Called in another thread while the device answers the batch before; the prompts of a batch have the same number
        of images. Tensors are moved to the model's device afterwards, those of floats to its dtype; other values stay.
        By `attention_mask` (batch, tokens), where there is one, prompts longer than the context are found and input
        tokens counted. The default calls the processor; special tokens are not added to a text that begins with BOS.

        Raises:
            Exception: any; the batch is then encoded one by one, and what fails alone is a failed generation.
        """
        texts = [prompt.text for prompt in prompts]
        keywords: dict[str, Any] = {"images": [list(p.images) for p in prompts]} if prompts[0].images else {}
        bos = getattr(getattr(self.processor, "tokenizer", self.processor), "bos_token", None)
        if bos and all(text.startswith(bos) for text in texts):
            keywords["add_special_tokens"] = False
        encoded: Mapping[str, Any] = self.processor(text=texts, padding=True, return_tensors="pt", **keywords)
        return encoded

    def generate(
        self, inputs: Mapping[str, Any], settings: GenerationSettings, seeds: Sequence[int]
    ) -> list[Generated]:
        """Answer a batch: what `encode` made, on the device.

        The default calls `self.model.generate` and `self.decode`. Families whose code has another interface (`chat`,
        `generate_content`) override this; their texts too are cut at `settings.until` and stripped of white space at
        both ends afterwards. Running out of memory may be raised as it is.

        Args:
            inputs: as `encode` gave them.
            settings: of all documents in the batch.
            seeds: one for each document; only sampling reads them.

        Returns:
            One answer for each prompt, in order.
        """
        ends, pad = end_ids(self.model, self.tokenizer, settings.until), self.tokenizer.pad_token_id
        output = self.model.generate(
            **inputs,
            generation_config=generation_config(self.model, settings, ends, pad, self.suppressed_tokens),
            logits_processor=rows_sampled(settings, seeds),
            stopping_criteria=early_stop(self.decode, settings.until if settings.num_beams == 1 else ()),
        )
        return [Generated(self.decode(ids), len(ids)) for ids in new_ids(output, inputs, ends, pad)]

    def decode(self, ids: torch.Tensor) -> str:
        """The text of one answer's new token ids (one-dimensional, without padding), without special tokens."""
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def shorten(self, inputs: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
        """Cut the inputs of one prompt to `limit` tokens, as the family's reference does; the default refuses.

        Called with a batch of one that is longer; what is cut is counted and reported.

        Raises:
            DocumentError: the prompt does not fit.
        """
        tokens = int(inputs["attention_mask"].sum())
        raise DocumentError(f"the prompt has {tokens} tokens, the context {limit}; max_pixels makes images smaller")

    def context_length(self) -> int | None:
        """Number of tokens that a prompt may have; None where it is not known."""
        if self.arguments.max_length is not None:
            return self.arguments.max_length
        config = getattr(self.model, "config", None)
        text = getattr(config, "text_config", None) or getattr(config, "llm_config", None) or config
        stated = getattr(text, "max_position_embeddings", None)
        return int(stated) if stated else None
