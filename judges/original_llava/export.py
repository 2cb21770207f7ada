"""A checkpoint in LLaVA's own format written out as one for transformers and vLLM."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lmms_eval_ja.judges.original_llava.layout import LayoutError, OriginalLlava, read_layout
from lmms_eval_ja.judges.original_llava.loading import check_model, llava_fields
from lmms_eval_ja.judges.original_llava.processor import (
    IMAGE_TAG,
    PREPROCESSOR,
    chat_template,
    preprocessing,
)
from lmms_eval_ja.judges.original_llava.tokenizer import read_tokenizer, write_tokenizer
from lmms_eval_ja.judges.original_llava.weights import COMPUTED, exported_name, read_shard

_EMBEDDING, _HEAD = "language_model.model.embed_tokens.weight", "language_model.lm_head.weight"
#: The embedding grows to a multiple of this, so that it can be split over devices.
_MULTIPLE = 64
#: safetensors makes files that only their owner can read.
_MODE = 0o644


@dataclass(frozen=True)
class ExportedLlava:
    """What was written.

    Attributes:
        folder: Where.
        tensors: Number of tensors.
        size: Of all files, in bytes.
        image_id: Id of `<image>`.
        dtype: Of the weights, as the config states it; None: not stated.
    """

    folder: Path
    tensors: int
    size: int
    image_id: int
    dtype: str | None


def export_original(source: Path, target: Path, progress: Callable[[str], None] = lambda _: None) -> ExportedLlava:
    """Write a checkpoint as `LlavaForConditionalGeneration` with a `LlavaProcessor` and the template `vicuna_v1`.

    Weights keep dtype and values. The embedding gets a row for `<image>` and is filled up to a multiple of 64; the
    output rows that no token has are copies of the unknown token's, so that none of them ever wins.

    Args:
        source: Folder of the checkpoint.
        target: Folder that does not exist yet; appears when all of it is written.
        progress: Called with the name of each file before it is written.

    Raises:
        LayoutError: `source` is no such checkpoint, `target` exists, or the disk is too small.
    """
    from transformers import LlavaConfig

    layout = read_layout(source)
    tokenizer = read_tokenizer(layout)
    check_model(layout, LlavaConfig(**llava_fields(layout, tokenizer.unk_token_id)))
    _check_target(layout, target)
    image_id = len(tokenizer)
    rows = max(layout.text["vocab_size"], -(-(image_id + 1) // _MULTIPLE) * _MULTIPLE)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        tensors = _write_weights(layout, partial, progress, (image_id, rows, tokenizer.unk_token_id))
        progress("config and processor")
        _write_configs(layout, partial, tokenizer, rows)
        _write_processor(layout, partial, tokenizer)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    size = sum(path.stat().st_size for path in target.iterdir())
    return ExportedLlava(target, tensors, size, image_id, layout.dtype)


def _check_target(layout: OriginalLlava, target: Path) -> None:
    if target.exists():
        raise LayoutError(f"{target} exists already; name a folder that does not exist, nothing is overwritten")
    needed = sum(file.stat().st_size for file in layout.shards)
    there = next(parent for parent in target.absolute().parents if parent.exists())
    if (free := shutil.disk_usage(there).free) < needed:
        raise LayoutError(f"{there}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")


def _write_weights(
    layout: OriginalLlava, folder: Path, progress: Callable[[str], None], sizes: tuple[int, int, int]
) -> int:
    """One new file for each old one; returns the number of tensors."""
    from safetensors.torch import save_file

    weight_map: dict[str, str] = {}
    for number, file in enumerate(layout.shards, start=1):
        name = f"model-{number:05d}-of-{len(layout.shards):05d}.safetensors"
        progress(name)
        tensors = {exported_name(key): value for key, value in read_shard(file).items() if not key.endswith(COMPUTED)}
        for key in {_EMBEDDING, _HEAD} & tensors.keys():
            tensors[key] = _grown(tensors[key], *sizes)
        # Of files of PyTorch several tensors may lie in one memory, which safetensors does not take.
        save_file({key: value.contiguous().clone() for key, value in tensors.items()}, folder / name, {"format": "pt"})
        (folder / name).chmod(_MODE)
        weight_map |= dict.fromkeys(tensors, name)
    total = sum(path.stat().st_size for path in folder.iterdir())
    _write(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})
    return len(weight_map)


def _grown(rows: Any, tokens: int, wanted: int, unknown: int) -> Any:
    """An embedding with `wanted` rows, those that no token has equal to the unknown token's."""
    import torch

    return torch.cat([rows[:tokens], rows[unknown : unknown + 1].expand(wanted - tokens, -1)])


def _write_configs(layout: OriginalLlava, folder: Path, tokenizer: Any, rows: int) -> None:
    image_id = len(tokenizer)
    config = llava_fields(layout, image_id) | {"pad_token_id": tokenizer.eos_token_id}
    config["text_config"] |= {"vocab_size": rows, "architectures": ["LlamaForCausalLM"]}
    config["vision_config"] |= {"architectures": ["CLIPVisionModel"]}
    if layout.dtype:
        config["text_config"]["torch_dtype"] = config["vision_config"]["torch_dtype"] = layout.dtype
    _write(folder / "config.json", config)
    generation = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id,
        "suppress_tokens": [*range(image_id, rows)],
    }
    _write(folder / "generation_config.json", generation)


def _write_processor(layout: OriginalLlava, folder: Path, tokenizer: Any) -> None:
    template = chat_template()
    write_tokenizer(tokenizer, folder, IMAGE_TAG)
    _write(folder / PREPROCESSOR, preprocessing(layout) | {"processor_class": "LlavaProcessor"})
    _write(
        folder / "processor_config.json",
        {
            "processor_class": "LlavaProcessor",
            "image_token": IMAGE_TAG,
            "num_additional_image_tokens": 1,
            "patch_size": layout.vision["patch_size"],
            "vision_feature_select_strategy": "default",
        },
    )
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    _write(folder / "chat_template.json", {"chat_template": template})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
