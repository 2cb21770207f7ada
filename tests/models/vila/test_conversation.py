from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.vila.conversation import LLMJP_V3, VICUNA_V1
from support.vila_golden import Case, each, needs_golden

IMAGE = {"type": "image", "image": Image.new("RGB", (2, 2))}
SYSTEM = "以下は、タスクを説明する指示です。要求を適切に満たす応答を書きなさい。"


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def says(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(parts)}


def test_llmjp_v3() -> None:
    asked = LLMJP_V3.render([says("user", IMAGE, text("何色ですか?"))])
    assert asked == f"{SYSTEM}\n\n### 指示:\n<image>\n何色ですか?\n\n### 応答:\n"


def test_llmjp_v3_ends_an_answer_with_eos() -> None:
    asked = LLMJP_V3.render([says("user", text("一")), says("assistant", text("二")), says("user", text("三"))])
    assert asked == f"{SYSTEM}\n\n### 指示:\n一\n\n### 応答:\n二</s>\n\n### 指示:\n三\n\n### 応答:\n"


def test_vicuna_v1() -> None:
    asked = VICUNA_V1.render(
        [says("user", IMAGE, text("What?")), says("assistant", text("A.")), says("user", text("B"))]
    )
    system = (
        "A chat between a curious user and an artificial intelligence assistant. "
        "The assistant gives detailed, helpful, and polite answers to the user's questions."
    )
    assert asked == f"{system} USER: <image>\nWhat? ASSISTANT: A.</s>USER: B ASSISTANT:"


def test_a_system_message_replaces_the_templates_own() -> None:
    asked = LLMJP_V3.render([says("system", text("短く。")), says("user", text("一"))])
    assert asked == "短く。\n\n### 指示:\n一\n\n### 応答:\n"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([IMAGE, IMAGE, text("違いは?")], "<image>\n<image>\n違いは?"),
        ([text("次の画像"), IMAGE, text("は?")], "次の画像<image>は?"),
        ([IMAGE, text("甲"), IMAGE], "<image>\n甲<image>"),
        ([IMAGE, IMAGE, text("1: <image> 2: <image>")], "1: <image> 2: <image>"),
        ([IMAGE], "<image>\n"),
        ([text("なし")], "なし"),
    ],
)
def test_where_the_tags_stand(parts: list[dict[str, Any]], expected: str) -> None:
    assert LLMJP_V3.render([says("user", *parts)]) == f"{SYSTEM}\n\n### 指示:\n{expected}\n\n### 応答:\n"


@pytest.mark.parametrize(
    ("parts", "counts"),
    [
        ([IMAGE, IMAGE, text("<image>は?")], "1 <image> tags in the text for 2 images"),
        ([IMAGE, text("<image><image>は?")], "2 <image> tags in the text for 1 images"),
        ([text("<image>は?")], "1 <image> tags in the text for 0 images"),
    ],
)
def test_tags_of_the_text_that_do_not_fit_the_images(parts: list[dict[str, Any]], counts: str) -> None:
    with pytest.raises(DocumentError, match=counts):
        LLMJP_V3.render([says("user", *parts)])


@pytest.mark.parametrize("roles", [[], ["assistant"], ["user", "assistant"], ["user", "user", "user"], ["system"]])
def test_roles_that_do_not_take_turns(roles: list[str]) -> None:
    with pytest.raises(DocumentError, match="expected user and assistant in turn, ending with user"):
        LLMJP_V3.render([says(role, text("一")) for role in roles])


def test_a_text_with_braces_stays_as_it_is() -> None:
    assert "{text} {0} {" in LLMJP_V3.render([says("user", text("{text} {0} {"))])


@needs_golden
@each()
def test_the_references_prompts(case: Case) -> None:
    from lmms_eval_ja.models.prompt import chat_messages

    assert LLMJP_V3.render(chat_messages(case.messages)) == case.prompt
