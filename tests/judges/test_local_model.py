"""Real transformers and real weights, tiny and random: what a checkpoint in this process answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.clients import ChatImage, ChatReply, ChatRequest, JudgeSettings, with_images
from lmms_eval_ja.judges.checkpoint import asked_model
from lmms_eval_ja.judges.in_process import InProcessClient
from lmms_eval_ja.judges.local_model import LocalModel, ModelError, TooLargeError
from lmms_eval_ja.models.tiny import make_tiny_vlm
from support.tiny_models import make_text_model

TEXTS = ["採点", "この回答は正しいですか。", "a", "1点から5点までで採点してください。" * 3]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads of torch that wait for each other on a busy machine would take most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_text_model(tmp_path_factory.mktemp("tiny") / "text")


@pytest.fixture(scope="module")
def seeing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_vlm(tmp_path_factory.mktemp("tiny") / "seeing")


def settings(folder: Path, **more: Any) -> JudgeSettings:
    fields = {"model": str(folder), "dtype": "float32", "device_map": "cpu"}
    return JudgeSettings(provider="transformers", **(fields | more))


def loaded(folder: Path, **more: Any) -> LocalModel:
    return LocalModel(settings(folder, **more), threading.Event())


@pytest.fixture(scope="module")
def model(text_folder: Path) -> LocalModel:
    return loaded(text_folder)


@pytest.fixture(scope="module")
def seeing(seeing_folder: Path) -> LocalModel:
    return loaded(seeing_folder)


def request(text: str, *images: ChatImage, **sampling: Any) -> ChatRequest:
    messages = with_images([{"role": "user", "content": text}], images)
    return ChatRequest("tiny", messages, {"temperature": 0, "max_tokens": 12} | sampling, images=images)


def image(colour: tuple[int, int, int], width: int = 50) -> ChatImage:
    return ChatImage.of_pixels(Image.new("RGB", (width, 40), colour))


def said(replies: Sequence[ChatReply]) -> list[tuple[Any, ...]]:
    return [(r.content, r.finish_reason, r.prompt_tokens, r.completion_tokens) for r in replies]


def test_a_request_gets_the_same_reply_alone_and_in_a_batch(model):
    requests = [request(text) for text in TEXTS]
    alone = [model.replies([one])[0] for one in requests]
    assert said(model.replies(requests)) == said(alone)
    assert len({reply.content for reply in alone}) == len(TEXTS)


def test_tokens_are_counted_and_the_model_is_named(model, text_folder):
    [reply] = model.replies([request("採点")])
    # bytes are tokens: "user: ", six bytes of 採点, a line break, "assistant:"
    assert reply.prompt_tokens == 6 + 6 + 1 + 10
    assert (reply.completion_tokens, reply.finish_reason) == (12, "length")
    assert reply.model == asked_model(settings(text_folder))
    assert reply.model.startswith("text@")
    assert reply.seconds > 0


def test_a_reply_ends_at_the_end_token(model, monkeypatch):
    [whole] = model.replies([request("採点")])
    [tokens] = [model._tokenizer(whole.content or "", add_special_tokens=False)["input_ids"]]
    first = model._model.generate(**model._inputs([request("採点")]), max_new_tokens=3, do_sample=False)[
        0, -3:
    ].tolist()
    assert len(tokens) > 0
    monkeypatch.setattr(model._model.generation_config, "eos_token_id", [first[2]])
    [ended, other] = model.replies([request("採点"), request("a", max_tokens=12)])
    assert (ended.finish_reason, ended.completion_tokens) == ("stop", first.index(first[2]) + 1)
    assert ended.content == model._tokenizer.decode(first[: first.index(first[2])])
    assert other.completion_tokens is not None


def test_greedy_is_what_the_settings_say_whatever_the_checkpoint_recommends(model, monkeypatch):
    expected = said(model.replies([request("採点")]))
    for name, value in {"do_sample": True, "temperature": 5.0, "top_k": 3}.items():
        monkeypatch.setattr(model._model.generation_config, name, value)
    assert said(model.replies([request("採点")])) == expected
    assert said(model.replies([request("採点", temperature=None)])) == expected


def test_sampling_follows_from_the_request(model):
    import torch

    requests = [replace(request("採点", temperature=1.0), repeat=n) for n in range(4)]
    first = [model.replies([one])[0].content for one in requests]
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    again = [model.replies([one])[0].content for one in reversed(requests)]
    assert again[::-1] == first
    assert len(set(first)) == 4
    assert torch.equal(torch.random.get_rng_state(), before)


def test_fields_of_other_servers_reach_template_and_generation(model):
    plain = model.replies([request("採点")])
    bounded = model.replies([request("採点", repetition_penalty=1.5, chat_template_kwargs={"enable_thinking": False})])
    assert bounded[0].content != plain[0].content
    with pytest.raises(ValueError, match="no_such_field"):
        model.replies([request("採点", no_such_field=1)])


def test_a_prompt_that_is_too_long_is_refused(model):
    with pytest.raises(ModelError, match="the prompt has 3017 tokens, of the 2048"):
        model.replies([request("a" * 3000)])


def test_memory_that_is_too_small_is_a_fault_of_its_own(model, monkeypatch):
    def generate(**_: Any) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(model._model, "generate", generate)
    with pytest.raises(TooLargeError, match=r"^CUDA out of memory. Tried to allocate 2 GiB$"):
        model.replies([request("a")])


def test_a_generation_under_way_is_stopped(text_folder):
    stop = threading.Event()
    model = LocalModel(settings(text_folder), stop)
    stop.set()
    with pytest.raises(ModelError, match="closed before"):
        model.replies([request("採点", max_tokens=1000)])


def test_a_judge_that_sees_sees(seeing):
    red, blue, wide = image((255, 0, 0)), image((0, 0, 255)), image((255, 0, 0), 90)
    requests = [request("何色？", red), request("何色ですか？", red), request("何色？", blue), request("a", red, wide)]
    alone = [seeing.replies([one])[0] for one in requests]
    assert said(seeing.replies(requests)) == said(alone)
    assert alone[0].content != alone[2].content
    # (32 / 16)² patches of each image besides the letters
    assert alone[0].prompt_tokens == 6 + len("何色？".encode()) + 1 + 10 + 4
    assert alone[3].prompt_tokens == 6 + 1 + 1 + 10 + 2 * 4


def test_a_judge_that_sees_reads_texts_too(seeing):
    requests = [request(text) for text in TEXTS]
    assert said(seeing.replies(requests)) == said([seeing.replies([one])[0] for one in requests])


def test_an_image_for_a_judge_that_does_not_see_is_an_error(model):
    with pytest.raises(ModelError, match="sees no images: state sees_image = false"):
        model.replies([request("何色？", image((255, 0, 0)))])


def test_a_checkpoint_without_a_chat_template_is_an_error(tmp_path):
    folder = make_text_model(tmp_path / "base", template=None)
    with pytest.raises(ModelError, match="base has no chat template: take the checkpoint that was tuned for chats"):
        loaded(folder)


def test_a_checkpoint_that_is_broken_is_an_error(tmp_path, text_folder):
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in text_folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes()[: 500 if path.suffix == ".safetensors" else None])
    with pytest.raises(ModelError, match="broken cannot be loaded: "):
        loaded(folder)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_client_answers_as_the_model(batch_size, model, text_folder):
    async def run() -> list[ChatReply]:
        client = InProcessClient(settings(text_folder, batch_size=batch_size))
        try:
            return await asyncio.gather(*(client.ask(request(text)) for text in TEXTS))
        finally:
            await client.close()

    assert said(asyncio.run(run())) == said(model.replies([request(text) for text in TEXTS]))
