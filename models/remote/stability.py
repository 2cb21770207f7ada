"""`--model japanese_stable_vlm` and `japanese_instructblip_alpha`: Stability AI's Japanese vision-language models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import transformers
from PIL import Image

from lmms_eval_ja.models.loading import load_model, load_processor
from lmms_eval_ja.models.prompt import Message, Prompt, message_text
from lmms_eval_ja.models.remote.base import RemoteVlm, auto_class, only_question
from lmms_eval_ja.models.remote.nerdstash import NERDSTASH, load_nerdstash
from lmms_eval_ja.models.remote.row_by_row import RowByRow, load_image_processor, only_image

_OPENING = "以下は、タスクを説明する指示と、文脈のある入力の組み合わせです。要求を適切に満たす応答を書きなさい。"
#: Precedes an answer.
_ANSWER = "### 応答:"


class JapaneseStableVlm(RowByRow, RemoteVlm):
    """Japanese Stable VLM (stabilityai/japanese-stable-vlm).

    Interface (llm-jp/llm-jp-eval-mm, `examples/runtimes/transformers/japanese_stable_vlm.py`): remote code behind
    `AutoModelForVision2Seq`, whose `generate` takes one image's pixels and a text without a tag for it; the
    checkpoint's image processor and tokenizer, without special tokens; instruction, question and answer under
    headings. That adapter joins several images to one; here a document has to have one.
    """

    environment: ClassVar[str] = "stabilityai"
    #: Says what to do with the image; the question is the input to it.
    instruction: ClassVar[str] = "与えられた画像を下に、質問に答えてください。"
    #: Stands between the last heading and the answer.
    before_answer: ClassVar[str] = " \n"

    def load(self) -> None:
        """Load the model by its own code, its tokenizer and its image processor."""
        self.model = load_model(self.arguments, self.place, cls=auto_class(self.arguments, self.environment))
        self.processor = self.load_tokenizer()
        self.image_processor = self.load_image_processor()

    def load_tokenizer(self) -> Any:
        """The checkpoint's own."""
        return load_processor(self.arguments, transformers.AutoTokenizer)

    def load_image_processor(self) -> Any:
        """The checkpoint's own."""
        return load_image_processor(self.arguments)

    def render(self, messages: list[Message]) -> Prompt:
        """Write instruction, question and the heading of the answer."""
        question = message_text(only_question(messages))
        text = (
            f"{_OPENING}\n\n### 指示: \n{self.instruction}\n\n### 入力: \n{question}\n\n{_ANSWER}{self.before_answer}"
        )
        return Prompt(text, (only_image(messages),))

    def encode_one(self, text: str, image: Image.Image) -> Mapping[str, Any]:
        """The image's pixels, and the text without special tokens."""
        tokens = self.processor(text, add_special_tokens=False, return_tensors="pt")
        pixels = self.image_processor(images=[image], return_tensors="pt")
        return dict(pixels) | {name: tokens[name] for name in ("input_ids", "attention_mask")}


class JapaneseInstructBlipAlpha(JapaneseStableVlm):
    """Japanese InstructBLIP Alpha (stabilityai/japanese-instructblip-alpha).

    Interface (llm-jp/llm-jp-eval-mm, `examples/runtimes/transformers/japanese_instructblip_alpha.py`): as Japanese
    Stable VLM, but with `BlipImageProcessor` and the tokenizer of `novelai/nerdstash-tokenizer-v1`; the Q-Former reads
    the same ids; the instruction asks for a description, whatever the question; an answer is what follows the last
    heading of an answer.
    """

    instruction: ClassVar[str] = "与えられた画像について、詳細に述べてください。"
    before_answer: ClassVar[str] = " "

    def __init__(self, pretrained: str = "", *, tokenizer: str = NERDSTASH, **arguments: Any) -> None:
        self._tokenizer_source = tokenizer
        self.variant = f"tokenizer={tokenizer}"
        super().__init__(pretrained, **arguments)

    def load_tokenizer(self) -> Any:
        """Another repository's."""
        return load_nerdstash(self.arguments, self._tokenizer_source)

    def load_image_processor(self) -> Any:
        """That of BLIP, with the checkpoint's settings."""
        return load_image_processor(self.arguments, transformers.BlipImageProcessor)

    def encode_one(self, text: str, image: Image.Image) -> Mapping[str, Any]:
        """Give the text's ids to the Q-Former too."""
        inputs = dict(super().encode_one(text, image))
        return inputs | {f"qformer_{name}": inputs[name].clone() for name in ("input_ids", "attention_mask")}

    def decode(self, ids: torch.Tensor) -> str:
        """The text after the last heading of an answer, if there is one."""
        return super().decode(ids).split(_ANSWER)[-1]
