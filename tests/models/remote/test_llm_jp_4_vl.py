"""`llm_jp_4_vl` on a stand-in with the same interface; real weights were not run.

The stand-in's model and processor lie in the checkpoint's folder and are loaded by transformers itself; the model says
what its configuration tells it to, in new tokens only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote.harmony import final_text
from lmms_eval_ja.models.remote.llm_jp_4_vl import LlmJp4Vl
from support.remote_checkpoints import make_seeing
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
#: Of texts. The stand-in's processor wants `<|file|>` for an image.
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}<|message|>{{ m['content'] | replace('<image>', '<|file|>') }}"
    "<|end|>{% endfor %}<|start|>assistant"
)
TEXTS = TEMPLATE.replace(" | replace('<image>', '<|file|>')", "")
MARKERS = ("<|file|>", "<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>")
THOUGHT = "<|channel|>analysis<|message|>色は。STOP<|end|><|start|>assistant"
ANSWER = THOUGHT + "<|channel|>final<|message|>赤です。STOP青です。<|return|>"


@pytest.mark.parametrize(
    ("text", "final"),
    [
        (ANSWER, "赤です。STOP青です。"),
        ("<|channel|>final<|message|>赤<|end|><|start|>assistant<|channel|>final<|message|>青<|return|>", "青"),
        ("<|channel|>final <|constrain|>json<|message|>{}<|return|>", "{}"),
        ("<|channel|>final<|message|>途中", "途中"),
        ("<|channel|>final<|message|>", ""),
        ("印のない答え<|end|>", "印のない答え"),
        ("<|channel|>analysis<|message|>finalと考え中", None),
        ("<|channel|>final", None),
    ],
)
def test_the_last_final_channel_counts(text: str, final: str | None) -> None:
    assert final_text(text) == final


def loaded_with(loaded: Load, tmp_path: Path, reply: str, **arguments: Any) -> Any:
    checkpoint = make_seeing(tmp_path / "model", TEMPLATE, reply=reply, tokens=MARKERS)
    return loaded(LlmJp4Vl, checkpoint, **arguments)


def test_messages_are_texts_with_a_tag_for_each_image(loaded: Load, tmp_path: Path) -> None:
    model = loaded(LlmJp4Vl, make_seeing(tmp_path / "model", TEXTS, reply=ANSWER, tokens=MARKERS))
    template = "{{ messages[0]['content'] }}"
    model.processor.chat_template = template
    assert model.prompt_of(messages(documents(6)[2])).text == "<image><image>2番は何色ですか。何色ですか。何色ですか。"


def test_a_stop_string_counts_in_the_final_text_only(loaded: Load, tmp_path: Path) -> None:
    settings = {"max_new_tokens": 500, "until": ["STOP"]}
    answers = loaded_with(loaded, tmp_path, ANSWER, batch_size=3).generate_until(requests(range(6), settings))
    assert [answer.text for answer in answers] == ["赤です。"] * 6


def test_an_answer_that_ends_among_its_thoughts_is_a_named_failure(loaded: Load, tmp_path: Path) -> None:
    """Four tokens: `<|channel|>` and three letters of `analysis`."""
    model = loaded_with(loaded, tmp_path, ANSWER)
    (answer,) = model.generate_until(requests([0], {"max_new_tokens": 4}))
    assert "4 tokens did not reach the final channel; allow more max_new_tokens" in (
        generation_failure(answer.text) or ""
    )


def test_where_no_answer_gets_there_the_run_ends_with_the_reason(loaded: Load, tmp_path: Path) -> None:
    model = loaded_with(loaded, tmp_path, ANSWER)
    with pytest.raises(ModelError, match="did not reach the final channel"):
        model.generate_until(requests(range(3), {"max_new_tokens": 4}))
