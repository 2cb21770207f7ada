"""The reference's own results, and that each wrong variant known to come close is told apart from them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from support.vila_golden import CASES, CHECKPOINT, WITH_IMAGES, Case, each, needs_golden

pytestmark = needs_golden
#: The reference's -200 stands once for an image; here an id stands at each of its 16 positions.
REFERENCE_IMAGE, IMAGE, IMAGE_TOKENS, TOKENS = -200, 425, 16, 425


def _answer(model: Any, inputs: dict[str, torch.Tensor], case: Case) -> tuple[list[int], list[Any]]:
    """New ids, and the logits of each step over the tokenizer's tokens."""
    made = model.generate(
        **inputs, max_new_tokens=case.max_new_tokens, output_logits=True, return_dict_in_generate=True
    )
    ids = made.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    return ids, [step[0, :TOKENS].numpy() for step in made.logits]


def _furthest(found: Any, expected: Any) -> float:
    return float(np.abs(np.asarray(found) - expected).max())


@each()
def test_token_ids_are_the_references(golden: tuple[Any, Any], case: Case) -> None:
    _, processor = golden
    expected: list[int] = []
    for token in case.facts["input_ids"]:
        expected += [IMAGE] * IMAGE_TOKENS if token == REFERENCE_IMAGE else [token]
    inputs = processor([case.prompt], [case.images])
    assert inputs["input_ids"][0].tolist() == expected[:224]
    assert inputs["input_ids"].shape[1] == case.facts["sequence_length"]
    assert inputs["attention_mask"].all()


@each(WITH_IMAGES)
def test_pixels_are_the_references(golden: tuple[Any, Any], case: Case) -> None:
    found = golden[1]([case.prompt], [case.images])["pixel_values"]
    assert found.dtype == torch.float32
    assert found.shape == case.array("pixel_values").shape
    assert _furthest(found, case.array("pixel_values")) <= 1e-6


@each(WITH_IMAGES)
def test_features_are_the_references(golden: tuple[Any, Any], case: Case) -> None:
    model, processor = golden
    pixels = processor([case.prompt], [case.images])["pixel_values"]
    with torch.no_grad():
        states = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states
        projected = model.model.get_image_features(pixel_values=pixels)
    assert _furthest(states[-1], case.array("vision_features")) <= 1e-4
    projected = torch.stack(list(getattr(projected, "pooler_output", projected)))  # transformers 5 wraps them
    assert _furthest(projected, case.array("projected_features")) <= 1e-4


@each()
def test_answers_and_logits_are_the_references(golden: tuple[Any, Any], case: Case) -> None:
    model, processor = golden
    ids, logits = _answer(model, processor([case.prompt], [case.images]), case)
    assert ids == case.new_ids
    assert processor.decode(torch.tensor(ids)) == case.facts["output_text"]
    for step, name in ((0, "last_logits"), (1, "step2_logits"), (-1, "final_logits")):
        assert _furthest(logits[step], case.array(name)) <= 1e-4
    assert _furthest([step.max() for step in logits], case.array("step_logits_max")) <= 1e-4


def test_a_prompt_that_is_cut_is_counted(golden: tuple[Any, Any], caplog: pytest.LogCaptureFixture) -> None:
    processor = copy.copy(golden[1])
    processor.cut = 0
    for case in CASES:
        processor([case.prompt], [case.images])
    assert processor.cut == 1  # the case `truncated`: 248 positions of 224
    assert "a prompt of 248 positions (144 of them image features) is cut to the first 224" in caplog.text


@pytest.mark.parametrize("start", [0, 4, 7])
def test_four_in_a_batch_padded_on_the_left_answer_as_alone(golden: tuple[Any, Any], start: int) -> None:
    """Cases of several lengths, with none to nine images, one of them cut to the context."""
    model, processor = golden
    cases = CASES[start : start + 4]
    inputs = processor([c.prompt for c in cases], [c.images for c in cases])
    assert not inputs["attention_mask"][:, 0].all()
    made = model.generate(**inputs, max_new_tokens=24, output_logits=True, return_dict_in_generate=True)
    for row, case in enumerate(cases):
        new = made.sequences[row, inputs["input_ids"].shape[1] :].tolist()
        assert new[: len(case.new_ids)] == case.new_ids
        assert _furthest(made.logits[0][row, :TOKENS], case.array("last_logits")) <= 1e-4
        assert _furthest(made.logits[len(case.new_ids) - 1][row, :TOKENS], case.array("final_logits")) <= 1e-4


def test_two_shards_one_of_them_on_disk_answer_as_one(tmp_path: Path) -> None:
    from lmms_eval_ja.models.vila.loading import load_vila

    places = {
        "model.vision_tower": "cpu",
        "model.multi_modal_projector": "cpu",
        "model.language_model": "disk",
        "lm_head": "cpu",
    }
    model, processor = load_vila(CHECKPOINT, device_map=places, offload_folder=tmp_path)
    assert model.hf_device_map == places
    assert next(model.model.language_model.parameters()).device.type == "meta"
    for case in (CASES[1], CASES[9]):
        ids, logits = _answer(model, processor([case.prompt], [case.images]), case)
        assert ids == case.new_ids
        assert _furthest(logits[-1], case.array("final_logits")) <= 1e-4


class TestWrongVariants:
    """What looks right and is not, by how many cases it gets wrong."""

    @staticmethod
    def _equal(model: Any, inputs_of: Any) -> tuple[int, float]:
        """Cases with equal ids, and the largest distance of the first step's logits."""
        equal, furthest = 0, 0.0
        for case in (c for c in WITH_IMAGES if c.name != "truncated"):
            ids, logits = _answer(model, inputs_of(case), case)
            equal += ids == case.new_ids
            furthest = max(furthest, _furthest(logits[0], case.array("last_logits")))
        return equal, furthest

    def test_another_layer(self, golden: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        model, processor = golden
        assert model.config.vision_feature_layer == -1
        monkeypatch.setattr(model.config, "vision_feature_layer", -2)
        equal, furthest = self._equal(model, lambda case: processor([case.prompt], [case.images]))
        assert equal <= 1
        assert furthest > 0.01

    def test_after_the_last_norm(self, golden: tuple[Any, Any]) -> None:
        model, processor = golden
        case = WITH_IMAGES[0]
        with torch.no_grad():
            tower = model.model.vision_tower(processor([case.prompt], [case.images])["pixel_values"])
        assert _furthest(tower.last_hidden_state, case.array("vision_features")) > 0.1

    def test_rows_without_a_token_not_masked(self, golden: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
        model, processor = golden
        assert model.generation_config.suppress_tokens == list(range(TOKENS, 448))
        monkeypatch.setattr(model.generation_config, "suppress_tokens", None)
        equal, _ = self._equal(model, lambda case: processor([case.prompt], [case.images]))
        assert equal == 0

    @pytest.mark.parametrize("variant", ["padded to a square", "bilinear"])
    def test_other_pixels(self, golden: tuple[Any, Any], variant: str) -> None:
        model, processor = golden

        def inputs(case: Case) -> dict[str, torch.Tensor]:
            made = processor([case.prompt], [case.images])
            size = processor.layout.image_size
            pictures = [image.convert("RGB") for image in case.images]
            if variant == "bilinear":
                pictures = [image.resize((size, size), Image.Resampling.BILINEAR) for image in pictures]
            else:
                pictures = [_squared(image) for image in pictures]
            return made | {"pixel_values": processor([case.prompt], [pictures])["pixel_values"]}

        equal, furthest = self._equal(model, inputs)
        assert furthest > 0.05  # against 1e-4: told apart by numbers, also where the greedy ids agree
        assert equal == {"padded to a square": 4, "bilinear": 9}[variant]


def _squared(image: Image.Image) -> Image.Image:
    side = max(image.size)
    square = Image.new("RGB", (side, side), (127, 127, 127))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return square
