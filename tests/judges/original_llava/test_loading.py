"""The mapped checkpoint against the same weights put together by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lmms_eval_ja.judges.original_llava.layout import LayoutError, read_layout
from lmms_eval_ja.judges.original_llava.loading import check_model, llava_fields, load_original, loading_problem
from support.llava_by_hand import logits_by_hand
from support.tiny_original_llava import IMAGE_TOKENS, WIDE, make_original_llava, read_weights, write_weights

ASKED = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Is 回答 good?"}]}]


def asked(processor: Any, picture: Any) -> dict[str, Any]:
    return processor([processor.apply_chat_template(ASKED, add_generation_prompt=True)], [[picture]])


def logits(model: Any, inputs: dict[str, Any], row: int = 0) -> Any:
    import torch

    with torch.inference_mode():
        return model(**inputs).logits[row]


def difference(one: Any, other: Any) -> float:
    return float((one - other).abs().max())


def test_it_computes_what_its_weights_compute_put_together_by_hand(loaded, small, picture):
    model, processor = loaded
    inputs = asked(processor, picture)
    ids = inputs["input_ids"][0].tolist()
    assert ids.count(processor.image_id) == IMAGE_TOKENS
    by_hand = logits_by_hand(small, ids, processor.image_id, inputs["pixel_values"])
    assert difference(logits(model, inputs), by_hand) < 1e-5
    assert by_hand.abs().max() > 1  # so that the bound means something


def test_other_sizes_spare_rows_and_safetensors_do_as_well(tmp_path, picture):
    folder = make_original_llava(tmp_path / "wide", sizes=WIDE, spare=5)
    model, processor = load_original(folder, device_map="cpu")
    inputs = asked(processor, picture)
    ids = inputs["input_ids"][0].tolist()
    assert processor.image_id == len(processor.tokenizer)  # the first row that no token has
    made = logits(model, inputs)
    assert difference(made, logits_by_hand(folder, ids, processor.image_id, inputs["pixel_values"])) < 1e-5
    assert model.generation_config.suppress_tokens == [*range(len(processor.tokenizer), len(processor.tokenizer) + 5)]
    tensors = read_weights(folder)
    write_weights(folder, [tensors], ".safetensors")
    assert difference(logits(load_original(folder)[0], inputs), made) == 0


@pytest.mark.parametrize("wrong", [{"layer": -1}, {"layer": -3}, {"cls": True}])
def test_another_layer_or_the_class_token_would_be_seen(wrong, loaded, small, picture):
    model, processor = loaded
    inputs = asked(processor, picture)
    by_hand = logits_by_hand(
        small, inputs["input_ids"][0].tolist(), processor.image_id, inputs["pixel_values"], **wrong
    )
    assert difference(logits(model, inputs)[-1], by_hand[-1]) > 0.01


def test_the_projected_layer_is_the_one_that_the_config_states(loaded, small, tmp_path, picture):
    folder = changed(make_original_llava(tmp_path / "last"), mm_vision_select_layer=-1)
    model, processor = load_original(folder)
    inputs = asked(processor, picture)
    ids = inputs["input_ids"][0].tolist()
    by_hand = logits_by_hand(folder, ids, processor.image_id, inputs["pixel_values"], layer=-1)
    assert difference(logits(model, inputs), by_hand) < 1e-5


def test_the_language_models_config_is_written_out_in_full(tmp_path):
    """What LlavaConfig makes of the published fields alone is Llama 7B, whatever the checkpoint's size."""
    from transformers import LlavaConfig

    layout = read_layout(make_original_llava(tmp_path / "wide", sizes=WIDE))
    made = LlavaConfig(**llava_fields(layout, 0)).text_config
    assert {name: getattr(made, name) for name in WIDE} == WIDE
    stated = json.loads((layout.folder / "config.json").read_text(encoding="utf-8"))
    silent = LlavaConfig(**{name: value for name, value in stated.items() if name != "model_type"})
    silent.vision_config = type(silent.vision_config)(**layout.vision)
    assert silent.text_config.hidden_size == 4096
    with pytest.raises(LayoutError, match=r"is \[\d+, 40\], by .*config\.json it would be \[\d+, 4096\]"):
        check_model(layout, silent)


def test_batches_are_padded_on_the_left_and_change_nothing(loaded, picture):
    model, processor = loaded
    texts = [
        processor.apply_chat_template([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": t}]}])
        for t in ("a", "a longer text")
    ]
    both = processor(texts, [[picture], [picture.rotate(90)]])
    for row, (text, image) in enumerate(zip(texts, (picture, picture.rotate(90)), strict=True)):
        alone = logits(model, processor([text], [[image]]))[-1]
        assert difference(logits(model, both, row)[-1], alone) < 1e-4


# --- what is refused ---


def changed(folder: Path, **fields: Any) -> Path:
    path = folder / "config.json"
    stated = json.loads(path.read_text(encoding="utf-8")) | fields
    path.write_text(json.dumps({name: value for name, value in stated.items() if value is not None}), encoding="utf-8")
    return folder


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return make_original_llava(tmp_path / "own")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("model.layers.1.mlp.up_proj.weight", r"own: no tensor for model\.language_model\.layers\.1\.mlp\.up_proj"),
        ("model.mm_projector.2.bias", r"no tensor for model\.multi_modal_projector\.linear_2\.bias"),
        ("lm_head.weight", r"no tensor for lm_head\.weight"),
    ],
)
def test_a_missing_tensor_is_named(own, lost, said):
    tensors = read_weights(own)
    del tensors[lost]
    write_weights(own, [tensors])
    with pytest.raises(LayoutError, match=said):
        load_original(own)


def test_an_unexpected_tensor_is_named(own):
    write_weights(own, [tensors := read_weights(own), {"model.layers.2.mlp.up_proj.weight": tensors["lm_head.weight"]}])
    with pytest.raises(LayoutError, match=r"00002-of-00002\.bin: unexpected tensor model\.layers\.2\.mlp\.up_proj"):
        load_original(own)


def test_a_tower_that_is_not_among_the_weights_is_said_to_be_missing(own):
    tensors = {name: value for name, value in read_weights(own).items() if "vision_tower" not in name}
    write_weights(own, [tensors])
    with pytest.raises(LayoutError, match=r"own has no weights of the vision tower .*as LLaVA-1\.5's own checkpoints"):
        load_original(own)


def test_sizes_that_are_not_the_weights_are_named_with_both(own):
    with pytest.raises(LayoutError, match=r"is \[72, 32\], by .*config\.json it would be \[80, 32\]"):
        load_original(changed(own, intermediate_size=80))


def test_a_file_that_is_cut_off(own):
    file = own / "pytorch_model-00002-of-00002.bin"
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(LayoutError, match=r"00002-of-00002\.bin is cut off, or no file of weights"):
        load_original(own)


def test_a_file_with_code_in_it_is_not_run(own, tmp_path):
    import torch

    marked = tmp_path / "ran"
    torch.save({"lm_head.weight": _Code(marked)}, own / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(LayoutError, match="cut off, or no file of weights"):
        load_original(own)
    assert not marked.exists()


class _Code:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self.file,)


def test_another_models_tokenizer(own):
    with pytest.raises(LayoutError, match="vocab_size is 32000, and the tokenizer there has 259 tokens"):
        load_original(changed(own, vocab_size=32000))


def test_a_transformers_that_names_tensors_otherwise(own, monkeypatch):
    import transformers

    monkeypatch.setattr(transformers, "__version__", "4.49.0")
    with pytest.raises(
        LayoutError, match=r"transformers 4\.49\.0 is too old .* 4\.52 or newer, .*lmms-eval-ja convert"
    ):
        load_original(own)


def test_a_report_without_faults_is_no_problem():
    computed = {"model.layers.0.self_attn.rotary_emb.inv_freq"}
    assert loading_problem({"missing_keys": [], "unexpected_keys": computed, "mismatched_keys": set()}) is None


def test_a_report_names_a_few_of_each():
    problem = loading_problem({"missing_keys": [*"dcba"], "unexpected_keys": {"x"}, "mismatched_keys": []})
    assert problem == "its weights do not fit its config: 4 missing keys (a, b, c …); 1 unexpected keys (x)"
