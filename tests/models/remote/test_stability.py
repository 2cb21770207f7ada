"""`japanese_stable_vlm` and `japanese_instructblip_alpha` on stand-ins with the same interface.

Real weights were not run. The stand-ins are random Llamas that see the mean colour of an image; their tokens are bytes,
also where the plugin asks for `LlamaTokenizer`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers

from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.remote import nerdstash
from lmms_eval_ja.models.remote.stability import JapaneseInstructBlipAlpha, JapaneseStableVlm
from support.remote_checkpoints import make_one_image
from support.vlm_requests import documents, messages, requests

Load = Callable[..., Any]
#: Documents with one image.
ONE = [1, 4, 7, 10, 13, 16]
OPENING = "以下は、タスクを説明する指示と、文脈のある入力の組み合わせです。要求を適切に満たす応答を書きなさい。"


@pytest.fixture
def stable(tmp_path: Path) -> Path:
    images = transformers.CLIPImageProcessor(size={"shortest_edge": 8}, crop_size={"height": 8, "width": 8})
    return make_one_image(tmp_path / "stable", "OneImage", images)


@pytest.fixture
def blip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(nerdstash, "LlamaTokenizer", transformers.PreTrainedTokenizerFast)
    images = transformers.BlipImageProcessor(size={"height": 8, "width": 8})
    return make_one_image(tmp_path / "blip", "OneImageForQformer", images)


def load_blip(loaded: Load, checkpoint: Path, **arguments: Any) -> Any:
    return loaded(JapaneseInstructBlipAlpha, checkpoint, tokenizer=str(checkpoint), **arguments)


def prompt(model: Any) -> str:
    return model.prompt_of(messages(documents(5)[4])).text


def test_the_prompts_letter_by_letter(loaded: Load, stable: Path, blip: Path) -> None:
    assert prompt(loaded(JapaneseStableVlm, stable)) == (
        f"{OPENING}\n\n### 指示: \n与えられた画像を下に、質問に答えてください。\n\n"
        "### 入力: \n4番は何色ですか。何色ですか。\n\n### 応答: \n"
    )
    assert prompt(load_blip(loaded, blip)) == (
        f"{OPENING}\n\n### 指示: \n与えられた画像について、詳細に述べてください。\n\n"
        "### 入力: \n4番は何色ですか。何色ですか。\n\n### 応答: "
    )


def test_rows_are_not_padded_and_answered_as_single_documents(loaded: Load, stable: Path) -> None:
    alone = loaded(JapaneseStableVlm, stable, docs=17).generate_until(requests(ONE))
    assert len({result.text for result in alone}) > 4  # images and questions matter
    assert loaded(JapaneseStableVlm, stable, docs=17, batch_size=4).generate_until(requests(ONE)) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_the_image_matters(loaded: Load, stable: Path) -> None:
    model = loaded(JapaneseStableVlm, stable)
    inputs = [model.encode_one("何色", documents(5)[number]["images"][0]) for number in (1, 4)]
    first, second = ({name: row[name].tolist() for name in ("input_ids", "pixel_values")} for row in inputs)
    assert first["input_ids"] == second["input_ids"]
    assert first["pixel_values"] != second["pixel_values"]


def test_tokens_are_counted_without_special_ones(loaded: Load, stable: Path) -> None:
    model = loaded(JapaneseStableVlm, stable)
    (answer,) = model.generate_until(requests([1]))
    assert answer.token_counts.input_tokens == len(prompt(model).replace("4番", "1番").encode())  # of bytes


def test_the_qformer_reads_the_same_ids(loaded: Load, blip: Path) -> None:
    alone = load_blip(loaded, blip, docs=17).generate_until(requests(ONE))
    assert len({result.text for result in alone}) > 4
    assert load_blip(loaded, blip, docs=17, batch_size=4).generate_until(requests(ONE)) == alone
    assert not any(generation_failure(result.text) for result in alone)


def test_the_tokenizer_has_the_two_spaces(loaded: Load, blip: Path) -> None:
    assert load_blip(loaded, blip).processor("▁▁", add_special_tokens=False)["input_ids"] == [259]  # the one added


def test_an_answer_follows_its_last_heading(loaded: Load, blip: Path) -> None:
    model = load_blip(loaded, blip)
    ids = model.tokenizer("### 応答: 赤\n\n### 応答: 青", return_tensors="pt")["input_ids"][0]
    assert model.decode(ids) == " 青"
    assert model.decode(ids[-3:]) == "青"


def test_one_image_is_asked_about(loaded: Load, stable: Path) -> None:
    none, one, two = loaded(JapaneseStableVlm, stable).generate_until(requests([0, 1, 2]))
    assert "0 images; this plugin asks about one image" in (generation_failure(none.text) or "")
    assert "2 images; this plugin asks about one image" in (generation_failure(two.text) or "")
    assert not generation_failure(one.text)


def test_likelihoods_are_refused(loaded: Load, stable: Path) -> None:
    with pytest.raises(ModelError, match="JapaneseStableVlm only answers questions, and 1 likelihoods"):
        loaded(JapaneseStableVlm, stable).loglikelihood([object()])


def test_a_checkpoint_without_an_image_processor_is_refused(loaded: Load, stable: Path) -> None:
    for name in ("preprocessor_config.json", "processor_config.json"):
        (stable / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match="no image processor can be loaded"):
        loaded(JapaneseStableVlm, stable)
