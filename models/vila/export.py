"""A published VILA checkpoint written out as an ordinary LLaVA checkpoint, for transformers and vLLM."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer

from lmms_eval_ja.models.vila.conversation import IMAGE_TAG, LLMJP_V3
from lmms_eval_ja.models.vila.layout import MLP_GELU, PREPROCESSOR, LayoutError, Part
from lmms_eval_ja.models.vila.loading import VilaCheckpoint, llava_fields
from lmms_eval_ja.models.vila.weights import stored_tensors, transformers_name

#: The names that LLaVA checkpoints have on disk, which every version of transformers and vLLM reads. transformers'
#: `save_pretrained` leaves `vision_model.` out, and vLLM does not find those.
_ON_DISK = {
    "model.language_model.": "language_model.model.",
    "lm_head.": "language_model.lm_head.",
    "model.vision_tower.": "vision_tower.",
    "model.multi_modal_projector.": "multi_modal_projector.",
}
#: safetensors makes files that only their owner can read.
_MODE = 0o644
_HEAD = "language_model.lm_head.weight"
#: Beside tokenizer.json, which is written anew.
_TOKENIZER_FILES = ("special_tokens_map.json", "tokenizer_config.json")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        tensors: Number of tensors.
        size: Of all files, in bytes.
        image_id: Id of `<image>`.
        image_size: Height and width to which images are to be resized, in pixels.
        dtype: To compute in.
    """

    folder: Path
    tensors: int
    size: int
    image_id: int
    image_size: int
    dtype: str


def export_llava(source: Path, target: Path, progress: Callable[[str], None] = lambda _: None) -> Exported:
    """Write a checkpoint as `LlavaForConditionalGeneration` with a `LlavaProcessor`.

    Weights keep their dtype, and all but one their values: the output rows that no token has become copies of the
    unknown token's, so that no engine generates them where it would not generate that (their own would win). Greedy
    answers are those of `llm_jp_vila` if the images are resized with Pillow first.

    Args:
        source: Folder of a published checkpoint with the projector `mlp2x_gelu`.
        target: Folder that does not exist yet; appears when all of it is written.
        progress: Called with the name of each file before it is written.

    Raises:
        LayoutError: `source` is no such checkpoint, or `target` exists, or the disk is too small.
    """
    checkpoint = VilaCheckpoint(source)
    _check(checkpoint, target)
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        tensors = _write_weights(checkpoint, partial, progress)
        progress("config and processor")
        _write_config(checkpoint, partial)
        _write_processor(checkpoint, partial)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Exported(
        folder=target,
        tensors=tensors,
        size=sum(path.stat().st_size for path in target.iterdir()),
        image_id=checkpoint.processor.tokens.image_id,
        image_size=checkpoint.layout.image_size,
        dtype=_dtype(checkpoint),
    )


def _check(checkpoint: VilaCheckpoint, target: Path) -> None:
    layout = checkpoint.layout
    if target.exists():
        raise LayoutError(f"{target} exists already; name a folder that does not exist, nothing is overwritten")
    if layout.projector != MLP_GELU:
        raise LayoutError(
            f"{layout.mm_projector.folder}/config.json: mm_projector_type is {layout.projector!r}, which LLaVA does "
            f"not have; only {MLP_GELU!r} can be converted (--model vila15 runs the other)"
        )
    if not (layout.llm.folder / "tokenizer.json").exists():
        raise LayoutError(f"{layout.llm.folder}: no tokenizer.json, to which {IMAGE_TAG} is added")
    if not checkpoint.spare_ids or checkpoint.processor.tokenizer.unk_token_id is None:
        raise LayoutError(f"{layout.llm.folder}: no row of the embedding is free for {IMAGE_TAG}, or no unknown token")
    needed = sum(file.stat().st_size for part in layout.parts for file in part.shards)
    there = next(parent for parent in target.absolute().parents if parent.exists())
    if (free := shutil.disk_usage(there).free) < needed:
        raise LayoutError(f"{there}: {needed / 1e9:.1f} GB are needed, {free / 1e9:.1f} GB are free")


def _write_weights(checkpoint: VilaCheckpoint, folder: Path, progress: Callable[[str], None]) -> int:
    """One new file for each old one; returns the number of tensors."""
    shards = [(part, file) for part in checkpoint.layout.parts for file in part.shards]
    weight_map: dict[str, str] = {}
    for number, (part, file) in enumerate(shards, start=1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        progress(name)
        tensors = _renamed(checkpoint, part, file)
        save_file(tensors, folder / name, metadata={"format": "pt"})
        (folder / name).chmod(_MODE)
        weight_map |= dict.fromkeys(tensors, name)
    total = sum(path.stat().st_size for path in folder.iterdir())
    _write(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})
    return len(weight_map)


def _renamed(checkpoint: VilaCheckpoint, part: Part, file: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    with safe_open(str(file), framework="pt") as stored:
        for name in (name for name, where in stored_tensors(part).items() if where.file == file):
            full = transformers_name(checkpoint.layout, part, name)
            prefix = next(prefix for prefix in _ON_DISK if full.startswith(prefix))
            tensors[_ON_DISK[prefix] + full.removeprefix(prefix)] = stored.get_tensor(name)
    if _HEAD in tensors:
        tensors[_HEAD][checkpoint.spare_ids] = tensors[_HEAD][checkpoint.processor.tokenizer.unk_token_id].clone()
    return tensors


def _write_config(checkpoint: VilaCheckpoint, folder: Path) -> None:
    tokenizer = checkpoint.processor.tokenizer
    dtype = _dtype(checkpoint)
    config = llava_fields(checkpoint.layout, checkpoint.processor.tokens.image_id) | {
        "architectures": ["LlavaForConditionalGeneration"],
        "torch_dtype": dtype,
        "pad_token_id": checkpoint.processor.tokens.pad_id,
    }
    for name, architecture in (("text_config", "LlamaForCausalLM"), ("vision_config", "SiglipVisionModel")):
        config[name] = config[name] | {"architectures": [architecture], "torch_dtype": dtype}
    _write(folder / "config.json", config)
    generation = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": checkpoint.processor.tokens.pad_id,
        "do_sample": False,
        "max_new_tokens": 256,
        "suppress_tokens": checkpoint.spare_ids,
    }
    _write(folder / "generation_config.json", generation)


def _dtype(checkpoint: VilaCheckpoint) -> str:
    """float16 as the reference, also where the weights are stored as bfloat16."""
    return "float32" if checkpoint.layout.llm.config.get("torch_dtype") == "float32" else "float16"


def _write_processor(checkpoint: VilaCheckpoint, folder: Path) -> None:
    """The published files with `<image>` added: what transformers 5 would write, older readers do not know."""
    layout, image_id = checkpoint.layout, checkpoint.processor.tokens.image_id
    tokenizer = Tokenizer.from_file(str(layout.llm.folder / "tokenizer.json"))
    tokenizer.add_special_tokens([AddedToken(IMAGE_TAG, normalized=False, special=True)])
    if tokenizer.token_to_id(IMAGE_TAG) != image_id:
        raise LayoutError(f"{layout.llm.folder}/tokenizer.json: {IMAGE_TAG} would become another id than {image_id}")
    tokenizer.save(str(folder / "tokenizer.json"))
    for name in _TOKENIZER_FILES:
        if (layout.llm.folder / name).exists():
            shutil.copyfile(layout.llm.folder / name, folder / name)
    settings = folder / "tokenizer_config.json"
    stated: dict[str, Any] = json.loads(settings.read_text(encoding="utf-8")) if settings.exists() else {}
    added = stated.get("added_tokens_decoder", {})
    flags = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False) | {"special": True}
    added[str(image_id)] = {"content": IMAGE_TAG, **flags}
    # transformers 4 gives token types unless it is told not to, and its LLaVA refuses them.
    names = {"model_input_names": ["input_ids", "attention_mask"], "processor_class": "LlavaProcessor"}
    _write(settings, stated | {"added_tokens_decoder": added} | names)
    images = json.loads((layout.vision_tower.folder / PREPROCESSOR).read_text(encoding="utf-8"))
    _write(folder / PREPROCESSOR, images | {"processor_class": "LlavaProcessor"})
    _write(
        folder / "processor_config.json",
        {
            "processor_class": "LlavaProcessor",
            "image_token": IMAGE_TAG,
            "num_additional_image_tokens": 0,
            "patch_size": layout.patch_size,
            "vision_feature_select_strategy": "full",
        },
    )
    template = (files(__package__) / f"{LLMJP_V3.name}.jinja").read_text(encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    _write(folder / "chat_template.json", {"chat_template": template})


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
