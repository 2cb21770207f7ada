"""Which model gave an answer: all that can move one, and nothing else."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import transformers

from lmms_eval_ja.models.arguments import ModelArguments

#: Files of a checkpoint up to this size count by their content, larger ones by size and time of change.
_READ_WHOLE = 16 << 20


def model_fingerprint(arguments: ModelArguments, model: Any, plugin: str, variant: str) -> dict[str, Any]:
    """Facts about a loaded model, for the answer log.

    Devices, batch size and number of ranks are not among them: they do not mean another model. A prompt (and so the
    chat template) is part of each answer's own key.

    Args:
        arguments: of the model.
        model: as loaded.
        plugin: name of our class.
        variant: what else the plugin says that can move an answer.

    Returns:
        JSON values.
    """
    config = getattr(model, "config", None)
    generation = getattr(model, "generation_config", None)
    return {
        "plugin": plugin,
        "variant": variant,
        "checkpoint": checkpoint_identity(arguments.pretrained, arguments.revision, config),
        "dtype": str(getattr(model, "dtype", arguments.dtype)),
        "attention": getattr(config, "_attn_implementation", None) or arguments.attn_implementation,
        "pixels": [arguments.min_pixels, arguments.max_pixels],
        "max_length": arguments.max_length,
        "generation_config": _without_version(generation.to_diff_dict()) if generation is not None else {},
        "transformers": transformers.__version__,
        "lmms_eval_ja": version("lmms-eval-ja"),
    }


def checkpoint_identity(pretrained: str, revision: str | None = None, config: Any = None) -> str:
    """What tells a checkpoint from others.

    Args:
        pretrained: a folder, or a name on the hub.
        revision: as asked for.
        config: as transformers loaded it; knows the commit of what came from the hub.

    Returns:
        `name@commit`, or `sha256:…` over a folder's files: small ones by content, large ones (weights) by size and
        time of change, so that a copy made without keeping times counts as another one.
    """
    folder = Path(pretrained).expanduser()
    if not folder.is_dir():
        return f"{pretrained}@{getattr(config, '_commit_hash', None) or revision or 'main'}"
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and ".cache" not in p.relative_to(folder).parts):
        facts = path.stat()
        name = path.relative_to(folder).as_posix()
        small = facts.st_size <= _READ_WHOLE
        content = hashlib.sha256(path.read_bytes()).hexdigest() if small else f"{facts.st_mtime_ns}"
        digest.update(f"{name}\0{facts.st_size}\0{content}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _without_version(generation: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in sorted(generation.items()) if name != "transformers_version"}
