"""A checkpoint in the format of LLaVA's own code: its config and files, read and checked before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = "config.json"
#: The only class of LLaVA's own code that is read here; the language model is a Llama.
ARCHITECTURE = "LlavaLlamaForCausalLM"
_TYPES = ("llava", "llava_llama")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model")
#: Without these transformers would fill in the sizes of Llama 7B.
_SIZES = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "vocab_size",
    "max_position_embeddings",
)
#: A Llama's other fields; the value where the config is older than the field.
_REST: Mapping[str, Any] = {
    "num_key_value_heads": None,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "hidden_act": "silu",
    "attention_bias": False,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_LARGE = {
    "model_type": "clip_vision_model",
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "patch_size": 14,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
#: Vision towers by their name on the hub (their config.json).
_TOWERS = {
    "openai/clip-vit-large-patch14-336": _LARGE | {"image_size": 336},
    "openai/clip-vit-large-patch14": _LARGE | {"image_size": 224},
}


class LayoutError(ValueError):
    """A checkpoint that is not in this format, or not whole; the message names file and field."""


@dataclass(frozen=True)
class OriginalLlava:
    """A checkpoint.

    Attributes:
        folder: Where it lies.
        text: Config of its Llama, in full.
        vision: Config of its CLIP vision tower, in full.
        select_layer: Which hidden state of the tower is projected; -2 is the last but one.
        dtype: In which the weights are, as the config states it; None: not stated.
        shards: The files with its tensors.
    """

    folder: Path
    text: Mapping[str, Any]
    vision: Mapping[str, Any]
    select_layer: int
    dtype: str | None
    shards: tuple[Path, ...]

    @property
    def image_tokens(self) -> int:
        """Positions of an image: one a patch, 24 × 24 = 576 with CLIP-L/14-336; none for the class token."""
        return int((self.vision["image_size"] // self.vision["patch_size"]) ** 2)


def is_original(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is of this format; that of transformers' LLaVA, and VILA's, describe their parts apart."""
    if config.get("model_type") not in _TYPES or {"text_config", "vision_config", "llm_cfg"} & config.keys():
        return False
    return ARCHITECTURE in (config.get("architectures") or ()) or "mm_vision_tower" in config


def tower_folder(folder: Path, config: Mapping[str, Any]) -> Path | None:
    """The folder inside the checkpoint that describes its vision tower, or None for a tower known by its name."""
    name = config.get("mm_vision_tower")
    inside = folder / name if isinstance(name, str) and name and name not in _TOWERS else None
    return inside if inside is not None and (inside / CONFIG).is_file() else None


def check_config(where: str, config: Mapping[str, Any]) -> None:
    """Refuse what this code would not reproduce.

    Args:
        where: The config's file, for the message.
        config: What stands in it.

    Raises:
        LayoutError: a field has another value than expected.
    """
    fields = _Fields(where, config)
    fields.one_of("model_type", *_TYPES)
    fields.one_of("architectures", [ARCHITECTURE])
    fields.one_of("mm_projector_type", "mlp2x_gelu")
    fields.one_of("mm_vision_select_feature", None, "patch")
    # Says how it was trained. LLaVA's evaluation, and so Prometheus-Vision's, leaves it aside and does not pad.
    fields.one_of("image_aspect_ratio", None, "square", "pad")
    fields.off("mm_use_im_start_end", "mm_use_im_patch_token", "tie_word_embeddings")
    fields.counts(*_SIZES, "mm_hidden_size")


def read_layout(folder: Path) -> OriginalLlava:
    """Read a checkpoint's configs and list its files.

    Raises:
        LayoutError: a file is absent or no JSON, or a field has a value that is not expected.
    """
    path = folder / CONFIG
    config = read_json(path)
    check_config(str(path), config)
    vision = _vision(folder, config)
    if config["mm_hidden_size"] != vision["hidden_size"]:
        raise LayoutError(
            f"{path}: mm_hidden_size is {config['mm_hidden_size']}; the tower {config['mm_vision_tower']} has "
            f"{vision['hidden_size']}"
        )
    layer, layers = config.get("mm_vision_select_layer"), vision["num_hidden_layers"]
    if type(layer) is not int or not -layers - 1 <= layer <= layers:
        raise LayoutError(f"{path}: mm_vision_select_layer is {layer!r}; the vision tower has {layers} layers")
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        raise LayoutError(f"{folder}: no tokenizer ({' or '.join(_TOKENIZERS)}); fetch the checkpoint again")
    text = {name: config[name] for name in _SIZES} | {name: config.get(name, old) for name, old in _REST.items()}
    text["num_key_value_heads"] = text["num_key_value_heads"] or text["num_attention_heads"]
    return OriginalLlava(
        folder=folder,
        text={"model_type": "llama", **text, "tie_word_embeddings": False},
        vision=vision,
        select_layer=layer,
        dtype=config.get("torch_dtype", config.get("dtype")),
        shards=_shards(folder),
    )


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file holds.

    Raises:
        LayoutError: it is not there, or holds no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise LayoutError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise LayoutError(f"{path}: expected a JSON object")
    return found


def _vision(folder: Path, config: Mapping[str, Any]) -> Mapping[str, Any]:
    name = config.get("mm_vision_tower")
    if name in _TOWERS:
        return _TOWERS[name]
    described = tower_folder(folder, config)
    if described is None:
        raise LayoutError(
            f"{folder / CONFIG}: mm_vision_tower is {name!r}; expected {' or '.join(_TOWERS)}, or a folder inside the "
            "checkpoint with the tower's config.json"
        )
    path = described / CONFIG
    found = read_json(path)
    fields = _Fields(str(path), found)
    fields.one_of("model_type", "clip_vision_model")
    fields.counts("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    fields.counts("image_size", "patch_size")
    return found


def _shards(folder: Path) -> tuple[Path, ...]:
    for whole in _WEIGHTS:
        index = folder / f"{whole}.index.json"
        if index.is_file():
            named = read_json(index).get("weight_map")
            if not isinstance(named, dict) or not named:
                raise LayoutError(f"{index}: no weight_map")
            files = sorted({str(file) for file in named.values()})
            if absent := [file for file in files if not (folder / file).is_file()]:
                raise LayoutError(f"{index} names {', '.join(absent)}, not there; fetch the checkpoint again")
            return tuple(folder / file for file in files)
        if (folder / whole).is_file():
            return (folder / whole,)
    raise LayoutError(f"{folder} has no weights ({' or '.join(_WEIGHTS)}, or shards with an index)")


@dataclass(frozen=True)
class _Fields:
    """Checks of a config's fields."""

    where: str
    config: Mapping[str, Any]

    def off(self, *names: str) -> None:
        for name in names:
            if self.config.get(name):
                raise LayoutError(f"{self.where}: {name} is {self.config[name]!r}; expected false or no such field")

    def one_of(self, name: str, *allowed: Any) -> None:
        if (value := self.config.get(name)) not in allowed:
            names = " or ".join("no such field" if one is None else repr(one) for one in allowed)
            raise LayoutError(f"{self.where}: {name} is {value!r}; expected {names}")

    def counts(self, *names: str) -> None:
        for name in names:
            value = self.config.get(name)
            if type(value) is not int or value <= 0:
                raise LayoutError(f"{self.where}: {name} is {value!r}; expected a whole number above 0")
