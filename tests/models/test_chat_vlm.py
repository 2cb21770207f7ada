"""`ja_vlm` on tiny random models of four families: real transformers, real processors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.prompt import Prompt
from support.vlm_requests import GREEDY, documents, messages, requests

FAMILIES = ("qwen2_5_vl", "gemma3", "llava_next", "mllama")
Load = Callable[..., ChatVlm]


def texts(model: ChatVlm, asked: Sequence[Any]) -> list[str]:
    return [result.text for result in model.generate_until(list(asked))]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_batch_size_changes_no_answer(vlm: Load, family: str) -> None:
    alone = vlm(family).generate_until(requests(range(7)))
    assert len({result.text for result in alone}) > 4  # images and questions matter
    assert vlm(family, batch_size=3).generate_until(requests(range(7))) == alone
    assert vlm(family, batch_size="auto").generate_until(requests(range(7))) == alone


@pytest.mark.parametrize("family", FAMILIES)
def test_answers_are_those_of_plain_transformers(vlm: Load, family: str) -> None:
    """One document through the processor's own chat template and `generate`, as a model's card shows it."""
    model = vlm(family, batch_size=4)
    doc = documents(7)[4]
    content = [{"type": "image", "image": image} for image in doc["images"]]
    chat = [{"role": "user", "content": [*content, {"type": "text", "text": doc["question"]}]}]
    inputs = model.processor.apply_chat_template(
        chat, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    ids = model.model.generate(**inputs, max_new_tokens=8, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    answers = model.generate_until(requests(range(7)))
    assert answers[4].text == model.processor.decode(ids, skip_special_tokens=True).strip()
    assert answers[4].token_counts.input_tokens == inputs["input_ids"].shape[1]
    assert answers[4].token_counts.output_tokens == len(ids)


def test_answers_come_in_the_order_of_the_requests_each_with_its_own_messages(vlm: Load) -> None:
    model = vlm(batch_size=4)
    in_order = texts(model, requests(range(7)))

    def bare(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"role": "user", "content": [{"type": "text", "text": "別の" + doc["question"]}]}]

    mixed = [*requests([5, 1]), *requests([5], build=bare, task="t"), *requests([0, 4])]
    answers = texts(model, mixed)
    assert [answers[i] for i in (0, 1, 3, 4)] == [in_order[i] for i in (5, 1, 0, 4)]
    assert answers[2] not in in_order


def test_requests_of_different_settings_share_no_batch(vlm: Load) -> None:
    model = vlm(batch_size=4)
    short = GREEDY | {"max_new_tokens": 2}
    asked = [request for n in range(4) for request in (*requests([n]), *requests([n], short))]
    counts = [result.token_counts.output_tokens for result in model.generate_until(asked)]
    assert [n <= 2 for n in counts[1::2]] == [True] * 4
    assert counts[0::2] == [r.token_counts.output_tokens for r in model.generate_until(requests(range(4)))]


def test_bos_stands_once(vlm: Load) -> None:
    model = vlm("gemma3")  # its template writes BOS, and its tokenizer adds one
    prompt = model.prompt_of(messages(documents(2)[1]))
    ids = model.encode([prompt])["input_ids"][0].tolist()
    assert prompt.text.startswith("<s>")
    assert ids.count(model.tokenizer.bos_token_id) == 1


def test_padding_stands_on_the_left(vlm: Load) -> None:
    model = vlm()
    mask = model.encode([Prompt("長い質問です。"), Prompt("短い")])["attention_mask"]
    assert mask[:, -1].tolist() == [1, 1]
    assert mask[1, 0] == 0


def test_until_cuts_the_text_and_ends_the_generation_early(vlm: Load) -> None:
    long = GREEDY | {"max_new_tokens": 40}
    model = vlm(batch_size=4)
    plain = model.generate_until(requests(range(4), long))
    stop = plain[0].text[3]
    cut = model.generate_until(requests(range(4), long | {"until": [stop]}))
    assert [r.text for r in cut] == [r.text.split(stop)[0].strip() for r in plain]
    # Looked for once in eight tokens; a character here is at most four of them.
    assert cut[0].token_counts.output_tokens <= 24 < plain[0].token_counts.output_tokens


def test_a_beam_search(vlm: Load) -> None:
    beams = GREEDY | {"num_beams": 3}
    alone = texts(vlm(), requests(range(4), beams))
    assert texts(vlm(batch_size=4), requests(range(4), beams)) == alone
    assert alone != texts(vlm(), requests(range(4)))


SAMPLED = GREEDY | {"do_sample": True, "temperature": 1.0}


def test_samples_depend_on_the_seed_and_not_on_the_batch(vlm: Load) -> None:
    alone = texts(vlm(), requests(range(7), SAMPLED))
    assert texts(vlm(batch_size=4), requests(range(7), SAMPLED)) == alone
    assert texts(vlm(seed=1), requests(range(7), SAMPLED)) != alone
    assert alone != texts(vlm(), requests(range(7)))


def test_repeats_of_a_question_are_new_samples_and_padding_of_ranks_is_not(vlm: Load) -> None:
    model = vlm()
    repeated = requests([1]) * 2
    assert len(set(texts(model, repeated))) == 1
    sampled = requests([1], SAMPLED) * 3
    padding = requests([1], SAMPLED)[0]
    padding.metadata["__padding_only__"] = True
    answers = texts(model, [*sampled, padding])
    assert len(set(answers)) == 3
    assert answers[3] == answers[0]


def test_the_system_prompt_and_a_chat_template_of_ones_own(vlm: Load, tmp_path: Any) -> None:
    template = tmp_path / "own.jinja"
    template.write_text("{% for m in messages %}[{{ m.role }}]{{ m.content[-1].text }}{% endfor %}", encoding="utf-8")
    model = vlm(chat_template=str(template), system_prompt="丁寧に")
    assert model.prompt_of(messages(documents(1)[0])).text == "[system]丁寧に[user]0番は何色ですか。"
    with pytest.raises(ModelError, match="chat_template=/nonexistent"):
        vlm(chat_template="/nonexistent")


def test_a_checkpoint_without_a_template_is_refused(tiny: Any, vlm: Load, tmp_path: Any) -> None:
    import shutil

    folder = shutil.copytree(tiny("llava_next"), tmp_path / "bare")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="has no chat template: state chat_template=FILE"):
        ChatVlm(str(folder), device="cpu", answer_log="off")


def test_larger_images_are_made_smaller_by_max_pixels(vlm: Load) -> None:
    prompt = Prompt("<|vision_start|><|image_pad|><|vision_end|>", (Image.new("RGB", (64, 64)),))
    # One token for 8 x 8 pixels: 64 of them, and 16 once the image is 32 x 32; start and end come with them.
    assert vlm("qwen2_5_vl").encode([prompt])["input_ids"].shape[1] == 66
    assert vlm("qwen2_5_vl", max_pixels=32 * 32).encode([prompt])["input_ids"].shape[1] == 18
    with pytest.raises(ModelError, match="max_pixels: LlavaNextProcessor does not resize"):
        vlm("llava_next", max_pixels=1024)


def test_suppressed_tokens_are_never_generated(vlm: Load) -> None:
    model = vlm(batch_size=4)
    letters = set(model.tokenizer("xyz")["input_ids"])
    assert not set("".join(texts(model, requests(range(4))))) <= set("xyz")
    model.suppressed_tokens = [n for n in range(len(model.tokenizer)) if n not in letters]
    assert set("".join(texts(model, requests(range(4))))) <= set("xyz")
    assert set("".join(texts(model, requests(range(4), SAMPLED)))) <= set("xyz")


def test_settings_that_make_no_sense_end_the_run(vlm: Load) -> None:
    with pytest.raises(ModelError, match="num_beams = 0 makes no sense"):
        vlm().generate_until(requests([0], {"num_beams": 0}))


def test_a_family_may_answer_in_its_own_way(vlm: Load) -> None:
    from lmms_eval_ja.models.generation import Generated

    class Family(ChatVlm):
        stop = ("###",)

        def render(self, messages: list[Any]) -> Prompt:
            return Prompt(f"Q: {messages[-1]['content'][-1]['text']}")

        def encode(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
            return {"questions": [prompt.text for prompt in prompts]}

        def generate(self, inputs: Any, settings: Any, seeds: Any) -> list[Generated]:
            return [Generated(f" {question}\0### more") for question in inputs["questions"]]

    results = vlm(cls=Family, batch_size=2).generate_until(requests(range(3)))
    assert [r.text for r in results] == [f"Q: {doc['question']}" for doc in documents(3)]
    assert results[0].token_counts.output_tokens is None


def test_rounds_are_answered_together_and_each_sees_what_was_said(vlm: Load) -> None:
    model = vlm(batch_size=4)

    def rounds(doc: Any, *, round_idx: int = 0, previous_output: Any = None, previous_round_info: Any = None) -> Any:
        if not round_idx:
            return messages(doc)
        if round_idx > doc["rounds"]:
            return None, True, previous_output, None
        said = [{"type": "text", "text": f"{round_idx}回目、前は{previous_output[-1]}、{previous_round_info}"}]
        return [*messages(doc), {"role": "user", "content": said}], False, previous_output, f"情報{round_idx}"

    docs = [doc | {"rounds": n} for n, doc in enumerate(documents(3))]
    model.task_dict["t"] = {"test": docs}
    outputs = model.generate_until_multi_round(requests(range(3), build=rounds))
    assert [len(said) for said in outputs] == [1, 2, 3]
    assert [said[0] for said in outputs] == texts(model, requests(range(3)))
    second = [{"type": "text", "text": f"1回目、前は{outputs[1][0]}、None"}]
    chat = [*messages(docs[1]), {"role": "user", "content": second}]
    assert texts(model, requests([1], build=lambda _: chat)) == [outputs[1][1]]


def test_a_round_that_fails_is_the_last_of_its_document(vlm: Load) -> None:
    def rounds(doc: Any, *, round_idx: int = 0, **_: Any) -> Any:
        if round_idx == 1 and not doc["images"]:
            raise KeyError("context")
        return (messages(doc), round_idx > 1, None, None) if round_idx else messages(doc)

    bare, seeing = vlm(docs=2).generate_until_multi_round(requests([0, 1], build=rounds))
    assert generation_failure(bare[1]) == "t doc_id 0: KeyError: 'context'"
    assert (len(bare), len(seeing)) == (2, 2)
    assert generation_failure(seeing[1]) is None
