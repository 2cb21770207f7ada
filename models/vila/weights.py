"""Tensors of a published checkpoint: compared with the model by their headers, and linked for loading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from lmms_eval_ja.models.vila.layout import MLP_DOWNSAMPLE, LayoutError, Part, VilaLayout

#: Constants that some versions wrote among the weights; the model computes them itself.
_COMPUTED = ("rotary_emb.inv_freq", "embeddings.position_ids")
#: How many tensors an error names.
_SHOWN = 5

#: Published names of a part (regular expression) and their prefix in transformers' LLaVA since 4.52.
_LLM = {r"^model\.": "model.language_model.", r"^lm_head\.": "lm_head."}
_VISION = {r"^vision_model\.": "model.vision_tower.vision_model."}
_PROJECTORS = {
    "mlp2x_gelu": {
        r"^layers\.0\.": "model.multi_modal_projector.linear_1.",
        r"^layers\.2\.": "model.multi_modal_projector.linear_2.",
    },
    MLP_DOWNSAMPLE: {
        r"^layers\.1\.": "model.multi_modal_projector.norm.",
        r"^layers\.2\.": "model.multi_modal_projector.linear_1.",
        r"^layers\.4\.": "model.multi_modal_projector.linear_2.",
    },
}


@dataclass(frozen=True)
class Stored:
    """A tensor of a file: known by its header."""

    file: Path
    shape: tuple[int, ...]


def key_mapping(layout: VilaLayout) -> dict[str, str]:
    """For `from_pretrained`: published names (regular expressions) to transformers' names, in the order to apply them.

    The language model's stands first: what the others make also begins with `model.`.
    """
    return _LLM | _VISION | _PROJECTORS[layout.projector]


def stored_tensors(part: Part) -> dict[str, Stored]:
    """Name, file and shape of a part's tensors, read from the files' headers.

    Raises:
        LayoutError: a file that is no safetensors file, or cut off; a tensor that stands in two files.
    """
    found: dict[str, Stored] = {}
    for file in part.shards:
        try:
            with safe_open(str(file), framework="np") as tensors:
                shapes = {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise LayoutError(f"{file}: not a whole safetensors file ({error}); fetch it again") from None
        for name, shape in shapes.items():
            if name in found:
                raise LayoutError(f"{file}: tensor {name} stands in {found[name].file.name} too")
            if not name.endswith(_COMPUTED):
                found[name] = Stored(file, shape)
    return found


def check_weights(layout: VilaLayout, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare the checkpoint's tensors with the model that its configs describe.

    Args:
        layout: The checkpoint.
        expected: Name and shape of each of the model's tensors, as transformers names them.

    Raises:
        LayoutError: a missing or unexpected tensor, or one of another size; names the first few.
    """
    names = {_plain(name): shape for name, shape in expected.items()}
    problems: list[str] = []
    for part in layout.parts:
        for name, stored in stored_tensors(part).items():
            shape = names.pop(_plain(transformers_name(layout, part, name)), None)
            if shape is None:
                problems.append(f"{stored.file}: unexpected tensor {name}")
            elif shape != stored.shape:
                problems.append(
                    f"{stored.file}: {name} has the shape {list(stored.shape)}; {part.folder / 'config.json'} says "
                    f"{list(shape)}"
                )
    problems += [f"{layout.folder}: no tensor for {name}" for name in names]
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise LayoutError("\n".join(problems[:_SHOWN]) + more)


def transformers_name(layout: VilaLayout, part: Part, name: str) -> str:
    """The name in transformers' LLaVA of a part's tensor; one that no rule names comes as `<part>/<name>`."""
    rules = {"llm": _LLM, "vision_tower": _VISION, "mm_projector": _PROJECTORS[layout.projector]}[part.name]
    for pattern, prefix in rules.items():
        if re.match(pattern, name):
            return re.sub(pattern, prefix, name, count=1)
    return f"{part.name}/{name}"


def link_weights(layout: VilaLayout, folder: Path, config: Mapping[str, Any]) -> None:
    """Fill a folder with a config, links to the weight files and one index, for `from_pretrained` with `key_mapping`.

    Args:
        layout: The checkpoint; its tensors keep their names.
        folder: Empty; of a few kilobytes afterwards.
        config: Of LLaVA (config.json).
    """
    weight_map: dict[str, str] = {}
    for part in layout.parts:
        links = {file: f"{part.name}-{file.name}" for file in part.shards}
        for file, link in links.items():
            (folder / link).symlink_to(file.absolute())
        weight_map |= {name: links[stored.file] for name, stored in stored_tensors(part).items()}
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def _plain(name: str) -> str:
    """Without the level that transformers 4 has between the tower and its layers."""
    return name.replace("vision_tower.vision_model.", "vision_tower.")
