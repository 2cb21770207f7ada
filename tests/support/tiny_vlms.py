"""Random vision-language models of four families, made on the spot; their tokens are bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmms_eval_ja.models.tiny import byte_tokenizer

#: Heads of width 8, and weights large enough that prompts and images move the next token.
_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def template(tag: str, bos: str = "") -> str:
    """A chat template that puts `tag` where an image stands, and BOS in front if it is given."""
    return (
        bos + "{% for m in messages %}{{ m['role'] }}: {% for p in m['content'] %}"
        "{% if p['type'] == 'image' %}" + tag + "{% else %}{{ p['text'] }}{% endif %}{% endfor %}"
        "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
    )


def make_qwen2_5_vl(folder: Path) -> Path:
    """Qwen2.5-VL: one token for each 8 x 8 pixels, images up to 64 x 64."""
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
    )
    from transformers import Qwen2VLVideoProcessor as VideoProcessor

    tokenizer = byte_tokenizer(
        None, *(tags := ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"))
    )
    start, end, image, video = tokenizer.convert_tokens_to_ids(list(tags))
    pixels = {"patch_size": 4, "merge_size": 2, "size": {"shortest_edge": 16 * 16, "longest_edge": 64 * 64}}
    config = Qwen2_5_VLConfig(
        text_config=_text(tokenizer) | {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}},
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 4,
            "patch_size": 4,
            "out_hidden_size": 32,
            "window_size": 16,
            "fullatt_block_indexes": [1],
            "initializer_range": 0.3,
        },
        image_token_id=image,
        video_token_id=video,
        vision_start_token_id=start,
        vision_end_token_id=end,
    )
    processor = Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**pixels),
        tokenizer,
        VideoProcessor(**pixels),
        chat_template=template("<|vision_start|><|image_pad|><|vision_end|>"),
    )
    return _saved(folder, Qwen2_5_VLForConditionalGeneration, config, processor)


def make_gemma3(folder: Path) -> Path:
    """Gemma 3: four tokens for an image; a tokenizer and a template that both put BOS in front."""
    from tokenizers.processors import TemplateProcessing
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3ImageProcessor, Gemma3Processor

    tags = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    plain = byte_tokenizer(None, *tags.values())
    plain._tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", plain.bos_token_id)]
    )
    tokenizer = type(plain)(tokenizer_object=plain._tokenizer, extra_special_tokens=tags, **plain.special_tokens_map)
    ids = {name: tokenizer.convert_tokens_to_ids(tag) for name, tag in tags.items()}
    config = Gemma3Config(
        text_config=_text(tokenizer) | {"head_dim": 8, "query_pre_attn_scalar": 8, "tie_word_embeddings": False},
        vision_config=_VISION | {"image_size": 32, "patch_size": 8},
        mm_tokens_per_image=4,
        tie_word_embeddings=False,
        **{f"{name}_index": id_ for name, id_ in ids.items()},
    )
    processor = Gemma3Processor(
        Gemma3ImageProcessor(size={"height": 32, "width": 32}),
        tokenizer,
        chat_template=template("<start_of_image>", bos="<s>"),
        image_seq_length=4,
    )
    return _saved(folder, Gemma3ForConditionalGeneration, config, processor)


def make_llava_next(folder: Path) -> Path:
    """LLaVA-NeXT: tiles of 32 x 32 pixels in the shape of the image."""
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        LlavaNextImageProcessor,
        LlavaNextProcessor,
    )

    tokenizer = byte_tokenizer(None, "<image>")
    grid = [[32, 64], [64, 32], [64, 64]]
    config = LlavaNextConfig(
        text_config=LlamaConfig(**_text(tokenizer)).to_dict(),
        vision_config=CLIPVisionConfig(**_VISION, image_size=32, patch_size=16).to_dict(),
        image_grid_pinpoints=grid,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = LlavaNextProcessor(
        LlavaNextImageProcessor(
            size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=grid
        ),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        chat_template=template("<image>\n"),
        num_additional_image_tokens=1,
    )
    return _saved(folder, LlavaNextForConditionalGeneration, config, processor)


def make_mllama(folder: Path) -> Path:
    """Mllama (Llama 3.2 Vision): images by cross-attention, in up to two tiles."""
    from transformers import MllamaConfig, MllamaForConditionalGeneration, MllamaImageProcessor, MllamaProcessor

    tokenizer = byte_tokenizer(None, "<|image|>", "<|python_tag|>")
    config = MllamaConfig(
        text_config=_text(tokenizer)
        | {"cross_attention_layers": [1], "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_global_layers": 1,
            "attention_heads": 4,
            "vision_output_dim": 64,
            "image_size": 32,
            "patch_size": 16,
            "max_num_tiles": 2,
            "intermediate_layers_indices": [0],
            "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
            "initializer_range": 0.3,
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )
    processor = MllamaProcessor(
        MllamaImageProcessor(size={"height": 32, "width": 32}, max_image_tiles=2),
        tokenizer,
        chat_template=template("<|image|>", bos="<s>"),
    )
    return _saved(folder, MllamaForConditionalGeneration, config, processor)


#: By the name that tests show.
MAKERS: dict[str, Callable[[Path], Path]] = {
    "qwen2_5_vl": make_qwen2_5_vl,
    "gemma3": make_gemma3,
    "llava_next": make_llava_next,
    "mllama": make_mllama,
}


def _text(tokenizer: Any) -> dict[str, Any]:
    return _TEXT | {
        # Mllama's embeddings have rows beyond the head's; eight are enough for all.
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }


def _saved(folder: Path, cls: Any, config: Any, processor: Any) -> Path:
    import torch

    torch.manual_seed(0)
    model = cls(config)
    for name, weights in model.named_parameters():
        if "gate" in name and weights.numel() == 1:
            torch.nn.init.constant_(weights, 1.0)  # Mllama's gates begin closed: images would not matter
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
