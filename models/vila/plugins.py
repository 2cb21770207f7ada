"""`--model llm_jp_vila` and `--model vila15`."""

from __future__ import annotations

import copy
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lmms_eval_ja.models.arguments import AUTO
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.loading import load_model
from lmms_eval_ja.models.prompt import Message, Prompt, message_images
from lmms_eval_ja.models.vila.conversation import LLMJP_V3, VICUNA_V1, Conversation
from lmms_eval_ja.models.vila.layout import MLP_DOWNSAMPLE, MLP_GELU, LayoutError
from lmms_eval_ja.models.vila.loading import VilaCheckpoint, published_folder

_log = logging.getLogger("lmms_eval_ja")
#: Model arguments that mean nothing here: size of the images and template are the checkpoint's.
_FIXED = ("min_pixels", "max_pixels", "chat_template")


class LlmJpVila(ChatVlm):
    """LLM-jp-3 VILA from its published checkpoint. Model arguments: those of `ja_vlm`.

    float16 on a GPU and float32 on the CPU unless `dtype` says otherwise; greedy, 256 new tokens unless the task says
    otherwise. A prompt longer than the context loses its end, as in the reference.
    """

    max_new_tokens: ClassVar[int] = 256
    conversation: ClassVar[Conversation] = LLMJP_V3
    #: Of this family's checkpoints; another one is probably asked in the wrong words.
    projector: ClassVar[str] = MLP_GELU

    def load(self) -> None:
        """Open the checkpoint and load it as transformers' LLaVA."""
        if stated := [name for name in _FIXED if getattr(self.arguments, name) is not None]:
            raise ModelError(f"{', '.join(stated)}: images and template of a VILA checkpoint are fixed; leave it out")
        if self.arguments.dtype == AUTO:
            self.arguments = dataclasses.replace(self.arguments, dtype="float16" if self.place.gpus else "float32")
        try:
            folder, commit = published_folder(self.arguments.pretrained, self.arguments.revision)
            checkpoint = VilaCheckpoint(folder)
        except LayoutError as error:
            raise ModelError(f"pretrained={self.arguments.pretrained}: {error}") from None
        if checkpoint.layout.projector != self.projector:
            _log.warning(
                "%s has the projector %s, checkpoints of this plugin have %s: is %s the right prompt? (llm_jp_vila is "
                "for LLM-jp-3 VILA, vila15 for VILA1.5)",
                self.arguments.pretrained,
                checkpoint.layout.projector,
                self.projector,
                self.conversation.name,
            )
        self.model = load_model(self.arguments, self.place, cls=_Loader(checkpoint))
        self.model.config._commit_hash = commit  # noqa: SLF001 (where transformers keeps it; tells checkpoints apart)
        self.processor = checkpoint.processor
        self.suppressed_tokens = checkpoint.spare_ids
        self.variant = self.conversation.name
        self.tokenizer = copy.deepcopy(self.processor.tokenizer)
        self.tokenizer.pad_token_id = self.processor.tokens.pad_id

    def render(self, messages: list[Message]) -> Prompt:
        """Put the messages into the conversation's template."""
        return Prompt(self.conversation.render(messages), message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Tokens, and pixels as the reference makes them; not cut."""
        inputs: dict[str, Any] = self.processor([p.text for p in prompts], [p.images for p in prompts], cut=False)
        return inputs

    def shorten(self, inputs: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
        """Keep the first positions, of text and image features together, as the reference does."""
        shortened: dict[str, Any] = self.processor.shorten(inputs, limit)
        return shortened

    def context_length(self) -> int | None:
        """`max_length`, or else `tokenizer_model_max_length` of the checkpoint."""
        stated: int | None = self.arguments.max_length or self.processor.layout.max_length
        return stated


class Vila15(LlmJpVila):
    """VILA1.5 from its published checkpoint: the same layout with Vicuna's prompt."""

    conversation: ClassVar[Conversation] = VICUNA_V1
    projector: ClassVar[str] = MLP_DOWNSAMPLE


@dataclasses.dataclass(frozen=True)
class _Loader:
    """Loads a checkpoint where a class of transformers is expected."""

    checkpoint: VilaCheckpoint
    __name__ = "lmms_eval_ja.models.vila"

    def from_pretrained(self, source: str, **arguments: Any) -> Any:
        del source
        return self.checkpoint.load(**arguments)
