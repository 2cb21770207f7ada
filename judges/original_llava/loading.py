"""From a checkpoint in LLaVA's own format to transformers' LLaVA, without copying weights."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

from lmms_eval_ja.judges.original_llava.layout import LayoutError, OriginalLlava, read_layout
from lmms_eval_ja.judges.original_llava.processor import OriginalProcessor
from lmms_eval_ja.judges.original_llava.weights import COMPUTED, check_weights, key_mapping, link_weights

#: The names of parts and tensors are those of transformers from 4.52 on.
_OLDEST = (4, 52)


def load_original(folder: Path, **options: Any) -> tuple[Any, OriginalProcessor]:
    """Load a checkpoint.

    Args:
        folder: With config.json, tokenizer and weights.
        **options: Of `from_pretrained`: dtype, device_map …

    Returns:
        A `LlavaForConditionalGeneration` in evaluation mode, of which every weight is from the checkpoint; its
        processor.

    Raises:
        LayoutError: another format; tensors that are missing, not expected or of another shape; transformers is too
            old.
    """
    import transformers

    if tuple(int(part) for part in transformers.__version__.split(".")[:2]) < _OLDEST:
        raise LayoutError(
            f"transformers {transformers.__version__} is too old for {folder}: install {'.'.join(map(str, _OLDEST))} "
            "or newer, or take what `lmms-eval-ja convert` makes of it"
        )
    layout = read_layout(folder)
    processor = OriginalProcessor(layout)
    config = transformers.LlavaConfig(**llava_fields(layout, processor.image_id))
    check_model(layout, config)
    linked = Path(tempfile.mkdtemp(prefix="original-llava-"))
    try:
        link_weights(layout, config.to_dict(), linked)
        model, report = transformers.LlavaForConditionalGeneration.from_pretrained(
            linked, key_mapping=key_mapping(), output_loading_info=True, **options
        )
    except BaseException:
        shutil.rmtree(linked, ignore_errors=True)
        raise
    # Parts that are offloaded to disk are read through the links for as long as the model lives.
    weakref.finalize(model, shutil.rmtree, linked, ignore_errors=True)
    if problem := loading_problem(report):
        raise LayoutError(f"{folder}: {problem}")
    model.generation_config = transformers.GenerationConfig(
        bos_token_id=processor.tokenizer.bos_token_id,
        eos_token_id=processor.tokenizer.eos_token_id,
        pad_token_id=processor.tokenizer.pad_token_id,
        suppress_tokens=[*range(len(processor.tokenizer), layout.text["vocab_size"])] or None,
    )
    return model.eval(), processor


def check_model(layout: OriginalLlava, config: Any) -> None:
    """Compare the checkpoint's tensors with transformers' LLaVA of a config, without memory for it.

    Raises:
        LayoutError: they differ.
    """
    import torch
    from transformers import LlavaForConditionalGeneration

    with torch.device("meta"):
        expected = LlavaForConditionalGeneration(config).state_dict()
    check_weights(layout, {name: tuple(value.shape) for name, value in expected.items()})


def loading_problem(report: dict[str, Any]) -> str | None:
    """What `from_pretrained` reports and only logs: weights that are random, or not used; None if there are none."""
    wrong = {
        kind.replace("_", " "): sorted(key for key in map(str, keys) if not key.endswith(COMPUTED))
        for kind, keys in report.items()
        if keys and kind in {"missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"}
    }
    found = [
        f"{len(keys)} {kind} ({', '.join(keys[:3])}{' …' if len(keys) > 3 else ''})"  # noqa: PLR2004 (a few to show)
        for kind, keys in wrong.items()
        if keys
    ]
    return f"its weights do not fit its config: {'; '.join(found)}" if found else None


def llava_fields(layout: OriginalLlava, image_id: int) -> dict[str, Any]:
    """LLaVA's config of a checkpoint, in full: what it leaves out transformers takes from Llama 7B and CLIP-B."""
    fields = {
        "model_type": "llava",
        "architectures": ["LlavaForConditionalGeneration"],
        "text_config": dict(layout.text),
        "vision_config": dict(layout.vision),
        "image_token_index": image_id,
        "image_seq_length": layout.image_tokens,
        "projector_hidden_act": "gelu",
        "vision_feature_layer": layout.select_layer,
        "vision_feature_select_strategy": "default",
        "multimodal_projector_bias": True,
        "tie_word_embeddings": False,
    }
    return fields | ({"torch_dtype": layout.dtype} if layout.dtype else {})
