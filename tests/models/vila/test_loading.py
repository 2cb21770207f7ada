from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlavaConfig, LlavaForConditionalGeneration

from lmms_eval_ja.models.vila import loading
from lmms_eval_ja.models.vila.layout import LayoutError, read_layout
from lmms_eval_ja.models.vila.loading import VilaCheckpoint, load_vila
from support.tiny_vila import edit_json
from support.vlm_requests import picture

#: The rows beyond them have weights a hundred times as large, and so have their logits' rounding errors.
TOKENS = 259
PROJECTORS = ("mlp2x_gelu", "mlp_downsample")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_modules_of_llm_jp_3_vila_have_their_sizes(broken: Path) -> None:
    """428M, 32M and 13B, as the model's paper and card say; the figures of SigLIP-so400m/14-384 and LLM-jp-3 13B."""
    llm = {"hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "vocab_size": 99584}
    llm |= {"num_attention_heads": 40, "num_key_value_heads": 40, "max_position_embeddings": 4096}
    tower = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
    edit_json(broken / "llm" / "config.json", **llm)
    edit_json(broken / "vision_tower" / "config.json", **tower, image_size=384, patch_size=14)
    edit_json(broken / "vision_tower" / "preprocessor_config.json", size={"height": 384, "width": 384})
    edit_json(broken / "config.json", hidden_size=5120, mm_hidden_size=1152)
    layout = read_layout(broken)
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(LlavaConfig(**loading.llava_fields(layout, 99574)))

    def millions(*modules: Any) -> float:
        return sum(p.numel() for module in modules for p in module.parameters()) / 1e6

    assert layout.image_tokens == 729
    assert millions(model.model.vision_tower) == pytest.approx(428.2, abs=0.1)
    # 1152 * 5120 + 5120 + 5120 * 5120 + 5120 = 32.12M
    assert millions(model.model.multi_modal_projector) == pytest.approx(32.12, abs=0.01)
    # 2 * 99584 * 5120 + 40 * (4 * 5120 ** 2 + 3 * 5120 * 13824 + 2 * 5120) + 5120 = 13,708M
    assert millions(model.model.language_model, model.lm_head) == pytest.approx(13708, abs=1)


def test_float32_on_the_cpu_unless_asked_otherwise(tiny_vila: Callable[[str], Path]) -> None:
    assert load_vila(tiny_vila("mlp2x_gelu"))[0].dtype == torch.float32
    assert load_vila(tiny_vila("mlp2x_gelu"), dtype=torch.float16)[0].dtype == torch.float16


def test_no_weight_is_copied_and_the_links_go_with_the_model(temporary: Path, tiny_vila: Callable[[str], Path]) -> None:
    model, _ = load_vila(tiny_vila("mlp2x_gelu"))
    (folder,) = temporary.iterdir()
    weights = [path for path in folder.iterdir() if path.suffix == ".safetensors"]
    assert len(weights) == 4  # two of the language model, the tower's, the projector's
    assert all(path.is_symlink() for path in weights)
    del model
    gc.collect()
    assert not list(temporary.iterdir())


def test_nothing_is_left_behind_when_loading_fails(temporary: Path, tiny_vila: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        load_vila(tiny_vila("mlp2x_gelu"), attn_implementation="nonsense")
    assert not list(temporary.iterdir())


def test_the_tower_is_read_before_its_last_norm(tiny_vila: Callable[[str], Path]) -> None:
    model, processor = load_vila(tiny_vila("mlp2x_gelu"))
    pixels = processor(["<image>"], [[picture(1)]])["pixel_values"]
    tower = model.model.vision_tower
    assert not getattr(tower.config, "tie_last_hidden_states", False)
    with torch.no_grad():
        out = tower(pixels, output_hidden_states=True)
        tower = getattr(tower, "vision_model", tower)  # a level that transformers 4 has
        torch.testing.assert_close(tower.post_layernorm(out.hidden_states[-1]), out.last_hidden_state)
        features = model.model.multi_modal_projector(out.hidden_states[-1])
        torch.testing.assert_close(_features(model, pixels), features)


def test_a_tower_told_to_return_what_the_norm_made_is_refused(
    tiny_vila: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = VilaCheckpoint(tiny_vila("mlp2x_gelu"))
    monkeypatch.setattr(checkpoint.config.vision_config, "tie_last_hidden_states", True, raising=False)
    with pytest.raises(LayoutError, match="tie_last_hidden_states is true"):
        checkpoint.load()


def test_a_tensor_that_transformers_leaves_out_is_refused(
    tiny_vila: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another version of it might, whose names are others."""
    monkeypatch.setattr(loading, "key_mapping", lambda layout: {r"^model\.": "model.language_model."})
    with pytest.raises(LayoutError, match=r"did not load all of it: .*multi_modal_projector\.linear_1\.weight"):
        load_vila(tiny_vila("mlp2x_gelu"))


def test_an_old_transformers_is_named(tiny_vila: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading.transformers, "__version__", "4.49.0")
    with pytest.raises(LayoutError, match=r"transformers 4\.49\.0 is too old for VILA; install 4\.52 or newer"):
        VilaCheckpoint(tiny_vila("mlp2x_gelu"))


@pytest.mark.parametrize("projector", PROJECTORS)
def test_cut_inside_an_image_the_rest_of_its_features_remain(tiny_vila: Callable[[str], Path], projector: str) -> None:
    """By causality the logits of the first positions do not know what was cut after them."""
    model, processor = load_vila(tiny_vila(projector))
    whole = processor(["a<image>b<image>"], [[picture(1), picture(2)]])
    tokens = processor.layout.image_tokens
    with torch.no_grad():
        expected = model(**whole).logits[..., :TOKENS]
        for kept in (2 + tokens // 2, 2 + tokens, 3 + tokens + 2):
            cut = processor.shorten(whole, kept)
            assert cut["input_ids"].shape == (1, kept)
            assert len(cut["pixel_values"]) == (1 if kept <= 2 + tokens else 2)
            found = model(**cut).logits[..., :TOKENS]
            torch.testing.assert_close(found, expected[:, :kept], rtol=0, atol=1e-4)
            first = model.generate(**cut, max_new_tokens=1)[0, -1]
            assert first == expected[0, kept - 1].argmax()


@pytest.mark.parametrize("projector", PROJECTORS)
def test_rows_cut_at_different_places_share_a_batch(tiny_vila: Callable[[str], Path], projector: str) -> None:
    model, processor = load_vila(tiny_vila(projector))
    asked: list[tuple[str, list[Any]]] = [
        ("<image><image><image>" + "あ" * 20, [picture(1), picture(2), picture(3)]),
        ("<image>b", [picture(4)]),
        ("c", []),
    ]
    limit = processor.layout.image_tokens * 2 + 5  # inside the first row's third image
    object.__setattr__(processor.tokens, "max_length", limit)
    batch = processor([text for text, _ in asked], [images for _, images in asked])
    assert processor.cut == 1
    with torch.no_grad():
        together = model(**batch).logits[:, -1, :TOKENS]
        for row, (text, images) in enumerate(asked):
            alone = model(**processor([text], [images])).logits[0, -1, :TOKENS]
            torch.testing.assert_close(together[row], alone, rtol=0, atol=1e-4)


def test_the_fold_is_part_of_the_model(tiny_vila: Callable[[str], Path]) -> None:
    model, processor = load_vila(tiny_vila("mlp_downsample"))
    assert model.config.vision_feature_layer == -2
    pixels = processor(["<image>"], [[picture(1)]])["pixel_values"]
    with torch.no_grad():
        tower = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[-2]
        features = _features(model, pixels)
        torch.testing.assert_close(features, model.model.multi_modal_projector(tower))
    assert features.shape == (1, 9, 32)


def _features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    found = model.model.get_image_features(pixel_values=pixels)
    return torch.stack(list(getattr(found, "pooler_output", found)))  # transformers 5 wraps them
