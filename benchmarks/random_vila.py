"""Checkpoints of random weights in the layout in which LLM-jp-3 VILA is published, of any size, made on the spot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, SiglipVisionConfig, SiglipVisionModel

from lmms_eval_ja.models.tiny import byte_tokenizer

#: Rows of the embedding that no token has, as in LLM-jp-3.
_SPARE_ROWS = 10
_SHARD_BYTES = 4 << 30
_SPREAD = 0.02


@dataclass(frozen=True)
class Size:
    """Fields of the language model's and the vision tower's configs, and the dtype of the weights."""

    llm: Mapping[str, int]
    vision: Mapping[str, int]
    dtype: torch.dtype


#: 4 million weights, 64 tokens an image.
TINY = Size(
    llm={
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "vocab_size": 2048,
    },
    vision={
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 112,
        "patch_size": 14,
    },
    dtype=torch.float32,
)
#: LLM-jp-3 VILA's: SigLIP-so400m/14-384, 729 tokens an image, and a Llama of 13B; 28 GB.
FULL = Size(
    llm={
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
        "num_key_value_heads": 40,
        "vocab_size": 99584,
    },
    vision={
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 384,
        "patch_size": 14,
    },
    dtype=torch.float16,
)


def write_random_vila(folder: Path, size: Size) -> Path:
    """Write a checkpoint; the weights are drawn on a GPU where there is one.

    Args:
        folder: Empty.
        size: Of its parts.
    """
    torch.manual_seed(0)
    _write_llm(folder / "llm", size)
    _write_tower(folder / "vision_tower", size)
    width, hidden = size.vision["hidden_size"], size.llm["hidden_size"]
    shapes = {"layers.0.weight": (hidden, width), "layers.2.weight": (hidden, hidden)}
    shapes |= {"layers.0.bias": (hidden,), "layers.2.bias": (hidden,)}
    _write_part(folder / "mm_projector", {"mm_projector_type": "mlp2x_gelu"}, shapes, size.dtype)
    config = {
        "model_type": "llava_llama",
        "hidden_size": hidden,
        "mm_hidden_size": width,
        "mm_vision_select_layer": -1,
        "mm_vision_select_feature": "cls_patch",
        "image_aspect_ratio": "resize",
        "mm_use_im_start_end": False,
    }
    _write_json(folder / "config.json", config)
    return folder


def _write_llm(folder: Path, size: Size) -> None:
    tokenizer = _tokenizer(size.llm["vocab_size"] - _SPARE_ROWS)
    tokenizer.save_pretrained(folder)
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    more = {"model_type": "llama", "tie_word_embeddings": False, "max_position_embeddings": 4096}
    fields = {**size.llm, **ids, **more, "rms_norm_eps": 1e-5, "tokenizer_model_max_length": 4096}
    with torch.device("meta"):
        tensors = LlamaForCausalLM(LlamaConfig(**fields)).state_dict()
    _write_part(folder, fields, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, size.dtype)


def _write_tower(folder: Path, size: Size) -> None:
    with torch.device("meta"):
        tensors = SiglipVisionModel(SiglipVisionConfig(**size.vision)).state_dict()
    shapes = {
        f"vision_model.{name.removeprefix('vision_model.')}": tuple(tensor.shape) for name, tensor in tensors.items()
    }
    _write_part(folder, {**size.vision, "model_type": "siglip_vision_model"}, shapes, size.dtype)
    edge = size.vision["image_size"]
    steps = dict.fromkeys(("do_resize", "do_rescale", "do_normalize"), True)
    numbers = {"resample": 3, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255}
    _write_json(folder / "preprocessor_config.json", steps | numbers | {"size": {"height": edge, "width": edge}})


def _tokenizer(tokens: int) -> Any:
    """Bytes, and as many tokens beside them, which no text becomes, as the size asks for."""
    plain = byte_tokenizer(None)
    content = json.loads(plain.backend_tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    vocabulary |= {f"unused {id_}": id_ for id_ in range(len(vocabulary), tokens)}
    made = Tokenizer.from_str(json.dumps(content))
    made.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", plain.bos_token_id)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, **plain.special_tokens_map)


def _write_part(
    folder: Path, config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], dtype: torch.dtype
) -> None:
    folder.mkdir(exist_ok=True)
    _write_json(folder / "config.json", config)
    shards = list(_shards(shapes, dtype.itemsize))
    weight_map = {}
    for number, names in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file({name: _random(name, shapes[name], dtype) for name in names}, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(names, file)
    _write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})


def _shards(shapes: Mapping[str, tuple[int, ...]], itemsize: int) -> Iterator[list[str]]:
    names, total = list[str](), 0
    for name, shape in shapes.items():
        size = itemsize * torch.Size(shape).numel()
        if names and total + size > _SHARD_BYTES:
            yield names
            names, total = [], 0
        names.append(name)
        total += size
    yield names


def _random(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    if name.endswith("bias"):
        return torch.zeros(shape, dtype=dtype)
    if len(shape) == 1:  # of a normalisation
        return torch.ones(shape, dtype=dtype)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return (torch.randn(shape, dtype=dtype, device=device) * _SPREAD).cpu()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
