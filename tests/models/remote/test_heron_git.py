"""`heron_git` on a stand-in for the code of turingmotors/heron; neither that code nor real weights were run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote import nerdstash
from lmms_eval_ja.models.remote.heron_git import HeronGit
from support.remote_checkpoints import make_heron, make_one_image
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
#: Documents with one image.
ONE = [1, 4, 7, 10, 13, 16]


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkpoint without code and, while it is used, a package `heron`."""
    monkeypatch.setattr(nerdstash, "LlamaTokenizer", transformers.PreTrainedTokenizerFast)
    monkeypatch.syspath_prepend(make_heron(tmp_path / "packages"))
    images = transformers.CLIPImageProcessor(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8})
    yield make_one_image(tmp_path / "heron", "", images)
    for name in [name for name in sys.modules if name.partition(".")[0] == "heron"]:
        del sys.modules[name]


def load_heron(loaded: Load, checkpoint: Path, **arguments: Any) -> Any:
    given = {"tokenizer": str(checkpoint), "trust_remote_code": False, "dtype": "float32", "docs": 17} | arguments
    return loaded(HeronGit, checkpoint, **given)


def test_the_prompt_is_one_turn(loaded: Load, checkpoint: Path) -> None:
    assert load_heron(loaded, checkpoint).prompt_of(messages(documents(2)[1])).text == (
        "##human: 1番は何色ですか。何色ですか。\n##gpt: "
    )


def test_rows_are_not_padded_and_answered_as_single_documents(loaded: Load, checkpoint: Path) -> None:
    alone = load_heron(loaded, checkpoint).generate_until(requests(ONE))
    assert len({result.text for result in alone}) > 4  # images and questions matter
    assert load_heron(loaded, checkpoint, batch_size=4).generate_until(requests(ONE)) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_no_two_tokens_are_repeated_in_a_row(loaded: Load, checkpoint: Path) -> None:
    model = load_heron(loaded, checkpoint)
    seen: list[torch.Tensor] = []
    model.decode = lambda ids: str(seen.append(ids))
    model.generate_until(requests(ONE, {"max_new_tokens": 40, "until": []}))
    for ids in seen:
        pairs = list(zip(ids.tolist(), ids.tolist()[1:], strict=False))
        assert len(set(pairs)) == len(pairs)
    assert max(map(len, seen)) > 20


def test_padding_ends_an_answer(loaded: Load, checkpoint: Path) -> None:
    model = load_heron(loaded, checkpoint)
    tokens = model.processor
    assert model.model.generation_config.eos_token_id == [tokens.pad_token_id, tokens.eos_token_id]


def test_auto_means_half_precision(loaded: Load, checkpoint: Path) -> None:
    assert load_heron(loaded, checkpoint, dtype="auto").model.dtype == torch.float16


def test_without_the_authors_code_it_is_named(loaded: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "heron", None)  # as if it were not there
    with pytest.raises(ModelError, match=r"clone github.com/turingmotors/heron.*lmms-eval-ja env create stabilityai"):
        load_heron(loaded, tmp_path)
