"""Checkpoints of other projects, written out so that transformers and vLLM load them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


class ConvertError(Exception):
    """A checkpoint that cannot be converted; the message names file and field."""


def convert(source: Path, target: Path, report: Callable[[str], None]) -> str:
    """Write a published checkpoint as an ordinary LLaVA checkpoint.

    Args:
        source: Folder of a VILA checkpoint (config.json, llm/, vision_tower/ and mm_projector/), or of one in the
            format of LLaVA's own code, such as Prometheus-Vision.
        target: Folder that does not exist yet.
        report: Called with a line before each file.

    Returns:
        What was written, and how to run it.

    Raises:
        ConvertError: it is no such checkpoint, `target` exists, or the disk is full.
    """
    from lmms_eval_ja.judges.original_llava.layout import CONFIG, LayoutError, is_original, read_json

    source, target = source.expanduser(), target.expanduser()
    write = _write_vila
    try:
        if (source / CONFIG).is_file() and is_original(read_json(source / CONFIG)):
            write = _write_original
        return write(source, target, lambda name: report(f"writing {name}"))
    except (LayoutError, OSError) as error:
        raise ConvertError(str(error)) from None


def _write_vila(source: Path, target: Path, progress: Callable[[str], None]) -> str:
    from lmms_eval_ja.models.vila.export import export_llava
    from lmms_eval_ja.models.vila.layout import LayoutError

    try:
        written = export_llava(source, target, progress)
    except LayoutError as error:
        raise ConvertError(str(error)) from None
    return (
        _summary(written.folder, written.tensors, written.size, written.image_id)
        + "Its processor resizes with torchvision; for the reference's pixels resize images to "
        f"{written.image_size} x {written.image_size} with Pillow (bicubic) before they are sent.\n"
        f"Serve it: vllm serve {written.folder} --dtype {written.dtype}"
    )


def _write_original(source: Path, target: Path, progress: Callable[[str], None]) -> str:
    from lmms_eval_ja.judges.original_llava.export import export_original

    written = export_original(source, target, progress)
    return (
        _summary(written.folder, written.tensors, written.size, written.image_id)
        + "Its chat template is vicuna_v1. Its processor may resize with torchvision, where LLaVA's own code uses "
        "Pillow: scores of the two are not quite the same judge's.\n"
        f"Serve it: vllm serve {written.folder}" + (f" --dtype {written.dtype}" if written.dtype else "")
    )


def _summary(folder: Path, tensors: int, size: int, image_id: int) -> str:
    return (
        f"{folder}: {tensors} tensors, {size / 1e9:.1f} GB, LlavaForConditionalGeneration; <image> is token "
        f"{image_id}.\n"
    )
