"""A text model of some fifty thousand random numbers that has learnt nothing, made on the spot."""

from __future__ import annotations

from pathlib import Path

from lmms_eval_ja.models.tiny import byte_tokenizer, tiny_text_config

TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def make_text_model(folder: Path, *, seed: int = 0, positions: int = 2048, template: str | None = TEMPLATE) -> Path:
    """A Llama of two layers whose tokens are bytes; two seeds make two models of one size."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_tokenizer(template)
    torch.manual_seed(seed)
    LlamaForCausalLM(LlamaConfig(**tiny_text_config(tokenizer, positions))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
