"""`evovlm_jp_v2` on a stand-in for mantis-vl with the same classes; neither mantis-vl nor real weights were run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote.evovlm_jp_v2 import EvoVlmJpV2
from support.remote_checkpoints import make_mantis, make_seeing
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
TOKENS = ("<image>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkpoint and, while it is used, a package `mantis`."""
    monkeypatch.syspath_prepend(make_mantis(tmp_path / "packages"))
    yield make_seeing(tmp_path / "evovlm", None, tokens=TOKENS, image="<image>")
    for name in [name for name in sys.modules if name.partition(".")[0] == "mantis"]:
        del sys.modules[name]


def load_evovlm(loaded: Load, checkpoint: Path, **arguments: Any) -> Any:
    given = {
        "processor": str(checkpoint),
        "system_prompt": "日本語で答えます。",
        "trust_remote_code": False,
    } | arguments
    return loaded(EvoVlmJpV2, checkpoint, **given)


def test_the_prompt_is_the_conversation_of_llama_3(loaded: Load, checkpoint: Path) -> None:
    model = load_evovlm(loaded, checkpoint)
    assert model.prompt_of(messages(documents(6)[2])).text == (
        "<|start_header_id|>system<|end_header_id|>\n\n日本語で答えます。<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n<image><image>2番は何色ですか。何色ですか。何色ですか。<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_batches_are_answered_as_single_documents(loaded: Load, checkpoint: Path) -> None:
    alone = load_evovlm(loaded, checkpoint).generate_until(requests(range(6)))
    assert len({result.text for result in alone}) > 4  # images and questions matter
    assert load_evovlm(loaded, checkpoint, batch_size=4).generate_until(requests(range(6))) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_the_end_of_a_turn_ends_an_answer(loaded: Load, checkpoint: Path) -> None:
    model = load_evovlm(loaded, checkpoint)
    with_end = model.tokenizer("赤<|eot_id|>青", return_tensors="pt")["input_ids"]
    model.model.generate = lambda generation_config, **_: with_end if 262 in generation_config.eos_token_id else None
    (answer,) = model.generate_until(requests([0]))
    assert (answer.text, answer.token_counts.output_tokens) == ("赤", 4)  # three bytes and the end


def test_without_a_system_prompt_nothing_is_invented(loaded: Load, checkpoint: Path) -> None:
    with pytest.raises(ModelError, match="state system_prompt=TEXT"):
        load_evovlm(loaded, checkpoint, system_prompt=None)


def test_without_mantis_the_environment_is_named(loaded: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mantis", None)  # as if it were not installed
    with pytest.raises(ModelError, match=r"needs mantis-vl .*lmms-eval-ja env create evovlm"):
        load_evovlm(loaded, tmp_path)
