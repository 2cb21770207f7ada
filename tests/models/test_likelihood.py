"""How likely a tiny model finds a text: against the probabilities of its own logits, token by token."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lmms_eval_ja.models.chat_vlm import ChatVlm
from lmms_eval_ja.models.likelihood import _continuation_length
from support.vlm_requests import documents, requests

Load = Callable[..., ChatVlm]


def asked(doc_id: int, text: Any) -> Any:
    """A request as lmms-eval builds it: context, continuation, doc_to_visual, doc_id, task, split."""
    context = documents(7)[doc_id]["question"]
    return SimpleNamespace(args=(context, text, lambda doc: doc["images"], doc_id, "t", "test"))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "gemma3", "llava_next", "mllama"])
def test_the_probability_of_each_token_given_those_before(vlm: Load, family: str) -> None:
    model = vlm(family, batch_size=3)
    found = model.loglikelihood([asked(1, "ab"), asked(4, "xyz"), asked(4, "長い答えです"), asked(3, "白")])
    prompt = model.prompt_of([{"role": "user", "content": [
        {"type": "image", "image": documents(7)[1]["images"][0]}, {"type": "text", "text": documents(7)[1]["question"]}
    ]}])  # fmt: skip
    expected = 0.0
    for done, letter in (("", "a"), ("a", "b")):
        inputs = model.encode([type(prompt)(prompt.text + done, prompt.images)])
        with torch.no_grad():
            chances = model.model(**inputs).logits[0, -1].log_softmax(-1)
        expected += float(chances[model.tokenizer(letter, add_special_tokens=False)["input_ids"][0]])
    assert found[0][0] == pytest.approx(expected, abs=1e-4)
    alone = vlm(family).loglikelihood([asked(1, "ab"), asked(4, "xyz"), asked(4, "長い答えです"), asked(3, "白")])
    assert [value for value, _ in found] == pytest.approx([value for value, _ in alone], abs=1e-4)


def test_what_greedy_decoding_writes_is_greedy(vlm: Load) -> None:
    model = vlm()
    letters = set(model.tokenizer("xyz")["input_ids"])
    model.suppressed_tokens = [n for n in range(len(model.tokenizer)) if n not in letters]
    (written,) = model.generate_until(requests([1], {"max_new_tokens": 2}))
    texts = [a + b for a in "xyz" for b in "xyz"]
    found = dict(zip(texts, model.loglikelihood([asked(1, text) for text in texts]), strict=True))
    assert [text for text, (_, greedy) in found.items() if greedy] == [written.text]


def test_a_target_may_be_a_function_of_the_document_and_there_may_be_no_document(vlm: Load) -> None:
    model = vlm()
    by_function = model.loglikelihood([asked(2, lambda doc: doc["question"][:1])])
    assert by_function == model.loglikelihood([asked(2, "2")])
    ((value, _),) = model.loglikelihood([SimpleNamespace(args=("", "白"))])
    assert value < 0


def test_an_empty_text_is_certain(vlm: Load) -> None:
    assert vlm().loglikelihood([asked(1, "")]) == [(0.0, True)]


def test_suppressed_tokens_share_in_no_probability(vlm: Load) -> None:
    model = vlm()
    letters = set(model.tokenizer("xy")["input_ids"])
    model.suppressed_tokens = [n for n in range(len(model.tokenizer)) if n not in letters]
    both = [value for value, _ in model.loglikelihood([asked(1, "x"), asked(1, "y")])]
    assert sum(math.exp(value) for value in both) == pytest.approx(1, abs=1e-5)
    assert model.loglikelihood([asked(1, "z")])[0] == (-math.inf, False)


def test_what_does_not_fit_into_memory_is_no_number(vlm: Load) -> None:
    class Small(ChatVlm):
        def to_device(self, inputs: Any) -> Any:
            if len(inputs["input_ids"]) > 1 or inputs["input_ids"].shape[1] > 60:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return super().to_device(inputs)

    model = vlm(cls=Small, batch_size=2)
    bare = {"question": "", "images": []}
    model.task_dict["t"] = {"test": [bare]}
    asked = [SimpleNamespace(args=(c, "白", lambda _: None, 0, "t", "test")) for c in ("短い", "長" * 20, "短く")]
    values = [value for value, _ in model.loglikelihood(asked)]
    assert [math.isnan(value) for value in values] == [False, True, False]


def test_a_token_may_straddle_the_seam() -> None:
    # prompt a|b, whole a|bc: "bc" is one token, so that the continuation is the tokens after a.
    assert _continuation_length(torch.tensor([1, 5, 6]), torch.tensor([1, 2])) == 2
    assert _continuation_length(torch.tensor([1, 2, 6]), torch.tensor([1, 2])) == 1
    assert _continuation_length(torch.tensor([1, 2]), torch.tensor([1, 2])) == 0
