"""`sarashina2_vision` and `sarashina22_vision` on stand-ins with the same interface; real weights were not run.

The stand-in's model and processor lie in the checkpoint's folder and are loaded by transformers itself: a random Llama
that sees the mean colour of an image. Its templates are of the two kinds that a checkpoint may bring.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.remote.sarashina_vision import IMAGE_TAG, Sarashina2Vision, Sarashina22Vision
from support.remote_checkpoints import make_seeing
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
#: A template of texts that writes one tag in front, whatever the message holds.
FIXED = (
    "<s>"
    + IMAGE_TAG
    + "Some words.\n\n{% for m in messages %}### Human: {{ m['content'] }}\n{% endfor %}### Assistant:"
)
#: A template of texts that writes no tag.
BARE = "<s>{% for m in messages %}### Human: {{ m['content'] }}\n{% endfor %}### Assistant:"
#: A template of parts.
PARTS = (
    "{% for m in messages %}<|user|>{% for p in m['content'] %}{% if p['type'] == 'image' %}" + IMAGE_TAG + "{% else %}"
    "{{ p['text'] }}{% endif %}{% endfor %}</s>{% endfor %}<|assistant|>"
)


def rendered(model: ChatVlm, number: int) -> str:
    return model.prompt_of(messages(documents(6)[number])).text


@pytest.mark.parametrize(
    ("template", "none", "two"),
    [
        (
            FIXED,
            "<s>Some words.\n\n### Human: 0番は何色ですか。\n### Assistant:",
            (
                "<s><|prefix|><|file|><|suffix|><|prefix|><|file|><|suffix|>Some words.\n\n"
                "### Human: 2番は何色ですか。何色ですか。何色ですか。\n### Assistant:"
            ),
        ),
        (
            BARE,
            "<s>### Human: 0番は何色ですか。\n### Assistant:",
            (
                "<s>### Human: <|prefix|><|file|><|suffix|><|prefix|><|file|><|suffix|>"
                "2番は何色ですか。何色ですか。何色ですか。\n### Assistant:"
            ),
        ),
        (
            PARTS,
            "<|user|>0番は何色ですか。</s><|assistant|>",
            (
                "<|user|><|prefix|><|file|><|suffix|><|prefix|><|file|><|suffix|>"
                "2番は何色ですか。何色ですか。何色ですか。</s><|assistant|>"
            ),
        ),
    ],
)
def test_there_is_one_tag_for_each_image(loaded: Load, tmp_path: Path, template: str, none: str, two: str) -> None:
    model = loaded(Sarashina2Vision, make_seeing(tmp_path / "model", template))
    assert (rendered(model, 0), rendered(model, 2)) == (none, two)


@pytest.mark.parametrize(("cls", "template"), [(Sarashina2Vision, FIXED), (Sarashina22Vision, PARTS)])
def test_batches_are_answered_as_single_documents(loaded: Load, tmp_path: Path, cls: type, template: str) -> None:
    checkpoint = make_seeing(tmp_path / "model", template)
    alone = loaded(cls, checkpoint).generate_until(requests(range(6)))
    assert len({result.text for result in alone}) > 4  # images and questions matter
    assert loaded(cls, checkpoint, batch_size=4).generate_until(requests(range(6))) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_bos_stands_once(loaded: Load, tmp_path: Path) -> None:
    model = loaded(Sarashina2Vision, make_seeing(tmp_path / "model", FIXED))
    ids = model.encode([model.prompt_of(messages(documents(6)[1]))])["input_ids"][0].tolist()
    assert ids.count(model.tokenizer.bos_token_id) == 1


def test_an_answer_ends_where_the_templates_next_turn_begins(loaded: Load, tmp_path: Path) -> None:
    reply = "赤です。\n### Human: 次は"
    (answer,) = loaded(Sarashina2Vision, make_seeing(tmp_path / "turns", FIXED, reply=reply)).generate_until(
        requests([0], {"max_new_tokens": 99})
    )
    assert answer.text == "赤です。"


def test_a_heading_ends_nothing_where_turns_are_written_otherwise(loaded: Load, tmp_path: Path) -> None:
    reply = "赤です。\n### 理由"
    (answer,) = loaded(Sarashina22Vision, make_seeing(tmp_path / "parts", PARTS, reply=reply)).generate_until(
        requests([0], {"max_new_tokens": 99})
    )
    assert answer.text == reply


def test_a_template_with_too_many_tags_is_a_named_failure(loaded: Load, tmp_path: Path) -> None:
    model = loaded(Sarashina2Vision, make_seeing(tmp_path / "model", IMAGE_TAG * 3 + "{{ messages[0]['content'] }}"))
    (answer,) = model.generate_until(requests([1]))
    assert "the template wrote 3 image tags for 1 images" in (generation_failure(answer.text) or "")
