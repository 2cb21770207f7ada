"""`--model llava15`, `llava16`, `pangea`, `llava_calm2_siglip`, `mllama`, `mllama_instruct`.

A family is a template (the `.jinja` file of its name beside this one) and a few settings over `ja_vlm`. The templates
write no BOS: the tokenizer adds it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from lmms_eval_ja.models.arguments import AUTO
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.prompt import Message, Prompt, message_images
from lmms_eval_ja.models.template_kind import takes_image_parts

#: Templates of Llama 3 write today's date into the prompt unless they are given one; this is the one that they fall
#: back to (chat template in transformers' `llama4/processing_llama4.py`), so that no answer depends on the day.
LLAMA_DATE = "26 Jul 2024"


class TemplatedVlm(ChatVlm):
    """A chat VLM whose template its authors published elsewhere than in the checkpoint.

    The argument `chat_template` comes before both.
    """

    #: File beside this module; without it there is only the checkpoint's own.
    template: ClassVar[str] = ""
    #: Whether the template replaces one that the checkpoint brings. It is used anyway where there is none, or one that
    #: knows no images (the language model's).
    replaces_own: ClassVar[bool] = False
    #: What `dtype=auto` means.
    auto_dtype: ClassVar[str] = AUTO

    def load(self) -> None:
        """Load as `ja_vlm` does, and settle on a template."""
        if self.arguments.dtype == AUTO:
            self.arguments = dataclasses.replace(self.arguments, dtype=self.auto_dtype)
        super().load()
        has_own = not self.replaces_own and takes_image_parts(getattr(self.processor, "chat_template", None))
        if self.template and not has_own and not self.arguments.chat_template:
            self.processor.chat_template = (Path(__file__).parent / self.template).read_text(encoding="utf-8")


class Llava15(TemplatedVlm):
    r"""LLaVA-1.5 (llava-hf/llava-1.5-7b-hf): the checkpoint's own template, else that of transformers' documentation.

    `USER: <image>\n{question} ASSISTANT:` (docstring of `LlavaForConditionalGeneration`), without the English system
    prompt that lmms-eval's `llava_hf` puts in front. A finished answer ends with `</s>` (Vicuna v1.1).
    """

    template: ClassVar[str] = "llava15.jinja"


class Llava16(TemplatedVlm):
    r"""LLaVA-1.6 on Mistral (llava-hf/llava-v1.6-mistral-7b-hf): the checkpoint's own template, else transformers'.

    `[INST] <image>\n{question} [/INST]` (docstring of `LlavaNextForConditionalGeneration`); further turns as in
    ms-swift 4.6.0 (`template/templates/llava.py`). The fallback is Mistral's: other language models need their own
    template.
    """

    template: ClassVar[str] = "llava16.jinja"


class Pangea(TemplatedVlm):
    """Pangea (neulab/Pangea-7B-hf, LLaVA-NeXT): the checkpoint's own template, else ChatML.

    ChatML is the form of llm-jp/llm-jp-eval-mm (`examples/runtimes/transformers/pangea_hf.py`), whose English system
    message is not taken over: the fallback has none unless the argument `system_prompt` states one.
    """

    template: ClassVar[str] = "pangea.jinja"
    stop: ClassVar[tuple[str, ...]] = ("<|im_end|>",)


class LlavaCalm2Siglip(TemplatedVlm):
    r"""LLaVA-CALM2-SigLIP (cyberagent/llava-calm2-siglip): `USER: <image> {question}\nASSISTANT: `, bfloat16.

    So llm-jp/llm-jp-eval-mm (`examples/runtimes/transformers/llava_calm2_siglip.py`). One question: a form for several
    turns or a system message is not stated.
    """

    template: ClassVar[str] = "llava_calm2_siglip.jinja"
    replaces_own: ClassVar[bool] = True
    auto_dtype: ClassVar[str] = "bfloat16"


class MllamaInstruct(TemplatedVlm):
    """Llama 3.2 Vision Instruct: the checkpoint's own template, on a fixed date."""

    def render(self, messages: list[Message]) -> Prompt:
        """Put the messages into the template."""
        text = self.processor.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, date_string=LLAMA_DATE
        )
        return Prompt(text, message_images(messages))

    def encode(self, prompts: Sequence[Prompt]) -> Mapping[str, Any]:
        """Call the processor, which puts BOS into the text itself (behind images that come first): no second one."""
        images = {"images": [list(p.images) for p in prompts]} if prompts[0].images else {}
        encoded: Mapping[str, Any] = self.processor(
            text=[p.text for p in prompts], padding=True, return_tensors="pt", add_special_tokens=False, **images
        )
        return encoded


class Mllama(MllamaInstruct):
    """Llama 3.2 Vision, the base model (the LLM-jp-3 VILA paper's): completes `<|image|>{text}`.

    The form is that of the docstring of transformers' `MllamaForConditionalGeneration`. It has no turns.
    """

    template: ClassVar[str] = "mllama.jinja"
    replaces_own: ClassVar[bool] = True
