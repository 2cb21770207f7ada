"""The only places that touch lmms-eval's inside: the entry point, and the two functions that it hooks.

lmms-eval loads `register` from the entry-point group `lmms_eval.models` whenever it builds its model registry. Besides
giving our model manifests it makes `TaskManager.initialize_tasks` search `jp_tasks/` too, where tasks have no entry
point of their own, and wraps `evaluator.simple_evaluate` to check before a run and to add facts after it.

An lmms-eval with an entry-point group for tasks calls `tasks_folder` whenever it indexes them, and `initialize_tasks`
stays as it is.
"""

from __future__ import annotations

import functools
import inspect
import logging
import sys
from collections.abc import Callable
from importlib.metadata import entry_points, version
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lmms_eval.models.registry_v2 import ModelManifest

_log = logging.getLogger("lmms_eval_ja")
#: lmms-eval versions that the hooks were tested with: from, below.
TESTED = ((0, 7, 3), (0, 8))
_HOOKED = "_lmms_eval_ja_hooked"
#: What lmms-eval calls its entry-point group for tasks in `lmms_eval.tasks`, where it has one.
_GROUP = "TASK_ENTRY_POINT_GROUP"


def register() -> list[ModelManifest]:
    """Entry point: hook lmms-eval and return the model manifests. Never raises: our fault must not stop others."""
    from lmms_eval.models.registry_v2 import ModelManifest

    from lmms_eval_ja import exit_status  # noqa: F401 (registers its exit handler, early)
    from lmms_eval_ja.models import MANIFESTS

    try:
        install()
    except Exception as error:
        _log.warning(
            "lmms-eval-ja could not hook into lmms-eval %s (%s: %s), so its tasks are not found; pass "
            "--include_path %s, or install lmms-eval %s",
            version("lmms-eval"), type(error).__name__, error, _tasks_folder(), _tested_range(),
        )  # fmt: skip
    return [ModelManifest(model_id=name, chat_class_path=path) for name, path in MANIFESTS.items()]


def tasks_folder() -> str:
    """Entry point: the folder of our tasks, asked for when lmms-eval indexes tasks.

    This is right before it runs them, so what the hook does besides is done here.
    """
    _forward_log()
    _warn_if_untested()
    wrap_evaluator()
    register_metrics()
    return _tasks_folder()


def install() -> None:
    """Hook lmms-eval, if it does not ask for our tasks by itself; doing it again changes nothing.

    `evaluator` is usually in the middle of its own import here (it imports the models first), so `simple_evaluate` is
    wrapped when the tasks are indexed, which lmms-eval's command line does right before it calls it.
    """
    from lmms_eval import tasks

    _forward_log()
    if _asked_for_tasks(getattr(tasks, _GROUP, None)):
        return
    manager = tasks.TaskManager
    if getattr(manager.initialize_tasks, _HOOKED, False):
        return
    _warn_if_untested()
    original = manager.initialize_tasks

    @functools.wraps(original)
    def initialize_tasks(
        self: Any, include_path: str | list[str] | None = None, include_defaults: bool = True
    ) -> dict[str, Any]:
        wrap_evaluator()
        register_metrics()
        index: dict[str, Any] = original(self, include_path=include_path, include_defaults=include_defaults)
        if not include_defaults:
            return index
        ours: dict[str, Any] = self._get_task_and_group(_tasks_folder())
        for name in ours.keys() & index.keys():
            _log.warning("task %s of lmms-eval-ja is hidden by %s", name, index[name]["yaml_path"])
        return ours | index

    setattr(initialize_tasks, _HOOKED, True)
    manager.initialize_tasks = initialize_tasks


def wrap_evaluator(module: ModuleType | None = None) -> None:
    """Wrap `simple_evaluate` of lmms-eval's evaluator, if it is loaded to the end."""
    evaluator = module or sys.modules.get("lmms_eval.evaluator")
    original: Callable[..., Any] | None = getattr(evaluator, "simple_evaluate", None)
    if evaluator is None or original is None or getattr(original, _HOOKED, False):
        return
    signature = inspect.signature(original)

    @functools.wraps(original)
    def simple_evaluate(*args: Any, **kwargs: Any) -> Any:
        from lmms_eval_ja.run import after, before

        call = signature.bind(*args, **kwargs)
        call.apply_defaults()
        run = before(call.arguments)
        results = original(*args, **kwargs)
        return after(results, run) if run is not None else results

    setattr(simple_evaluate, _HOOKED, True)
    evaluator.simple_evaluate = simple_evaluate  # type: ignore[attr-defined]  # a module is a namespace


def register_metrics() -> None:
    """Put `rouge_l_ja` and the aggregations into lmms-eval's registries, for a stranger's YAML to name."""
    from lmms_eval.api import registry

    if "rouge_l_ja" in registry.METRIC_REGISTRY:
        return
    for name in (
        "mean_ja",
        "percent_ja",
        "ratio_of_means_ja",
        "category_ratios_ja",
        "category_means_ja",
        "reference_mean_ja",
        "alignment_ja",
        "dispersion_ja",
    ):
        registry.register_aggregation(name)(_late(name))
    registry.register_metric(metric="rouge_l_ja", higher_is_better=True, aggregation="mean_ja")(_rouge_l_ja)


def _late(name: str) -> Callable[[Any], float]:
    """An aggregation that is imported when it is first called: naming it costs nothing at start-up."""

    def aggregation(items: Any) -> float:
        from lmms_eval_ja.judges import AGGREGATIONS

        return AGGREGATIONS[name](items)

    aggregation.__name__ = name
    return aggregation


def _rouge_l_ja(references: list[str], predictions: list[str], **_: Any) -> float:
    """ROUGE-L x 100 of one document; NaN, which the aggregation counts as missing, for a failed generation."""
    from lmms_eval_ja.metrics import generation_failure, rouge_l

    if generation_failure(predictions[0]) is not None:
        return float("nan")
    return rouge_l(references[0], predictions[0])


def _asked_for_tasks(group: str | None) -> bool:
    """Whether lmms-eval has an entry-point group for tasks, and we were installed with an entry in it."""
    ours = f"{__name__}:{tasks_folder.__name__}"
    return group is not None and any(entry.value == ours for entry in entry_points(group=group))


def _tasks_folder() -> str:
    from lmms_eval_ja.jp_tasks import FOLDER

    return str(FOLDER)


def _tested_range() -> str:
    low, high = (".".join(map(str, bound)) for bound in TESTED)
    return f">={low},<{high}"


def _warn_if_untested() -> None:
    found = version("lmms-eval")
    numbers = tuple(int(part) for part in found.split("+")[0].split(".")[:3] if part.isdigit())
    if not TESTED[0] <= numbers < TESTED[1]:
        _log.warning(
            "lmms-eval %s is outside the range lmms-eval-ja was tested with (%s); if tasks are not found or checks are "
            'missing: pip install "lmms-eval%s"', found, _tested_range(), _tested_range()
        )  # fmt: skip


class _ToLoguru(logging.Handler):
    """Hands our log records to lmms-eval's logger, so that --verbosity and its format hold for them."""

    def emit(self, record: logging.LogRecord) -> None:
        from loguru import logger

        logger.opt(exception=record.exc_info).log(record.levelname, "{}", record.getMessage())


def _forward_log() -> None:
    if not _log.handlers:
        _log.addHandler(_ToLoguru())
        _log.setLevel(logging.INFO)
        _log.propagate = False
