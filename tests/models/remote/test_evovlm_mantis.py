"""`evovlm_jp_v2` on the real mantis-vl with a tiny random model; run where that is installed (environment evovlm)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.models.remote.evovlm_jp_v2 import EvoVlmJpV2
from lmms_eval_ja.models.tiny import byte_tokenizer
from support.vlm_requests import documents, requests

SYSTEM = "日本語で答えます。"
SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


@pytest.fixture
def mantis() -> Any:
    return pytest.importorskip("mantis.models.mllava", reason="mantis-vl is not installed (environment evovlm)")


@pytest.fixture
def checkpoint(mantis: Any, tmp_path: Path) -> Path:
    import torch
    from transformers import LlamaConfig, SiglipImageProcessor, SiglipVisionConfig

    tokenizer = byte_tokenizer(None, "<image>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
    torch.manual_seed(0)
    config = mantis.configuration_llava.LlavaConfig(
        SiglipVisionConfig(**SIZES, image_size=32, patch_size=16),
        LlamaConfig(**SIZES, vocab_size=len(tokenizer), initializer_range=0.5, bos_token_id=1, eos_token_id=2),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="full",
        pad_token_id=tokenizer.pad_token_id,
    )
    mantis.LlavaForConditionalGeneration(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    return tmp_path


def test_answers_are_those_of_chat_mllava(loaded: Callable[..., Any], mantis: Any, checkpoint: Path) -> None:
    """The way of mantis-vl itself: its conversation `llama_3`, its prompt and its call, one document at a time."""
    given = {"processor": str(checkpoint), "system_prompt": SYSTEM, "dtype": "float32"}
    model = loaded(EvoVlmJpV2, checkpoint, **given)
    answers = [answer.text for answer in model.generate_until(requests(range(6)))]
    assert len(set(answers)) > 4
    batched = loaded(EvoVlmJpV2, checkpoint, batch_size=4, **given).generate_until(requests(range(6)))
    assert [answer.text for answer in batched] == answers

    conversation = mantis.utils.conv_templates["llama_3"]
    conversation.system = f"<|start_header_id|>system<|end_header_id|>\n\n{SYSTEM}"
    model.model.language_model.name_or_path = "llama-3"  # by which mantis-vl chooses the conversation
    for doc, answer in zip(documents(6), answers, strict=True):
        question = "<image>" * len(doc["images"]) + doc["question"]
        text, _ = mantis.chat_mllava(
            question, doc["images"] or None, model.model, model.processor, max_new_tokens=8, do_sample=False
        )
        assert text.strip() == answer
