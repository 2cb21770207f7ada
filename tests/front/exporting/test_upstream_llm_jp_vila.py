"""lmms-eval's own class of LLM-jp-3 VILA answers as the plugin's does."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lmms_eval_ja.exporting.upstream_llm_jp_vila import LlmJpVila
from lmms_eval_ja.models.vila.layout import LayoutError
from lmms_eval_ja.models.vila.plugins import LlmJpVila as Plugin
from support.tiny_vila import make_vila
from support.vlm_requests import GREEDY, documents, requests

DOCS = 7


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_vila(tmp_path_factory.mktemp("vila")))


def answers(model: Any, **settings: Any) -> list[str]:
    model.task_dict["t"] = {"test": documents(DOCS)}
    return [result.text for result in model.generate_until(requests(range(DOCS), GREEDY | settings))]


@pytest.mark.parametrize("batch_size", [1, 4])
def test_it_answers_as_the_plugin_does(checkpoint: str, batch_size: int) -> None:
    plugin = answers(Plugin(checkpoint, answer_log="off", device="cpu"))
    assert answers(LlmJpVila(checkpoint, device="cpu", batch_size=batch_size)) == plugin
    assert len(set(plugin)) >= 5


def test_a_stop_string_ends_an_answer(checkpoint: str) -> None:
    model = LlmJpVila(checkpoint, device="cpu")
    whole = answers(model, max_new_tokens=12)
    stop = whole[0][2]
    cut = answers(model, max_new_tokens=12, until=[stop])
    assert cut == [answer.split(stop)[0].strip() for answer in whole]


def test_chance_takes_part_only_where_a_temperature_is_stated(checkpoint: str) -> None:
    model = LlmJpVila(checkpoint, device="cpu", batch_size=4)
    greedy = answers(model)
    torch.manual_seed(0)
    sampled = answers(model, temperature=2.0, do_sample=True)
    assert greedy == answers(model)
    assert sampled != greedy


def test_arguments_and_checkpoints_that_make_no_sense(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ValueError, match="unexpected model arguments: precision"):
        LlmJpVila(checkpoint, device="cpu", precision="half")
    for batch_size in ("auto", 0, "0", -1, "1.5"):
        with pytest.raises(ValueError, match=f"batch_size={batch_size}: expected a whole number, 1 or more"):
            LlmJpVila(checkpoint, device="cpu", batch_size=batch_size)
    with pytest.raises(ValueError, match="dtype=fp16: expected one of auto, float16, bfloat16, float32"):
        LlmJpVila(checkpoint, device="cpu", dtype="fp16")
    with pytest.raises(LayoutError, match="no such folder"):
        LlmJpVila("nobody/nothing", device="cpu")
    model = LlmJpVila(checkpoint, device="cpu")
    for ask in (model.loglikelihood, model.generate_until_multi_round):
        with pytest.raises(NotImplementedError):
            ask([])
