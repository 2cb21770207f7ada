"""The thin plugins on tiny random models: prompts letter by letter, one BOS, the checkpoint's own template first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models import MANIFESTS
from lmms_eval_ja.models.families.plugins import (
    Llava15,
    Llava16,
    LlavaCalm2Siglip,
    Mllama,
    MllamaInstruct,
    Pangea,
    TemplatedVlm,
)
from support.vlm_requests import documents, messages, requests

Tiny = Callable[[str], Path]
IMAGE = {"type": "image", "url": Image.new("RGB", (32, 32))}
TEXT_ONLY = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
#: A template that writes BOS.
OWN = "<s>{% for p in messages[0]['content'] %}{{ '<image>' if p['type'] == 'image' else p['text'] }}{% endfor %} 答:"
#: An Instruct template as Meta writes it: BOS in the text, and today's date unless one is given.
DATED = (
    "<s>{% if date_string is not defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "Today Date: {{ date_string }}\n{% for m in messages %}{% for p in m['content'] %}"
    "{% if p['type'] == 'image' %}<|image|>{% else %}{{ p['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


ONE = [{"role": "user", "content": [IMAGE, text("何色ですか。")]}]
TURNS = [
    {"role": "system", "content": "簡潔に。"},
    {"role": "user", "content": [IMAGE, IMAGE, text("何色ですか。")]},
    {"role": "assistant", "content": "赤"},
    {"role": "user", "content": "本当?"},
]


@pytest.fixture
def load(tiny: Tiny, tmp_path: Path, one_thread: None) -> Callable[..., Any]:
    """Loads a plugin on a tiny checkpoint with this chat template (None is none) and a tokenizer that adds BOS."""

    def load(cls: type, template: str | None = None, *, family: str = "llava_next", **arguments: Any) -> Any:
        folder = tmp_path / f"{cls.__name__}-{len(list(tmp_path.iterdir()))}"
        shutil.copytree(tiny(family), folder)
        (folder / "chat_template.jinja").unlink()
        if template is not None:
            (folder / "chat_template.jinja").write_text(template)
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        bos = {"SpecialToken": {"id": "<s>", "type_id": 0}}
        tokenizer["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [bos, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [bos, {"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        }
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        given = {"answer_log": "off", "dtype": "float32", "device": "cpu"} | arguments
        model = cls(str(folder), **given)
        model.task_dict["t"] = {"test": documents(6)}
        return model

    return load


@pytest.mark.parametrize(
    ("cls", "family", "prompt"),
    [
        (Llava15, "llava_next", "USER: <image>\n何色ですか。 ASSISTANT:"),
        (Llava16, "llava_next", "[INST] <image>\n何色ですか。 [/INST]"),
        (Pangea, "llava_next", "<|im_start|>user\n<image>\n何色ですか。<|im_end|>\n<|im_start|>assistant\n"),
        (LlavaCalm2Siglip, "llava_next", "USER: <image> 何色ですか。\nASSISTANT: "),
        (Mllama, "mllama", "<|image|>何色ですか。"),
    ],
)
def test_the_prompt_of_one_question(load: Callable[..., Any], cls: type, family: str, prompt: str) -> None:
    assert load(cls, family=family).prompt_of(ONE).text == prompt


@pytest.mark.parametrize(
    ("cls", "prompt"),
    [
        (Llava15, "簡潔に。 USER: <image>\n<image>\n何色ですか。 ASSISTANT: 赤</s>USER: 本当? ASSISTANT:"),
        (
            Llava16,
            "[INST] <<SYS>>\n簡潔に。\n<</SYS>>\n\n<image>\n<image>\n何色ですか。 [/INST]赤</s>[INST] 本当? [/INST]",
        ),
        (
            Pangea,
            (
                "<|im_start|>system\n簡潔に。<|im_end|>\n<|im_start|>user\n<image>\n<image>\n何色ですか。<|im_end|>\n"
                "<|im_start|>assistant\n赤<|im_end|>\n<|im_start|>user\n本当?<|im_end|>\n<|im_start|>assistant\n"
            ),
        ),
    ],
)
def test_the_prompt_of_several_turns(load: Callable[..., Any], cls: type, prompt: str) -> None:
    made = load(cls).prompt_of(TURNS)
    assert (made.text, len(made.images)) == (prompt, 2)


@pytest.mark.parametrize(
    ("cls", "family", "reason"),
    [(LlavaCalm2Siglip, "llava_next", "asked one question"), (Mllama, "mllama", "completes one text")],
)
def test_turns_whose_form_is_not_stated_are_a_named_failure(
    load: Callable[..., Any], cls: type, family: str, reason: str
) -> None:
    model = load(cls, family=family)
    (answer,) = model.generate_until(requests([0], build=lambda _: TURNS))
    assert reason in (generation_failure(answer.text) or "")


@pytest.mark.parametrize("cls", [Llava15, Llava16, Pangea])
def test_the_checkpoints_own_template_comes_first(load: Callable[..., Any], cls: type) -> None:
    assert load(cls, OWN).prompt_of(ONE).text == "<s><image>何色ですか。 答:"


def test_a_template_of_the_language_model_is_not_the_checkpoints_own(load: Callable[..., Any]) -> None:
    assert load(Llava15, TEXT_ONLY).prompt_of(ONE).text.startswith("USER: <image>\n")


@pytest.mark.parametrize(("cls", "family"), [(LlavaCalm2Siglip, "llava_next"), (Mllama, "mllama")])
def test_a_prescribed_prompt_replaces_the_checkpoints_own(load: Callable[..., Any], cls: type, family: str) -> None:
    own = "{% for p in messages[0]['content'] %}{{ 'own' if p['type'] == 'image' }}{% endfor %}"
    assert "own" not in load(cls, own, family=family).prompt_of(ONE).text


def test_the_users_template_comes_before_all(load: Callable[..., Any], tmp_path: Path) -> None:
    mine = tmp_path / "mine.jinja"
    mine.write_text("<image>問: {{ messages[0]['content'][1]['text'] }}")
    assert load(LlavaCalm2Siglip, chat_template=str(mine)).prompt_of(ONE).text == "<image>問: 何色ですか。"


@pytest.mark.parametrize(
    ("cls", "template", "family"),
    [
        (Llava15, None, "llava_next"),
        (Llava15, OWN, "llava_next"),
        (LlavaCalm2Siglip, None, "llava_next"),
        (Mllama, None, "mllama"),
        (MllamaInstruct, DATED, "mllama"),
    ],
)
def test_bos_stands_once(load: Callable[..., Any], cls: type, template: str | None, family: str) -> None:
    model = load(cls, template, family=family)
    for number in (0, 1, 2):
        ids = model.encode([model.prompt_of(messages(documents(6)[number]))])["input_ids"][0].tolist()
        assert ids.count(model.tokenizer.bos_token_id) == 1


def test_bos_stands_behind_the_images_that_the_base_model_completes(load: Callable[..., Any]) -> None:
    """As transformers' processor builds the string: `<|image|><|begin_of_text|>…`."""
    model = load(Mllama, family="mllama")
    ids = model.encode([model.prompt_of(ONE)])["input_ids"][0].tolist()
    assert ids[:2] == [model.tokenizer.convert_tokens_to_ids("<|image|>"), model.tokenizer.bos_token_id]


def test_the_instruct_prompt_does_not_change_from_day_to_day(load: Callable[..., Any]) -> None:
    assert load(MllamaInstruct, DATED, family="mllama").prompt_of(ONE).text == (
        "<s>Today Date: 26 Jul 2024\n<|image|>何色ですか。"
    )


@pytest.mark.parametrize(
    ("cls", "template", "family"),
    [(LlavaCalm2Siglip, None, "llava_next"), (Mllama, None, "mllama"), (MllamaInstruct, DATED, "mllama")],
)
def test_a_batch_gives_the_same_answers(load: Callable[..., Any], cls: type, template: str | None, family: str) -> None:
    alone = load(cls, template, family=family).generate_until(requests(range(6)))
    assert load(cls, template, family=family, batch_size=3).generate_until(requests(range(6))) == alone
    assert not any(generation_failure(answer.text) for answer in alone)


def test_calm2_runs_in_bfloat16_unless_told_otherwise(load: Callable[..., Any]) -> None:
    assert str(load(LlavaCalm2Siglip, dtype="auto").model.dtype) == "torch.bfloat16"
    assert str(load(LlavaCalm2Siglip).model.dtype) == "torch.float32"


def test_every_template_is_used_and_every_plugin_registered() -> None:
    plugins = [Llava15, Llava16, Pangea, LlavaCalm2Siglip, Mllama, MllamaInstruct]
    named = {plugin.template for plugin in plugins if plugin.template}
    module = TemplatedVlm.__module__
    folder = Path(__import__(module, fromlist=["_"]).__file__).parent
    assert {path.name for path in folder.glob("*.jinja")} == named
    assert {path for path in MANIFESTS.values() if path.startswith(module)} == {
        f"{module}.{plugin.__name__}" for plugin in plugins
    }
