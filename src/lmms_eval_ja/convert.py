"""Checkpoints of other projects, written out so that transformers and vLLM load them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


class ConvertError(Exception):
    """A checkpoint that cannot be converted; the message names file and field."""


def convert(source: Path, target: Path, report: Callable[[str], None]) -> str:
    """Write a published VILA checkpoint as an ordinary LLaVA checkpoint.

    Args:
        source: Folder with config.json, llm/, vision_tower/ and mm_projector/.
        target: Folder that does not exist yet.
        report: Called with a line before each file.

    Returns:
        What was written, and how to run it.

    Raises:
        ConvertError: it is no such checkpoint, `target` exists, or the disk is full.
    """
    from lmms_eval_ja.models.vila.export import export_llava
    from lmms_eval_ja.models.vila.layout import LayoutError

    try:
        written = export_llava(source.expanduser(), target.expanduser(), lambda name: report(f"writing {name}"))
    except (LayoutError, OSError) as error:
        raise ConvertError(str(error)) from None
    return (
        f"{written.folder}: {written.tensors} tensors, {written.size / 1e9:.1f} GB, LlavaForConditionalGeneration; "
        f"<image> is token {written.image_id}.\n"
        "Its processor resizes with torchvision; for the reference's pixels resize images to "
        f"{written.image_size} x {written.image_size} with Pillow (bicubic) before they are sent.\n"
        f"Serve it: vllm serve {written.folder} --dtype {written.dtype}"
    )
