"""Is everything here that an evaluation needs, and if not, what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from lmms_eval_ja.clients import AssetError, Settings, SettingsError, asset, load_settings, probe
from lmms_eval_ja.judges import OVERLAP_LABEL
from lmms_eval_ja.plugin import TESTED

PACKAGES = ("lmms-eval-ja", "lmms-eval", "transformers", "torch", "accelerate", "datasets", "openai")
LOW_DISK_BYTES = 20 * 1024**3


class Level(Enum):
    """How bad a finding is."""

    OK = "ok"
    HINT = "hint"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    found: str
    fix: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, cheap things first; a check that fails in itself is a finding too."""
    yield from _packages()
    yield from _safely("MeCab dictionary", _dictionary)
    yield from _safely("plugin", _plugin)
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding(Level.BROKEN, "settings", str(error), "correct the file or variable that is named")
    else:
        yield Finding(Level.OK, "settings", str(settings.source or "built-in; no judge.toml"))
        yield from _safely("judge", lambda: _judge(settings))
        yield _assets(settings)
        yield _disk("verdict store", settings.store)
    yield _disk("Hugging Face cache", Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser())
    yield _video()
    yield from _safely("GPU", _gpu)


def _safely(what: str, check: Callable[[], Finding]) -> Iterator[Finding]:
    try:
        yield check()
    except Exception as error:
        yield Finding(Level.BROKEN, what, f"{type(error).__name__}: {error}", "install lmms-eval-ja again")


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(Level.OK, name, version(name))
        except PackageNotFoundError:
            yield Finding(Level.BROKEN, name, "not installed", f"pip install {name}")


def _dictionary() -> Finding:
    from lmms_eval_ja.metrics import dictionary_version, rouge_l

    # The example of the LLM-jp-3 VILA paper, figure 2.
    figure = rouge_l("白色", "車は白色です。")
    found = f"{dictionary_version()}; 白色 / 車は白色です。 = {figure:.1f}"
    if round(figure, 1) == 33.3:  # noqa: PLR2004 (the figure's number)
        return Finding(Level.OK, "MeCab dictionary", found)
    return Finding(Level.BROKEN, "MeCab dictionary", found, "expected 33.3: pip install --force-reinstall unidic-lite")


def _plugin() -> Finding:
    if not any(ep.value == "lmms_eval_ja.plugin:register" for ep in entry_points(group="lmms_eval.models")):
        return Finding(Level.BROKEN, "plugin", "no entry point", "pip install --force-reinstall --no-deps lmms-eval-ja")
    import lmms_eval.evaluator  # noqa: F401 (what lmms-eval's command imports)
    from lmms_eval.tasks import TaskManager

    known = TaskManager("ERROR").all_tasks
    if "heron_bench_ja" in known:
        return Finding(Level.OK, "plugin", f"lmms-eval finds heron_bench_ja among {len(known):,} tasks")
    low, high = (".".join(map(str, bound)) for bound in TESTED)
    return Finding(
        Level.BROKEN, "plugin", "lmms-eval does not find our tasks", f'pip install "lmms-eval>={low},<{high}"'
    )


def _judge(settings: Settings) -> Finding:
    judge = settings.judge
    if judge.provider == "overlap":
        fix = "for scores that mean something choose an LLM: LMMS_EVAL_JA_JUDGE=openai, or judge.toml"
        return Finding(Level.HINT, "judge", OVERLAP_LABEL, fix)
    found = f"{judge.model} at {judge.base_url}; key: {judge.key_presence()}"
    if problem := probe(judge):
        return Finding(Level.BROKEN, "judge", found, problem)
    return Finding(Level.OK, "judge", f"{found}; answers")


def _assets(settings: Settings) -> Finding:
    try:
        return Finding(Level.OK, "Heron-Bench's rules", str(asset("heron_bench/rule.json", settings, fetch=False)))
    except AssetError as error:
        return Finding(Level.HINT, "Heron-Bench's rules", "not here; heron_bench_ja needs them", str(error))


def _disk(what: str, path: Path) -> Finding:
    folder = next(p for p in (path, *path.absolute().parents) if p.is_dir())
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.0f} GB free at {folder}"
    if free < LOW_DISK_BYTES:
        return Finding(Level.HINT, what, found, "a 13B model alone takes 26 GB: free some, or move it (HF_HOME)")
    return Finding(Level.OK, what, found)


def _video() -> Finding:
    if importlib.util.find_spec("decord") is not None:
        return Finding(Level.OK, "decord", "installed")
    fix = "lmms-eval's own Qwen, LLaVA and InternVL classes import it: pip install 'lmms-eval-ja[video]'"
    return Finding(Level.HINT, "decord", "not installed", fix)


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding(Level.HINT, "GPU", "none", "fine for replay and judging; a model wants one")
    names = ", ".join(torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count()))
    return Finding(Level.OK, "GPU", names)
