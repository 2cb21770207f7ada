"""The hooks, tried on small stand-ins for lmms-eval's classes; whole runs through them are in tests/e2e."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lmms_eval import tasks

from lmms_eval_ja import plugin
from lmms_eval_ja.jp_tasks import FOLDER


class Manager:
    """As much of a TaskManager as the hook touches."""

    def initialize_tasks(self, include_path: Any = None, include_defaults: bool = True) -> dict[str, Any]:
        del include_path
        return {"jmmmu": {"yaml_path": "upstream/jmmmu.yaml"}} if include_defaults else {}

    def _get_task_and_group(self, folder: str) -> dict[str, Any]:
        return {"heron_bench_ja": {"yaml_path": f"{folder}/heron_bench_ja.yaml"}}


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> type[Manager]:
    """A fresh TaskManager in lmms-eval's place, not hooked yet."""
    fresh = type("FreshManager", (Manager,), {"initialize_tasks": Manager.initialize_tasks})
    monkeypatch.setattr(tasks, "TaskManager", fresh)
    return fresh


@pytest.fixture(autouse=True)
def _seen_by_caplog(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Our logger hands its records to lmms-eval's and no further: let them through to pytest."""
    logger = logging.getLogger("lmms_eval_ja")
    monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "propagate", True)
    return


def test_importing_the_plugin_loads_neither_torch_nor_lmms_eval() -> None:
    code = "import sys, lmms_eval_ja.plugin; print(sorted({'torch', 'lmms_eval', 'datasets'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_our_tasks_stand_beside_the_built_in_ones(manager: type[Manager]) -> None:
    plugin.install()
    index = manager().initialize_tasks()
    assert index["jmmmu"] == {"yaml_path": "upstream/jmmmu.yaml"}
    assert index["heron_bench_ja"]["yaml_path"].startswith(str(FOLDER))


def test_defaults_left_out_means_ours_too(manager: type[Manager]) -> None:
    plugin.install()
    assert manager().initialize_tasks(include_defaults=False) == {}


def test_installing_twice_is_installing_once(manager: type[Manager]) -> None:
    plugin.install()
    once = manager.initialize_tasks
    plugin.install()
    assert manager.initialize_tasks is once


def test_where_lmms_eval_asks_for_tasks_the_hook_stays_away(
    manager: type[Manager], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_entry_point(tmp_path, monkeypatch)
    original = manager.initialize_tasks
    monkeypatch.setattr(tasks, "TASK_ENTRY_POINT_GROUP", "lmms_eval.tasks", raising=False)
    plugin.install()
    assert manager.initialize_tasks is original
    found = entry_points(group="lmms_eval.tasks", name="of_the_test")
    assert [entry.load()() for entry in found] == [str(FOLDER)]


def test_an_older_lmms_eval_is_hooked_though_we_have_an_entry_point(
    manager: type[Manager], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_entry_point(tmp_path, monkeypatch)
    plugin.install()
    assert "heron_bench_ja" in manager().initialize_tasks()


def test_installed_without_an_entry_point_we_hook(manager: type[Manager], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TASK_ENTRY_POINT_GROUP", "a.group.without.entries", raising=False)
    plugin.install()
    assert "heron_bench_ja" in manager().initialize_tasks()


def _with_entry_point(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an installation with our entry point for tasks leaves."""
    info = folder / "of_the_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: of-the-test\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[lmms_eval.tasks]\nof_the_test = lmms_eval_ja.plugin:tasks_folder\n")
    monkeypatch.syspath_prepend(folder)


def test_register_gives_the_manifests(manager: type[Manager]) -> None:
    first, again = plugin.register(), plugin.register()
    assert [m.model_id for m in first] == [m.model_id for m in again]
    assert "replay" in {m.model_id for m in first}


def test_a_task_manager_without_the_hooked_function_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "TaskManager", SimpleNamespace())
    assert {m.model_id for m in plugin.register()} >= {"replay"}
    assert f"pass --include_path {FOLDER}" in caplog.text
    assert "install lmms-eval >=0.7.3,<0.8" in caplog.text


def test_a_built_in_task_of_the_same_name_wins_and_is_named(
    manager: type[Manager], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    built_in = {"heron_bench_ja": {"yaml_path": "upstream/heron.yaml"}}
    monkeypatch.setattr(manager, "initialize_tasks", lambda self, include_path, include_defaults: built_in)
    plugin.install()
    assert manager().initialize_tasks() == built_in
    assert "task heron_bench_ja of lmms-eval-ja is hidden by upstream/heron.yaml" in caplog.text


def evaluator(calls: list[Any]) -> ModuleType:
    module = ModuleType("evaluator")

    def simple_evaluate(model: str, tasks: Any = None, *, verbosity: str = "INFO") -> dict[str, Any]:
        calls.append((model, tasks, verbosity))
        return {"results": {}}

    module.simple_evaluate = simple_evaluate
    return module


def test_wrapping_the_evaluator_twice_is_wrapping_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from lmms_eval_ja import run

    calls: list[Any] = []
    checked: list[Any] = []
    monkeypatch.setattr(run, "before", lambda arguments: checked.append(dict(arguments)))
    module = evaluator(calls)
    plugin.wrap_evaluator(module)
    once = module.simple_evaluate
    plugin.wrap_evaluator(module)
    assert module.simple_evaluate is once
    assert module.simple_evaluate("m", tasks=["t"]) == {"results": {}}
    assert calls == [("m", ["t"], "INFO")]
    assert checked == [{"model": "m", "tasks": ["t"], "verbosity": "INFO"}]


def test_the_wrapped_evaluator_checks_before_and_adds_after(monkeypatch: pytest.MonkeyPatch) -> None:
    from lmms_eval_ja import run

    calls: list[Any] = []
    monkeypatch.setattr(run, "before", lambda arguments: calls.append("before") or "the run")
    monkeypatch.setattr(run, "after", lambda results, what: results | {"after": what})
    module = evaluator(calls)
    plugin.wrap_evaluator(module)
    assert module.simple_evaluate("m") == {"results": {}, "after": "the run"}
    assert calls == ["before", ("m", None, "INFO")]


def test_an_evaluator_in_the_middle_of_its_import_is_left_alone() -> None:
    module = ModuleType("evaluator")
    plugin.wrap_evaluator(module)
    assert not hasattr(module, "simple_evaluate")


@pytest.mark.parametrize("found", ["0.7.2", "0.8.0", "1.0"])
def test_an_untested_lmms_eval_is_a_warning(
    found: str, manager: type[Manager], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plugin, "version", lambda name: found)
    plugin.install()
    assert f"lmms-eval {found} is outside the range" in caplog.text
    assert 'pip install "lmms-eval>=0.7.3,<0.8"' in caplog.text


@pytest.mark.parametrize("found", ["0.7.3", "0.7.3+local", "0.7.12"])
def test_a_tested_lmms_eval_is_not(
    found: str, manager: type[Manager], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(plugin, "version", lambda name: found)
    plugin.install()
    assert "outside the range" not in caplog.text


def test_metrics_are_registered_once() -> None:
    from lmms_eval.api import registry

    plugin.register_metrics()
    before = registry.METRIC_REGISTRY["rouge_l_ja"]
    plugin.register_metrics()
    assert registry.METRIC_REGISTRY["rouge_l_ja"] is before
    assert {"mean_ja", "ratio_of_means_ja", "category_ratios_ja", "reference_mean_ja"} <= set(
        registry.AGGREGATION_REGISTRY
    )


def test_the_bare_metric_scores_one_document_and_knows_a_failed_generation() -> None:
    from lmms_eval_ja.metrics import failed_generation

    # The paper's figure 2: three tokens of which one is 白色: P 1/5, R 1/1, F 1/3.
    assert plugin._rouge_l_ja(["白色"], ["車は白色です。"]) == pytest.approx(100 / 3)
    assert math.isnan(plugin._rouge_l_ja(["白色"], [failed_generation("out of memory")]))
