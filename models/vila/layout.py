"""The layout in which VILA checkpoints are published, read and checked before anything is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
#: Linear, GELU, Linear: LLaVA's own projector.
MLP_GELU = "mlp2x_gelu"
#: 2 × 2 fold, LayerNorm, Linear, GELU, Linear: VILA1.5's.
MLP_DOWNSAMPLE = "mlp_downsample"

_PUBLISHED = "expected a VILA checkpoint as published: config.json, llm/, vision_tower/, mm_projector/"
_INDEX = "model.safetensors.index.json"
_BICUBIC = 3
_OFF = (None, False)


class LayoutError(ValueError):
    """A checkpoint that is not laid out as VILA's are, or whose parts do not fit; the message names file and field."""


@dataclass(frozen=True)
class Part:
    """One of the three folders of a checkpoint: its config and the files that hold its tensors."""

    folder: Path
    config: Mapping[str, Any]
    shards: tuple[Path, ...]

    @property
    def name(self) -> str:
        """`llm`, `vision_tower` or `mm_projector`."""
        return self.folder.name


@dataclass(frozen=True)
class VilaLayout:
    """A published checkpoint.

    Attributes:
        select_layer: Which hidden state of the vision tower is projected; -1 is the last, before `post_layernorm`.
        projector: `mlp2x_gelu` or `mlp_downsample`.
        mean: Of the pixels' red, green and blue, after scaling to 0 … 1.
        std: Likewise.
    """

    folder: Path
    llm: Part
    vision_tower: Part
    mm_projector: Part
    select_layer: int
    projector: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def parts(self) -> tuple[Part, Part, Part]:
        """The three folders."""
        return self.llm, self.vision_tower, self.mm_projector

    @property
    def image_size(self) -> int:
        """Height and width of the vision tower's input, in pixels."""
        return int(self.vision_tower.config["image_size"])

    @property
    def patch_size(self) -> int:
        """Height and width of a patch, in pixels."""
        return int(self.vision_tower.config["patch_size"])

    @property
    def image_tokens(self) -> int:
        """Positions that an image takes: 27 × 27 = 729 in LLM-jp-3 VILA, 14 × 14 = 196 in VILA1.5."""
        side = self.image_size // self.patch_size
        return ((side + 1) // 2) ** 2 if self.projector == MLP_DOWNSAMPLE else side**2

    @property
    def vocab_size(self) -> int:
        """Rows of the embedding; the tokenizer may have fewer tokens."""
        return int(self.llm.config["vocab_size"])

    @property
    def max_length(self) -> int | None:
        """Positions of text and image features that a prompt keeps, the first ones; None: all."""
        value = self.llm.config.get("tokenizer_model_max_length")
        return None if value is None else int(value)


def read_layout(folder: Path) -> VilaLayout:
    """Read a published checkpoint's configs and list its weight files.

    Raises:
        LayoutError: a file is absent or no JSON, or a field has a value that this code does not reproduce.
    """
    path = folder / CONFIG
    config = _read(path)
    if config.get("model_type") == "llava":
        raise LayoutError(f"{path}: model_type is 'llava', an ordinary LLaVA checkpoint; run it with --model ja_vlm")
    _expect(path, config, "model_type", ("llava_llama",))
    _expect(path, config, "mm_vision_select_feature", ("cls_patch",))
    _expect(path, config, "image_aspect_ratio", ("resize",))
    _expect(path, config, "s2", _OFF)
    _expect(path, config, "mm_use_im_start_end", _OFF)
    llm, vision, projector = (_read_part(folder / name) for name in ("llm", "vision_tower", "mm_projector"))
    _check_llm(llm)
    preprocessor = _check_vision(vision)
    _expect(projector.folder / CONFIG, projector.config, "mm_projector_type", (MLP_GELU, MLP_DOWNSAMPLE))
    _expect(path, config, "hidden_size", (None, llm.config["hidden_size"]))
    _expect(path, config, "mm_hidden_size", (None, vision.config["hidden_size"]))
    return VilaLayout(
        folder=folder,
        llm=llm,
        vision_tower=vision,
        mm_projector=projector,
        select_layer=_select_layer(path, config, int(vision.config["num_hidden_layers"])),
        projector=str(projector.config["mm_projector_type"]),
        mean=tuple(preprocessor["image_mean"]),
        std=tuple(preprocessor["image_std"]),
    )


def _read_part(folder: Path) -> Part:
    if not folder.is_dir():
        raise LayoutError(f"{folder}: there is no such folder; {_PUBLISHED}")
    return Part(folder, _read(folder / CONFIG), _shards(folder))


def _shards(folder: Path) -> tuple[Path, ...]:
    index = folder / _INDEX
    if index.exists():
        weight_map = _read(index).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise LayoutError(f"{index}: no weight_map")
        names = sorted({str(name) for name in weight_map.values()})
    else:
        names = ["model.safetensors"]
    absent = [name for name in names if not (folder / name).is_file()]
    if absent:
        raise LayoutError(
            f"{folder}: {len(absent)} of {len(names)} weight files are missing: {', '.join(absent)}; fetch it again"
        )
    return tuple(folder / name for name in names)


def _check_llm(llm: Part) -> None:
    path = llm.folder / CONFIG
    _expect(path, llm.config, "model_type", ("llama",))
    _expect(path, llm.config, "tie_word_embeddings", _OFF)
    _integers(path, llm.config, "hidden_size", "vocab_size", "num_hidden_layers", "max_position_embeddings")
    positions, wanted = int(llm.config["max_position_embeddings"]), llm.config.get("model_max_length") or 0
    if wanted > positions and not llm.config.get("rope_scaling"):
        raise LayoutError(
            f"{path}: model_max_length {wanted} is more than max_position_embeddings {positions}, and no rope_scaling"
        )


def _check_vision(vision: Part) -> dict[str, Any]:
    """Check the tower's config and its preprocessor's, and return the latter."""
    path = vision.folder / CONFIG
    _expect(path, vision.config, "model_type", ("siglip_vision_model",))
    _integers(path, vision.config, "hidden_size", "image_size", "patch_size", "num_hidden_layers")
    path = vision.folder / PREPROCESSOR
    preprocessor = _read(path)
    size = int(vision.config["image_size"])
    _expect(path, preprocessor, "size", ({"height": size, "width": size},))
    _expect(path, preprocessor, "resample", (_BICUBIC,))
    for step in ("do_resize", "do_rescale", "do_normalize"):
        _expect(path, preprocessor, step, (True,))
    for name in ("image_mean", "image_std"):
        value = preprocessor.get(name)
        if not isinstance(value, list) or [type(v) in {int, float} for v in value] != [True] * 3:
            raise LayoutError(f"{path}: {name} is {value!r}; expected three numbers")
    return preprocessor


def _select_layer(path: Path, config: Mapping[str, Any], layers: int) -> int:
    value = config.get("mm_vision_select_layer")
    if not isinstance(value, int) or not -layers - 1 <= value <= layers:
        raise LayoutError(f"{path}: mm_vision_select_layer is {value!r}; the vision tower has {layers} layers")
    return value


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LayoutError(f"{path}: there is no such file; {_PUBLISHED}") from None
    except (OSError, ValueError) as error:
        raise LayoutError(f"{path}: {error}") from None
    if not isinstance(found, dict):
        raise LayoutError(f"{path}: expected a JSON object")
    return found


def _expect(path: Path, config: Mapping[str, Any], field: str, allowed: tuple[Any, ...]) -> None:
    value = config.get(field)
    if value not in allowed:
        names = " or ".join("absent" if a is None else repr(a) for a in allowed)
        raise LayoutError(f"{path}: {field} is {value!r}; expected {names}")


def _integers(path: Path, config: Mapping[str, Any], *fields: str) -> None:
    for field in fields:
        if type(config.get(field)) is not int or config[field] < 1:
            raise LayoutError(f"{path}: {field} is {config.get(field)!r}; expected a positive integer")
