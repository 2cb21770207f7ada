"""The checkpoint of a judge in this process: a name that no other weights share, and whether it can be used."""

from __future__ import annotations

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import JudgeSettings
from lmms_eval_ja.judges.original_llava.layout import LayoutError, check_config, is_original, read_layout, tower_folder

DTYPES = ("auto", "float32", "float16", "bfloat16")
_WEIGHTS = (".safetensors", ".bin")
_READ = (*_WEIGHTS, ".json", ".jinja", ".model", ".txt")
#: Of a repository of the hub in LLaVA's own format; other files beside these are of no use here.
_FETCHED = [f"*{suffix}" for suffix in _READ]
#: Of a larger file so many pieces of so many bytes are hashed, evenly spread: reading all of it would take minutes.
_WHOLE, _PIECES, _PIECE = 64 * 1024**2, 256, 4096


def asked_model(settings: JudgeSettings) -> str:
    """The judge's model as it stands in requests, and so in the keys of the store, in verdicts and in fingerprints.

    A checkpoint of the hub is `ID@REVISION` where a revision is stated. A folder is `NAME@HASH`, wherever it lies: the
    hash is of its configuration, tokenizer and templates, and of the sizes and samples of its weights. (Two checkpoints
    of which only some small part differs, between the 256 samples of a large file, would be taken for one.) A precision
    other than the checkpoint's own is part of the name, too.
    """
    if settings.provider != "transformers":
        return settings.model
    name = _name(settings.model, settings.revision)
    return name if settings.dtype == "auto" else f"{name}:{settings.dtype}"


def loaded_model(settings: JudgeSettings, commit: str | None) -> str:
    """The model as it reports itself once it is loaded: one of the hub with the commit that it is of."""
    if commit is None or local_folder(settings.model) is not None:
        return asked_model(settings)
    return asked_model(settings.model_copy(update={"revision": commit}))


def local_folder(model: str) -> Path | None:
    """The folder that a model's name stands for, or None for a name of the hub."""
    folder = Path(model).expanduser()
    return folder if folder.is_dir() else None


def checkpoint_problem(settings: JudgeSettings) -> str | None:
    """What can be seen cheaply to be wrong with a checkpoint, in a sentence that says what to do, or None."""
    if settings.dtype not in DTYPES:
        return f"dtype = {settings.dtype!r} of the judge {settings.model}: expected one of {', '.join(DTYPES)}"
    folder = local_folder(settings.model)
    if folder is not None:
        return _problem_of_folder(folder)
    if settings.model.startswith(("/", "./", "../", "~")):
        return f"the judge's checkpoint {settings.model} is not there: correct model in judge.toml"
    config = _cached(settings, "config.json")
    if config is None:
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
            return (
                f"the judge {settings.model} is not in the cache of Hugging Face, and HF_HUB_OFFLINE is set: run "
                f"`hf download {settings.model}` where there is internet, and copy HF_HOME"
            )
        return None  # it is fetched when it is loaded
    return _problem_of_config(settings.model, config)


def fetched_original(settings: JudgeSettings) -> Path | None:
    """The folder of a checkpoint in LLaVA's own format, fetched from the hub where needed; None for any other."""
    from huggingface_hub import hf_hub_download, snapshot_download

    if (folder := local_folder(settings.model)) is None:
        config = Path(hf_hub_download(settings.model, "config.json", revision=settings.revision))
        if not is_original(_json(config)):
            return None
        return Path(snapshot_download(settings.model, revision=settings.revision, allow_patterns=_FETCHED))
    return folder if is_original(_json(folder / "config.json")) else None


@cache
def _name(model: str, revision: str | None) -> str:
    folder = local_folder(model)
    if folder is not None:
        return f"{folder.resolve().name}@{_digest(folder)}"
    return f"{model}@{revision}" if revision else model


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    inside = [folder, tower] if (tower := tower_folder(folder, _json(folder / "config.json"))) else [folder]
    files = [path for one in inside for path in one.iterdir() if path.suffix in _READ and path.is_file()]
    for path in sorted(files):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            if size <= _WHOLE:
                digest.update(file.read())
                continue
            for piece in range(_PIECES):
                file.seek(piece * (size - _PIECE) // (_PIECES - 1))
                digest.update(file.read(_PIECE))
    return digest.hexdigest()[:12]


def _problem_of_folder(folder: Path) -> str | None:
    config = folder / "config.json"
    if not config.is_file():
        return f"{folder} is no checkpoint of transformers: it has no config.json; correct model in judge.toml"
    if not any(path.suffix in _WEIGHTS for path in folder.iterdir()):
        return f"{folder} has no weights ({' or '.join(f'*{suffix}' for suffix in _WEIGHTS)})"
    if is_original(_json(config)):
        return _problem_of_original(folder)
    templates = [folder / name for name in ("chat_template.jinja", "chat_template.json")]
    settings = [folder / name for name in ("tokenizer_config.json", "processor_config.json")]
    if not any(path.is_file() for path in templates) and not any("chat_template" in _json(path) for path in settings):
        return no_chat_template(str(folder))
    return _problem_of_config(str(folder), config)


def _problem_of_original(folder: Path) -> str | None:
    try:
        read_layout(folder)
    except LayoutError as error:
        return str(error)
    return None


def no_chat_template(name: str) -> str:
    """What to say of a checkpoint that cannot be asked as a chat model."""
    return f"the judge {name} has no chat template: take the checkpoint that was tuned for chats or instructions"


def _problem_of_config(name: str, path: Path) -> str | None:
    from transformers import CONFIG_MAPPING

    config = _json(path)
    if is_original(config):
        try:
            check_config(f"config.json of the judge {name}", config)
        except LayoutError as error:
            return str(error)
        return None
    kind = config.get("model_type")
    if kind in CONFIG_MAPPING:
        return None
    if "auto_map" in config:
        return f"the judge {name} brings code of its own, which is not run: serve it, or take another checkpoint"
    return f"the judge {name} is of type {kind!r}, which this version of transformers does not know: upgrade it"


def _cached(settings: JudgeSettings, file: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(settings.model, file, revision=settings.revision)
    except ValueError:  # no name of the hub; loading says so
        return None
    return Path(found) if isinstance(found, str) else None


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
