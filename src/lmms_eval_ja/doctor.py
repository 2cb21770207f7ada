"""Is everything here that an evaluation needs, and if not, what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from lmms_eval_ja.clients import (
    AssetError,
    JudgeSettings,
    Settings,
    SettingsError,
    asset,
    load_settings,
    price_of,
    probe,
)
from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.judges import OVERLAP_LABEL
from lmms_eval_ja.judges.checkpoint import asked_model, checkpoint_problem
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
    yield from examine_judging()
    yield _disk("Hugging Face cache", Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser())
    yield _video()
    yield from _safely("GPU", _gpu)


def examine_judging() -> Iterator[Finding]:
    """Look at the settings as they are in force, and at all that judging by them needs. Keys are never shown."""
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding(Level.BROKEN, "settings", str(error), "correct the file or variable that is named")
        return
    yield Finding(Level.OK, "settings", _settings(settings))
    for name, judge in (settings.members or {settings.judge_name: settings.judge}).items():
        yield from _safely(f"judge {name}", partial(_judge, f"judge {name}", judge))
        yield _price(f"price of {name}", judge, settings.budget_usd)
    yield _assets(settings)
    yield _disk("verdict store", settings.store)


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


def _settings(settings: Settings) -> str:
    """The file, who judges, and what a run may spend."""
    judge = settings.judge
    jury = f", a jury of {', '.join(judge.members)}" if judge.members else ""
    budget = "no budget" if settings.budget_usd is None else f"budget ${settings.budget_usd:,.2f} a run"
    repeats = f", {judge.repeats} times" if judge.repeats > 1 else ""
    return f"{settings.source or 'built-in; no judge.toml'}; judge: {settings.judge_name}{jury}{repeats}; {budget}"


def _judge(what: str, judge: JudgeSettings) -> Finding:
    if judge.provider == "overlap":
        fix = "for scores that mean something choose an LLM: LMMS_EVAL_JA_JUDGE=openai, or judge.toml"
        return Finding(Level.HINT, what, OVERLAP_LABEL, fix)
    asked = {"live": "", "batch": "; in batches", "store": "; from the store only"}[judge.mode]
    if judge.provider == "transformers":
        found = f"{asked_model(judge)} in this process by transformers{asked}"
        if judge.mode != "store" and (problem := checkpoint_problem(judge)):
            return Finding(Level.BROKEN, what, found, problem)
        return Finding(Level.OK, what, found)
    provider = "" if judge.provider == "openai" else f" ({judge.provider})"
    found = f"{judge.model} at {without_userinfo(judge.base_url)}{provider}{asked}; key: {judge.key_presence()}"
    if judge.mode == "store":
        return Finding(Level.OK, what, found)
    if problem := probe(judge):
        return Finding(Level.BROKEN, what, found, problem)
    return Finding(Level.OK, what, f"{found}; answers")


def _price(what: str, judge: JudgeSettings, budget_usd: float | None) -> Finding:
    price = price_of(judge)
    if price is not None:
        of = f"; as of {price.date}" if price.date else ""
        return Finding(Level.OK, what, f"${price.input:g} and ${price.output:g} per million tokens{of}")
    if budget_usd is None:
        return Finding(Level.OK, what, "not known; tokens are counted, no dollars")
    fix = "state price_input and price_output of the judge, US dollars per million tokens, or no budget_usd"
    return Finding(Level.BROKEN, what, "not known, so no budget can be kept", fix)


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
