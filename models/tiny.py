"""A vision-language model of random numbers that has learnt nothing, made on the spot: for the demo and for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

#: Width and depth of the language model and of the vision tower.
TINY_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {% for p in m['content'] %}"
    "{% if p['type'] == 'image' %}<image>{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
    "{{ '\\n' }}{% endfor %}assistant:"
)
_IMAGE, _PATCH = 32, 16


def make_tiny_vlm(folder: Path, *, seed: int = 0, positions: int = 2048) -> Path:
    """Write the checkpoint of a LLaVA with some eighty thousand weights, which makes four tokens of an image.

    Args:
        folder: Where to; made if it is not there.
        seed: Of the weights.
        positions: Tokens of the context.
    """
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = byte_tokenizer(None, "<image>")
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(
            size={"shortest_edge": _IMAGE}, crop_size={"height": _IMAGE, "width": _IMAGE}
        ),
        tokenizer=tokenizer,
        patch_size=_PATCH,
        vision_feature_select_strategy="default",
        chat_template=_TEMPLATE,
        num_additional_image_tokens=1,
    )
    torch.manual_seed(seed)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**TINY_SIZES, image_size=_IMAGE, patch_size=_PATCH).to_dict(),
        text_config=LlamaConfig(**tiny_text_config(tokenizer, positions)).to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def tiny_text_config(tokenizer: Any, positions: int) -> dict[str, Any]:
    """The fields of a tiny Llama's configuration."""
    return TINY_SIZES | {
        "vocab_size": len(tokenizer),
        "num_key_value_heads": 2,
        "max_position_embeddings": positions,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # Random weights of the usual size all but agree on the next token: these tell prompts apart.
        "initializer_range": 0.5,
    }


def byte_tokenizer(template: str | None, *more: str) -> Any:
    """A tokenizer of transformers whose tokens are bytes, three special ones, and `more` special ones.

    Args:
        template: The chat template in Jinja, if there is to be one.
        more: Special tokens besides `<unk>`, `<s>` and `</s>`, which is also the padding.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    made = Tokenizer(models.BPE(vocab={n: i for i, n in enumerate(names)}, merges=[], unk_token="<unk>"))  # noqa: S106
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, **special)
    tokenizer.add_tokens([*more], special_tokens=True)
    tokenizer.chat_template = template
    return tokenizer
