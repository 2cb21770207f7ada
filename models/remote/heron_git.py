"""`--model heron_git`: the Heron-Bench paper's own baseline (turing-motors) on the classes of turingmotors/heron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

from PIL import Image

from lmms_eval_ja.models.arguments import AUTO
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.loading import load_model
from lmms_eval_ja.models.prompt import Message, Prompt, message_text
from lmms_eval_ja.models.remote.base import only_question
from lmms_eval_ja.models.remote.nerdstash import NERDSTASH, load_nerdstash
from lmms_eval_ja.models.remote.row_by_row import RowByRow, load_image_processor, only_image

_MODULE = "heron.models.git_llm.git_japanese_stablelm_alpha"


class HeronGit(RowByRow):
    """heron-chat-git-ja-stablelm-base-7b-v1; needs the code of its authors, but none from the checkpoint.

    Interface (turingmotors/heron, `README.md` and `heron/models/git_llm/git_japanese_stablelm_alpha`):
    `GitJapaneseStableLMAlphaForCausalLM` in float16, which puts the patches of one image in front of the text; the
    checkpoint's image processor; the tokenizer of `novelai/nerdstash-tokenizer-v1`; padding ends an answer too. No two
    tokens are repeated in a row (wandb/heron-vlm-leaderboard, `plugins/turing-motors_heron-chat-git-…_adapter.py`).
    From the second token on the code does not look at the mask, so rows are not padded. Several images it takes as the
    frames of a video only.
    """

    environment: ClassVar[str] = "stabilityai"

    def __init__(self, pretrained: str = "", *, tokenizer: str = NERDSTASH, **arguments: Any) -> None:
        self._tokenizer_source = tokenizer
        self.variant = f"tokenizer={tokenizer}"
        super().__init__(pretrained, **arguments)

    def load(self) -> None:
        """Load with the authors' code.

        Raises:
            ModelError: it is not installed.
        """
        try:
            heron = import_module(_MODULE)
        except ImportError as error:
            raise ModelError(
                f"this model needs the code of its authors ({error}), which no package index has: clone "
                "github.com/turingmotors/heron, read it, and put its folder on PYTHONPATH "
                f"(in the environment {self.environment}: lmms-eval-ja env create {self.environment})"
            ) from None
        if self.arguments.dtype == AUTO:
            self.arguments = replace(self.arguments, dtype="float16")
        self.model = load_model(self.arguments, self.place, cls=heron.GitJapaneseStableLMAlphaForCausalLM)
        self.processor = load_nerdstash(self.arguments, self._tokenizer_source)
        self.image_processor = load_image_processor(self.arguments)
        config = self.model.generation_config
        config.no_repeat_ngram_size = 2
        config.eos_token_id = [self.processor.pad_token_id, self.processor.eos_token_id]

    def render(self, messages: list[Message]) -> Prompt:
        """Write one turn."""
        return Prompt(f"##human: {message_text(only_question(messages))}\n##gpt: ", (only_image(messages),))

    def encode_one(self, text: str, image: Image.Image) -> Mapping[str, Any]:
        """The image's pixels, and the text with the tokenizer's special tokens."""
        tokens = self.processor(text, return_tensors="pt")
        pixels = self.image_processor(images=[image], return_tensors="pt")
        return dict(pixels) | {name: tokens[name] for name in ("input_ids", "attention_mask")}
