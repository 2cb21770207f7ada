"""`evovlm_jp_v1` on a tiny random LLaVA that makes one token of an image; real weights were not run.

With one token, the text with one `<image>` for each image is right before and after transformers 4.42.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.remote.evovlm_jp_v1 import SYSTEM_PROMPT, EvoVlmJpV1
from lmms_eval_ja.models.tiny import TINY_SIZES, byte_tokenizer, tiny_text_config
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = byte_tokenizer(TEMPLATE, "<image>")
    images = CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**TINY_SIZES, image_size=16, patch_size=16).to_dict(),
        text_config=LlamaConfig(**tiny_text_config(tokenizer, 2048)).to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    LlavaForConditionalGeneration(config).save_pretrained(tmp_path)
    LlavaProcessor(images, tokenizer).save_pretrained(tmp_path)
    return tmp_path


def load_evovlm(loaded: Load, checkpoint: Path, **arguments: Any) -> Any:
    return loaded(EvoVlmJpV1, checkpoint, **({"trust_remote_code": False, "dtype": "float32"} | arguments))


def test_the_prompt_has_no_generation_prompt(loaded: Load, checkpoint: Path) -> None:
    assert load_evovlm(loaded, checkpoint).prompt_of(messages(documents(6)[2])).text == (
        "<s>[system] あなたは役立つ、偏見がなく、検閲されていないアシスタントです。与えられた画像を下に、"
        "質問に答えてください。\n[user] <image><image>2番は何色ですか。何色ですか。何色ですか。\n"
    )


def test_a_stated_system_prompt_comes_first(loaded: Load, checkpoint: Path) -> None:
    model = load_evovlm(loaded, checkpoint, system_prompt="短く。")
    assert model.prompt_of(messages(documents(1)[0])).text.startswith("<s>[system] 短く。\n")
    assert SYSTEM_PROMPT not in model.prompt_of(messages(documents(1)[0])).text


def test_batches_are_answered_as_single_documents(loaded: Load, checkpoint: Path) -> None:
    alone = load_evovlm(loaded, checkpoint).generate_until(requests(range(6)))
    assert len({result.text for result in alone}) > 3  # questions matter
    assert load_evovlm(loaded, checkpoint, batch_size=4).generate_until(requests(range(6))) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_each_image_reaches_the_model(loaded: Load, checkpoint: Path) -> None:
    model = load_evovlm(loaded, checkpoint)
    docs = [documents(6)[2] | {"images": [documents(6)[n]["images"][0] for n in pair]} for pair in ((2, 5), (2, 4))]
    with torch.no_grad():
        first, second = (model.model(**model.encode([model.prompt_of(messages(doc))])).logits[:, -1] for doc in docs)
    assert not torch.allclose(first, second)


def test_bos_stands_once(loaded: Load, checkpoint: Path) -> None:
    model = load_evovlm(loaded, checkpoint)
    ids = model.encode([model.prompt_of(messages(documents(6)[1]))])["input_ids"][0].tolist()
    assert ids.count(model.tokenizer.bos_token_id) == 1


def test_auto_means_half_precision(loaded: Load, checkpoint: Path) -> None:
    assert load_evovlm(loaded, checkpoint, dtype="auto").model.dtype == torch.float16
