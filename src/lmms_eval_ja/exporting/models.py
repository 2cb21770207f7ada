"""A model of ours as the files of a model of lmms-eval's own: chat class, its entry in the registry, and a test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lmms_eval_ja.exporting.closure import definitions
from lmms_eval_ja.exporting.modules import PACKAGE, ExportError
from lmms_eval_ja.exporting.writing import formatted, module_text

#: Models that can be exported: the class, and the docstring of the module that it is written into.
MODELS: Mapping[str, tuple[str, str]] = {
    "llm_jp_vila": (
        f"{PACKAGE}.exporting.upstream_llm_jp_vila.LlmJpVila",
        "LLM-jp-3 VILA (arXiv 2410.22736) from its published checkpoint, by transformers' LLaVA.",
    )
}
#: What speaks of our models, keys and logs, by what is said instead.
_TEXTS = {
    'logging.getLogger("lmms_eval_ja")': "logging.getLogger(__name__)",
    "cannot be answered; the run goes on.": "cannot be answered.",
    "share a batch and a key whatever": "share a batch whatever",
    "; run it with --model ja_vlm": "; run it with --model llava_hf",
}
#: Shared by all models: an export changes one entry of it.
REGISTRY = "lmms_eval/models/__init__.py"
_CHAT_MODELS = re.compile(r"^AVAILABLE_CHAT_TEMPLATE_MODELS = \{\n(?P<entries>(?:    .*\n)*)\}$", re.MULTILINE)


def exported_model(name: str, checkout: Path) -> dict[str, bytes]:
    """The files of a model, by their paths in a checkout of lmms-eval.

    Args:
        name: one of `MODELS`.
        checkout: its registry gets an entry, where it has none yet.

    Raises:
        ExportError: the model cannot be exported, the registry is not as expected, or what writes is not installed.
    """
    if name not in MODELS:
        raise ExportError(f"{name} cannot be exported: expected one of {', '.join(MODELS)}")
    root, header = MODELS[name]
    closure = definitions([root], whole_classes=False)
    test = (Path(__file__).parent / f"test_{name}.py.jinja").read_text(encoding="utf-8")
    files = {
        f"lmms_eval/models/chat/{name}.py": module_text(closure, header, texts=_TEXTS),
        REGISTRY: _registered(checkout / REGISTRY, name, root.rpartition(".")[2]),
        f"test/models/test_{name}.py": formatted(test),
    }
    return {path: content.encode() for path, content in files.items()}


def _registered(path: Path, name: str, cls: str) -> str:
    """The registry with the model as the last entry of chat models; as it is where the entry is there."""
    text = path.read_text(encoding="utf-8")
    entry = f'    "{name}": "{cls}",\n'
    found = _CHAT_MODELS.search(text)
    if found is None:
        raise ExportError(f"{path}: AVAILABLE_CHAT_TEMPLATE_MODELS is not a dict of one entry a line")
    if entry in found["entries"]:
        return text
    if f'    "{name}":' in found["entries"]:
        raise ExportError(f"{path}: {name} is registered already, as another class")
    return text[: found.end("entries")] + entry + text[found.end("entries") :]
