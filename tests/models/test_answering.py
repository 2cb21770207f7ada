"""What goes wrong, and what was answered before: a real tiny model whose hooks count, refuse or run out of memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import DocumentError, ModelError
from lmms_eval_ja.models.prompt import Prompt
from support.vlm_requests import GREEDY, documents, messages, requests

Load = Callable[..., Any]
SAMPLED = GREEDY | {"do_sample": True, "temperature": 1.0}


class Watched(ChatVlm):
    """Counts what it is asked; out of memory beyond `room` documents; fails on questions that hold a `fault`."""

    room = 99
    fault = "\0"
    batches: list[int]

    def load(self) -> None:
        super().load()
        self.batches = []

    def generate(self, inputs: Mapping[str, Any], settings: Any, seeds: Sequence[int]) -> Any:
        count = len(inputs["input_ids"])
        self.batches.append(count)
        if count > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        if any(self.fault in self.tokenizer.decode(ids) for ids in inputs["input_ids"]):
            raise ValueError("image features and image tokens do not match")
        return super().generate(inputs, settings, seeds)


def texts(model: ChatVlm, doc_ids: Sequence[int], settings: Any = GREEDY) -> list[str]:
    return [result.text for result in model.generate_until(requests(doc_ids, settings))]


def bare(model: ChatVlm, count: int) -> None:
    """Documents without images, which are all of one group."""
    model.task_dict["t"] = {"test": [{"question": f"{'長' * n}い", "images": []} for n in range(count)]}


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    return lambda: [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_the_longest_documents_go_first(vlm: Load) -> None:
    model = vlm(cls=Watched, batch_size=2)
    bare(model, 4)
    seen: list[list[str]] = []
    encode = model.encode
    model.encode = lambda prompts: (seen.append([p.text.count("長") for p in prompts]), encode(prompts))[1]
    texts(model, [1, 3, 0, 2])
    assert seen == [[3, 2], [1, 0]]


def test_out_of_memory_halves_the_batch_and_loses_nothing(vlm: Load) -> None:
    model, plain = vlm(cls=Watched, batch_size=8), vlm()
    bare(model, 9)
    bare(plain, 9)
    model.room = 3
    assert texts(model, range(9)) == texts(plain, range(9))
    # 8 and 4 do not fit; then twos, and 9 = 8 + 1: the last one was never in a batch that failed.
    assert model.batches == [8, 4, 2, 2, 2, 2, 1]


def test_auto_stops_growing_where_memory_ends(vlm: Load) -> None:
    model = vlm(cls=Watched, batch_size="auto")
    bare(model, 12)
    model.room = 2
    texts(model, range(12))
    assert model.batches == [1, 2, 4, 2, 2, 2, 2, 1]


def test_out_of_memory_with_one_document_is_its_failure_and_the_run_goes_on(
    vlm: Load, warnings: Callable[[], list[str]]
) -> None:
    model = vlm(cls=Watched)
    bare(model, 3)
    generate = model.generate

    def short_only(inputs: Any, settings: Any, seeds: Any) -> Any:
        model.room = 0 if inputs["input_ids"].shape[1] > 25 else 99
        return generate(inputs, settings, seeds)

    model.generate = short_only
    answers = texts(model, [2, 0, 1])
    failure = generation_failure(answers[0]) or ""
    assert failure.startswith("t doc_id 2: out of memory with this document alone; try max_pixels")
    assert [generation_failure(answer) for answer in answers[1:]] == [None, None]
    assert warnings() == [f"no answer for {failure}"]


def test_if_nothing_fits_the_run_ends_with_what_to_try(vlm: Load) -> None:
    model = vlm(cls=Watched, batch_size=4)
    bare(model, 2)
    model.room = 0
    with pytest.raises(ModelError, match=r"none of 2 documents could be answered; the first is .*out of memory"):
        texts(model, range(2))


def test_a_document_that_breaks_the_model_fails_alone(vlm: Load) -> None:
    model = vlm(cls=Watched, batch_size=4)
    good = texts(model, range(4))
    model.fault = "2番"
    answers = texts(model, range(4))
    assert generation_failure(answers[2]) == "t doc_id 2: ValueError: image features and image tokens do not match"
    assert [answers[n] for n in (0, 1, 3)] == [good[n] for n in (0, 1, 3)]


def test_a_model_that_breaks_on_every_document_ends_the_run(vlm: Load) -> None:
    model = vlm(cls=Watched, batch_size=4)
    model.fault = "番"
    with pytest.raises(ModelError, match="none of 4 documents could be answered; the first is t doc_id"):
        texts(model, range(4))


def test_a_lost_device_ends_the_run(vlm: Load) -> None:
    model = vlm(cls=Watched)

    def lost(*_: Any) -> Any:
        raise RuntimeError("CUDA error: device-side assert triggered")

    model.generate = lost
    with pytest.raises(ModelError, match="the device failed at t doc_id 0 and its batch"):
        texts(model, [0])


def test_an_image_that_does_not_decode_is_a_named_failure(
    vlm: Load, tmp_path: Path, warnings: Callable[[], list[str]]
) -> None:
    Image.effect_noise((64, 64), 50).save(path := tmp_path / "x.png")
    path.write_bytes(path.read_bytes()[:600])
    model = vlm(batch_size=4)
    docs = documents(3)
    good = texts(model, range(3))
    docs[1] = docs[1] | {"images": [Image.open(path)]}
    model.task_dict["t"] = {"test": docs}
    answers = texts(model, range(3))
    assert (generation_failure(answers[1]) or "").startswith("t doc_id 1: an image that does not decode (")
    assert (answers[0], answers[2]) == (good[0], good[2])
    assert len(warnings()) == 1


def test_a_document_that_cannot_be_read_or_rendered_is_a_named_failure(vlm: Load) -> None:
    def build(doc: Any) -> Any:
        return [*messages(doc), {"role": "tool", "content": ""}] if doc["images"] else doc["nothing"]

    class Strict(ChatVlm):
        def render(self, messages: Any) -> Prompt:
            if messages[-1]["role"] == "tool":
                raise DocumentError("the template knows no role 'tool'")
            return super().render(messages)

    first, second = vlm(cls=Strict).generate_until(requests([0, 1], build=build))
    assert generation_failure(first.text) == "t doc_id 0: KeyError: 'nothing'"
    assert generation_failure(second.text) == "t doc_id 1: the template knows no role 'tool'"
    assert second.token_counts is None


def test_inputs_that_cannot_be_encoded_fail_alone(vlm: Load) -> None:
    model = vlm("mllama", batch_size=4)
    docs = [{"question": f"{n}番{'<|image|>' * (n == 1)}", "images": documents(2)[1]["images"]} for n in range(3)]
    model.task_dict["t"] = {"test": docs}
    answers = texts(model, range(3))
    assert "t doc_id 1: ValueError: The total number of <|image|> tokens" in (generation_failure(answers[1]) or "")
    assert [generation_failure(answers[n]) for n in (0, 2)] == [None, None]


def test_a_prompt_longer_than_the_context_is_refused_or_shortened(vlm: Load, warnings: Callable[[], list[str]]) -> None:
    class Cutting(ChatVlm):
        def shorten(self, inputs: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
            return {name: value[:, :limit] for name, value in inputs.items()}

    for cls in (ChatVlm, Cutting):
        model = vlm(cls=cls, batch_size=2, max_length=40)
        # "user: ", the bytes, a line feed and "assistant:": 17 and 3 for each character; 41 and 35.
        model.task_dict["t"] = {"test": [{"question": "長" * 8, "images": []}, {"question": "短" * 6, "images": []}]}
        first, second = model.generate_until(requests([0, 1]))
        assert second.token_counts.input_tokens == 35
        if cls is ChatVlm:
            assert generation_failure(first.text) == (
                "t doc_id 0: the prompt has 41 tokens, the context 40; max_pixels makes images smaller"
            )
        else:
            assert first.token_counts.input_tokens == 40
    assert warnings()[-1] == "1 prompts were cut to the context: t doc_id 0 (41 tokens)"


def test_copies_of_a_request_are_answered_once(vlm: Load) -> None:
    model = vlm(cls=Watched)
    answers = texts(model, [1, 2, 1, 1])
    assert model.batches == [1, 1]
    assert answers[0] == answers[2] == answers[3]


def test_what_was_answered_is_not_generated_again(vlm: Load, tmp_path: Path) -> None:
    first = vlm(cls=Watched, answer_log=str(tmp_path))
    results = first.generate_until(requests([0, 1, 2]))
    second = vlm(cls=Watched, answer_log=str(tmp_path), batch_size=4)
    assert second.generate_until(requests([0, 1, 2])) == results
    assert second.batches == []
    second.generate_until(requests([3, 2]))
    assert second.batches == [1]


def test_sampled_answers_are_logged_with_their_seed(vlm: Load, tmp_path: Path) -> None:
    answers = texts(vlm(cls=Watched, answer_log=str(tmp_path)), [0, 0, 1], SAMPLED)
    again = vlm(cls=Watched, answer_log=str(tmp_path))
    assert texts(again, [0, 0, 1], SAMPLED) == answers
    assert again.batches == []
    other = vlm(cls=Watched, answer_log=str(tmp_path), seed=5)
    texts(other, [0], SAMPLED)
    assert other.batches == [1]


def test_failures_are_not_logged(vlm: Load, tmp_path: Path) -> None:
    model = vlm(cls=Watched, answer_log=str(tmp_path))
    model.fault = "1番"
    texts(model, [0, 1])
    again = vlm(cls=Watched, answer_log=str(tmp_path))
    assert all(generation_failure(answer) is None for answer in texts(again, [0, 1]))
    assert again.batches == [1]


@pytest.mark.parametrize("change", ["image", "question", "settings", "task", "doc_id", "dtype", "variant"])
def test_whatever_can_move_an_answer_is_in_its_key(vlm: Load, tmp_path: Path, change: str) -> None:
    class Variant(Watched):
        variant = "other" if change == "variant" else ""

    vlm(cls=Variant, answer_log=str(tmp_path), docs=2).generate_until(requests([1]))
    if change == "variant":
        Variant.variant = ""
    model = vlm(cls=Variant, answer_log=str(tmp_path), dtype="bfloat16" if change == "dtype" else "float32")
    doc = dict(documents(2)[1])
    if change == "image":
        doc["images"] = [doc["images"][0].transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    if change == "question":
        doc["question"] += "？"
    model.task_dict["t"] = model.task_dict["u"] = {"test": [doc, doc]}
    settings = GREEDY | ({"max_new_tokens": 9} if change == "settings" else {})
    number = 0 if change == "doc_id" else 1
    model.generate_until(requests([number], settings, task="u" if change == "task" else "t"))
    assert model.batches == [1]


def test_batch_size_and_device_map_are_not_in_the_key(vlm: Load, tmp_path: Path) -> None:
    texts(vlm(cls=Watched, answer_log=str(tmp_path)), [0, 1])
    model = vlm(cls=Watched, answer_log=str(tmp_path), batch_size="auto", device_map={"": "cpu"}, seed=3)
    texts(model, [0, 1])
    assert model.batches == []


def test_images_that_are_too_many_to_be_kept_are_read_again(vlm: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = texts(vlm(batch_size=2), range(7))
    monkeypatch.setattr("lmms_eval_ja.models.answering.KEPT_BYTES", 5000)
    assert texts(vlm(batch_size=2), range(7)) == answers
