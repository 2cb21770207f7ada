"""The tensors of a checkpoint: their names here and in transformers, compared by shape and linked for loading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmms_eval_ja.judges.original_llava.layout import CONFIG, LayoutError, OriginalLlava

TOWER = "model.vision_tower.vision_tower."
#: How names begin: in LLaVA's own code, in transformers' LLaVA since 4.52, and in LLaVA checkpoints for transformers,
#: which every version of it and vLLM read.
_NAMES = (
    ("model.embed_tokens.", "model.language_model.embed_tokens.", "language_model.model.embed_tokens."),
    ("model.layers.", "model.language_model.layers.", "language_model.model.layers."),
    ("model.norm.", "model.language_model.norm.", "language_model.model.norm."),
    ("lm_head.", "lm_head.", "language_model.lm_head."),
    ("model.mm_projector.0.", "model.multi_modal_projector.linear_1.", "multi_modal_projector.linear_1."),
    ("model.mm_projector.2.", "model.multi_modal_projector.linear_2.", "multi_modal_projector.linear_2."),
    (TOWER, "model.vision_tower.", "vision_tower."),
)
#: Constants that older versions wrote among the weights; the model computes them itself.
COMPUTED = ("rotary_emb.inv_freq", "embeddings.position_ids")
_SHOWN = 5
_Shape = tuple[int, ...]


def key_mapping() -> dict[str, str]:
    """For `from_pretrained`: beginnings of the checkpoint's names, as regular expressions, to transformers'."""
    return {"^" + old.replace(".", r"\."): new for old, new, _ in _NAMES}


def exported_name(name: str) -> str:
    """The name of a tensor in a LLaVA checkpoint for transformers and vLLM."""
    return next(disk + name.removeprefix(old) for old, _, disk in _NAMES if name.startswith(old))


def stored_shapes(layout: OriginalLlava) -> dict[str, tuple[Path, _Shape]]:
    """File and shape of each tensor, from the files' headers; computed constants are left out.

    Raises:
        LayoutError: a file that is cut off or no file of weights; a tensor that two files hold.
    """
    found: dict[str, tuple[Path, _Shape]] = {}
    for file in layout.shards:
        for name, shape in _shapes_of(file).items():
            if name in found:
                raise LayoutError(f"{file}: {name} is in {found[name][0].name} already")
            if not name.endswith(COMPUTED):
                found[name] = file, shape
    return found


def read_shard(file: Path) -> dict[str, Any]:
    """The tensors of a file, by their names in it. No code that it may hold is run.

    Raises:
        LayoutError: it is cut off or no file of weights.
    """
    return _opened(file, "cpu")


def check_weights(layout: OriginalLlava, expected: Mapping[str, _Shape]) -> None:
    """Compare the checkpoint's tensors with those of the model that its config describes.

    Args:
        layout: The checkpoint.
        expected: Shape of each of the model's tensors, by transformers' names.

    Raises:
        LayoutError: tensors that are missing or not expected, or of another shape; the message names some.
    """
    open_ = {_plain(name): shape for name, shape in expected.items()}
    problems = []
    stored = stored_shapes(layout)
    if not any(name.startswith(TOWER) for name in stored):
        raise LayoutError(
            f"{layout.folder} has no weights of the vision tower ({TOWER}…), as LLaVA-1.5's own checkpoints: "
            "take one with the tower's weights among its own, or one made for transformers (llava-hf/…)"
        )
    for name, (file, shape) in stored.items():
        wanted = next((open_.pop(known) for known in _transformers_names(name) if known in open_), None)
        if wanted is None:
            problems.append(f"{file}: unexpected tensor {name}")
        elif wanted != shape:
            problems.append(f"{file}: {name} is {[*shape]}, by {layout.folder / CONFIG} it would be {[*wanted]}")
    problems += [f"{layout.folder}: no tensor for {name}" for name in open_]
    if problems:
        rest = len(problems) - _SHOWN
        raise LayoutError("\n".join(problems[:_SHOWN]) + (f"\nand {rest} more" if rest > 0 else ""))


def link_weights(layout: OriginalLlava, config: Mapping[str, Any], folder: Path) -> None:
    """Fill an empty folder with a config, links to the checkpoint's files and one index, for `from_pretrained`."""
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    for file in layout.shards:
        (folder / file.name).symlink_to(file.absolute())
    weight_map = {name: file.name for name, (file, _) in stored_shapes(layout).items()}
    whole = "pytorch_model.bin" if layout.shards[0].suffix == ".bin" else "model.safetensors"
    index = json.dumps({"metadata": {}, "weight_map": weight_map})
    (folder / f"{whole}.index.json").write_text(index, encoding="utf-8")


def _shapes_of(file: Path) -> dict[str, _Shape]:
    if file.suffix == ".bin":
        return {name: tuple(tensor.shape) for name, tensor in _opened(file, "meta").items()}
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(file), framework="np") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _broken(file, error) from None


def _opened(file: Path, device: str) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".bin":
            found = torch.load(file, map_location=device, mmap=True, weights_only=True)
            return {str(name): value for name, value in found.items()}
        return dict(load_file(file, device))
    except Exception as error:  # each format raises its own
        raise _broken(file, error) from None


def _broken(file: Path, error: Exception) -> LayoutError:
    what = str(error).partition("\n")[0]
    return LayoutError(f"{file} is cut off, or no file of weights ({what}); fetch the checkpoint again")


def _transformers_names(name: str) -> list[str]:
    """A tensor's name in transformers' LLaVA since 4.52, and before, when it was as on disk."""
    return [_plain(way + name.removeprefix(old)) for old, *ways in _NAMES if name.startswith(old) for way in ways]


def _plain(name: str) -> str:
    """Without the level that transformers 4 has between the tower and its layers."""
    return name.replace("vision_tower.vision_model.", "vision_tower.")
