"""Loading of checkpoints: dtype, revision, devices, offloading, and errors that say what to do."""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import transformers

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.ranks import Place

_log = logging.getLogger("lmms_eval_ja")
#: transformers renamed `torch_dtype` to `dtype`.
_DTYPE_RENAMED = (4, 56)
#: What newer image processors that resize to a number of pixels call its bounds in their `size`.
_EDGES = {"min_pixels": "shortest_edge", "max_pixels": "longest_edge"}


def load_model(arguments: ModelArguments, place: Place, cls: Any = None, folder: str | None = None, **more: Any) -> Any:
    """Load a checkpoint onto its devices, in evaluation mode.

    Args:
        arguments: of the model.
        place: this process's devices.
        cls: with `from_pretrained`; by default `AutoModelForImageTextToText`, of which no weight may be missing.
        folder: instead of `arguments.pretrained`.
        more: for `from_pretrained`.

    Raises:
        ModelError: it cannot be loaded; says why.
    """
    keywords = hub_keywords(arguments) | _dtype(arguments) | _devices(arguments, place) | more
    if arguments.attn_implementation:
        keywords["attn_implementation"] = arguments.attn_implementation
    source = folder or arguments.pretrained
    model = _load(cls, source, keywords) if cls is not None else _load_complete(source, keywords)
    if "device_map" in keywords:
        _report_offloading(getattr(model, "hf_device_map", {}), place)
    else:
        model = model.to(place.device)
    return model.eval()


def load_processor(arguments: ModelArguments, cls: Any = None, folder: str | None = None, **more: Any) -> Any:
    """Load a processor that pads on the left.

    Args:
        arguments: of the model; its `min_pixels` and `max_pixels` are for the image processor.
        cls: with `from_pretrained`; `AutoProcessor` by default.
        folder: instead of `arguments.pretrained`.
        more: for `from_pretrained`.

    Raises:
        ModelError: it cannot be loaded, or takes no number of pixels.
    """
    keywords = hub_keywords(arguments) | more
    processor = _load(cls or transformers.AutoProcessor, folder or arguments.pretrained, keywords)
    for name, edge in _EDGES.items():
        if getattr(arguments, name) is not None:
            _limit_pixels(processor, name, edge, getattr(arguments, name))
    tokenizer = getattr(processor, "tokenizer", processor)
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if arguments.chat_template:
        try:
            processor.chat_template = Path(arguments.chat_template).expanduser().read_text(encoding="utf-8")
        except OSError as error:
            raise ModelError(f"chat_template={arguments.chat_template}: {error}") from None
    elif getattr(processor, "chat_template", None) is None:
        processor.chat_template = getattr(tokenizer, "chat_template", None)
    return processor


def hub_keywords(arguments: ModelArguments) -> dict[str, Any]:
    """What every `from_pretrained` gets: the revision, and a clear no or yes to the checkpoint's own code."""
    keywords: dict[str, Any] = {"trust_remote_code": arguments.trust_remote_code}
    return keywords | ({"revision": arguments.revision} if arguments.revision else {})


def remote_code_error(pretrained: str) -> ModelError:
    """What is said when a checkpoint's own code is needed and was not allowed."""
    return ModelError(
        f"pretrained={pretrained} runs code of its own; read it on its page, and if you trust it, add "
        "trust_remote_code=True (and revision=COMMIT, so that it cannot change) to --model_args"
    )


def _load_complete(source: str, keywords: dict[str, Any]) -> Any:
    """Load by the automatic class. What transformers only logs, and fills with random numbers, is an error."""
    # Before transformers 4.45 the class had another name, which is gone from 5 on.
    name = "AutoModelForImageTextToText"
    cls = getattr(transformers, name if hasattr(transformers, name) else "AutoModelForVision2Seq")
    model, found = _load(cls, source, keywords | {"output_loading_info": True})
    if missing := sorted(found["missing_keys"]):
        some = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")  # noqa: PLR2004 (a few for the message)
        raise ModelError(
            f"pretrained={source}: {len(missing)} weights of {type(model).__name__} are not there ({some}): "
            "another layout, or incomplete"
        )
    return model


def _load(cls: Any, source: str, keywords: dict[str, Any]) -> Any:
    try:
        return cls.from_pretrained(source, **keywords)
    except (OSError, ValueError, ImportError, KeyError) as error:
        if "trust_remote_code" in str(error):
            raise remote_code_error(source) from None
        name = getattr(cls, "__name__", str(cls))
        raise ModelError(f"pretrained={source} cannot be loaded by {name}: {error}") from error


def _dtype(arguments: ModelArguments) -> dict[str, Any]:
    dtype = arguments.dtype if arguments.dtype == "auto" else getattr(torch, arguments.dtype, None)
    if not isinstance(dtype, (str, torch.dtype)):
        raise ModelError(f"dtype={arguments.dtype}: expected auto, float32, float16 or bfloat16")
    version = tuple(int(part) for part in transformers.__version__.split(".")[:2])
    return {"dtype" if version >= _DTYPE_RENAMED else "torch_dtype": dtype}


def _devices(arguments: ModelArguments, place: Place) -> dict[str, Any]:
    if not arguments.is_sharded:
        return {}
    folder = arguments.offload_folder or _temporary_folder()
    keywords: dict[str, Any] = {"device_map": arguments.device_map or "auto", "offload_folder": folder}
    if isinstance(arguments.device_map, dict):
        return keywords
    from accelerate.utils import get_max_memory

    room = {d: m for d, m in get_max_memory().items() if d in place.gpus or d == "cpu"}
    if arguments.max_gpu_memory:
        room |= dict.fromkeys(place.gpus, arguments.max_gpu_memory)
    if arguments.max_cpu_memory:
        room["cpu"] = arguments.max_cpu_memory
    return keywords | {"max_memory": room}


def _temporary_folder() -> str:
    folder = tempfile.mkdtemp(prefix="lmms-eval-ja-offload-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _report_offloading(device_map: dict[str, Any], place: Place) -> None:
    counts = Counter(str(device) for device in device_map.values())
    away = counts["disk"] + (counts["cpu"] if place.gpus else 0)
    _log.info("modules by device: %s", ", ".join(f"{device} {n}" for device, n in sorted(counts.items())))
    if away:
        _log.warning(
            "%d of %d modules do not fit and are read from memory or disk at every step, which is slow: use more GPUs, "
            "dtype=bfloat16, or raise max_gpu_memory or max_cpu_memory",
            away, len(device_map),
        )  # fmt: skip


def _limit_pixels(processor: Any, name: str, edge: str, pixels: int) -> None:
    images: Any = getattr(processor, "image_processor", None)
    size = dict(getattr(images, "size", None) or {})
    has_edges = set(_EDGES.values()) <= size.keys()
    if not has_edges and not hasattr(images, name):
        raise ModelError(f"{name}: {type(processor).__name__} does not resize to a number of pixels")
    if hasattr(images, name):
        setattr(images, name, pixels)
    if has_edges:
        images.size = type(images.size)(**size | {edge: pixels})
