"""A task of ours as the files of a task of lmms-eval's own: YAML, functions, data files, README and test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from lmms_eval_ja.clients.settings import DEFAULT_MODEL
from lmms_eval_ja.exporting.closure import Closure, definitions
from lmms_eval_ja.exporting.modules import PACKAGE, ExportError
from lmms_eval_ja.exporting.writing import formatted, module_text
from lmms_eval_ja.task_files import Function, TaskFile, find_tasks

_HERE = f"{PACKAGE}.exporting"
_SHORT = f"{_HERE}.upstream_short_answers"
#: Our functions, by the one that stands for it where lmms-eval's judges are asked.
_UPSTREAM = {
    f"{PACKAGE}.judges.score_original": f"{_HERE}.upstream_heron.process_results",
    f"{PACKAGE}.jp_tasks.vqa.process_results": f"{_SHORT}.process_results",
    f"{PACKAGE}.jp_tasks.heron_bench_ja.task.process_docs": f"{_HERE}.upstream_heron.process_docs_and_rules",
    f"{PACKAGE}.jp_tasks.ja_vlm_bench_in_the_wild.task.process_docs": f"{_SHORT}.process_docs_for_judge",
    f"{PACKAGE}.jp_tasks.ja_vg_vqa_500.task.all_questions": f"{_SHORT}.all_questions_for_judge",
    f"{PACKAGE}.jp_tasks.ja_vg_vqa_500.task.first_questions": f"{_SHORT}.first_questions_for_judge",
}
_AGGREGATIONS = {
    "mean_ja": f"{_HERE}.upstream_scores.mean_score",
    "reference_mean_ja": f"{_HERE}.upstream_scores.mean_reference_score",
    "ratio_of_means_ja": f"{_HERE}.upstream_scores.ratio_of_means",
    "category_ratios_ja": f"{_HERE}.upstream_scores.mean_of_category_ratios",
}
#: What reads our settings or our cache, by what stands for it.
_INSTEAD = {
    f"{PACKAGE}.judges.sample.Sample": f"{_HERE}.upstream_records.Sample",
    f"{PACKAGE}.jp_tasks.dataset.DatasetSpec": f"{_HERE}.upstream_records.DatasetSpec",
    f"{PACKAGE}.jp_tasks.dataset.check_dataset": f"{_HERE}.upstream_data.check_dataset",
    f"{PACKAGE}.jp_tasks.images.shown": f"{_HERE}.upstream_data.shown",
    f"{PACKAGE}.clients.assets._Asset": f"{_HERE}.upstream_records.Asset",
    f"{PACKAGE}.clients.assets.asset": f"{_HERE}.upstream_data.asset",
}
#: Of the ablations, which stay ours.
_UNWRAP = (f"{PACKAGE}.jp_tasks.images.with_others",)
_ONLY = {f"{PACKAGE}.clients.assets.ASSETS": ("heron_bench/rule.json",)}
#: What speaks of our settings and records, by what is said instead.
_TEXTS = {
    "Messages and parsing under a name and a version; a change of either that can move a score raises the version.": (
        "What a judge is sent, and how its replies are read."
    ),
    "; the judge's settings may override it": "",
}
#: The same, by the function that scores an answer.
_TEXTS_OF = {
    f"{_SHORT}.process_results": {  # `llm_judge` sends no seed
        "temperature 0 and seed 0 as in the paper's section 4.3.": "temperature 0 as in the paper's section 4.3.",
        '"max_tokens": 1024, "seed": 0}': '"max_tokens": 1024}',
    },
}
#: What lmms-eval does not install: module, by distribution.
_EXTRA = {"emoji": "emoji", "fugashi": "fugashi", "rapidfuzz": "rapidfuzz", "unidic_lite": "unidic-lite"}


@cache
def described() -> Mapping[str, Mapping[str, Any]]:
    """What `tasks.yaml` says of each task that can be exported."""
    content: Mapping[str, Mapping[str, Any]] = yaml.safe_load(_template("tasks.yaml"))
    return content


def exported_task(name: str) -> dict[str, bytes]:
    """The files of a task, by their paths in a checkout of lmms-eval.

    Raises:
        ExportError: the task cannot be exported, or what writes it is not installed.
    """
    if name not in described():
        raise ExportError(f"{name} cannot be exported: expected one of {', '.join(described())}")
    (task,) = find_tasks(name)
    replaced = _replaced(task)
    closure = definitions(_functions(replaced), instead=_INSTEAD, unwrap=_UNWRAP, only=_ONLY, whole_classes=False)
    modules = {stated.module.split(".")[0] for stated in closure.imports}
    extra = {module: distribution for module, distribution in _EXTRA.items() if module in modules}
    text = module_text(
        closure,
        f"{described()[name]['title']}, as its authors and papers score it; see README.md.",
        texts=_TEXTS | _TEXTS_OF.get(replaced["process_results"], {}),
        extra=extra,
    )
    folder = f"lmms_eval/tasks/{name}"
    files = {
        f"{folder}/{name}.yaml": _yaml(replaced, closure, f"lmms_eval.tasks.{name}.utils"),
        f"{folder}/utils.py": text,
        f"{folder}/README.md": _readme(task, extra),
        f"test/eval/test_{name}.py": formatted(
            _rendered(described()[name]["test"], {"task": name, "modules": list(extra)})
        ),
    }
    files |= {f"{folder}/{file}": path.read_text(encoding="utf-8") for file, path in closure.files.items()}
    return {path: content.encode() for path, content in files.items()}


def _replaced(task: TaskFile) -> dict[str, Any]:
    """The task's configuration with functions that ask lmms-eval's judges, and nothing that only we read."""
    config = {key: Function(_UPSTREAM.get(v, v)) if isinstance(v, Function) else v for key, v in task.config.items()}
    config["metric_list"] = [_metric(metric) for metric in task.config["metric_list"]]
    config["metadata"] = {"version": task.metadata["version"]}
    first = ("task", "dataset_path", "test_split", "output_type", "process_docs", "process_results")
    return {key: config[key] for key in (*first, *(key for key in config if key not in first))}


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    return {**metric, "aggregation": Function(_AGGREGATIONS[metric["aggregation"]])}


def _functions(config: Mapping[str, Any]) -> list[str]:
    named = [value for value in config.values() if isinstance(value, Function)]
    return list(dict.fromkeys([*named, *(metric["aggregation"] for metric in config["metric_list"])]))


class _Dumper(yaml.SafeDumper):
    """Indents lists in their mapping, as lmms-eval's own files do."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Never without an indent."""
        del indentless
        super().increase_indent(flow)


_Dumper.add_representer(Function, lambda dumper, function: dumper.represent_scalar("!function", str(function)))


def _yaml(config: Mapping[str, Any], closure: Closure, module: str) -> str:
    """The YAML, its functions by their dotted names: by `utils.…` lmms-eval would load the file once for each."""

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [named(each) for each in value]
        return Function(f"{module}.{closure.name_of(value)}") if isinstance(value, Function) else value

    text: str = yaml.dump(named(dict(config)), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=240)
    return re.sub(r"!function '([\w.]+)'", r"!function \1", text)


def _readme(task: TaskFile, extra: Mapping[str, str]) -> str:
    said = described()[task.name]
    metrics = [(names.replace(", ", "`, `"), text) for names, text in said["metrics"].items()]
    facts = {
        "task": task.name,
        "dataset": task.config["dataset_path"],
        "split": task.config["test_split"],
        "questions": said.get("questions", task.metadata["rows"]),
        "max_new_tokens": task.config["generation_kwargs"]["max_new_tokens"],
        "checksum": task.metadata["protocol"] == "original",
        "licence": task.metadata["licence"],
        "install": f"pip install {' '.join(extra.values())}\n" if extra else "",
        "judge": DEFAULT_MODEL,
    }
    return _rendered("README.md.jinja", {**said, **facts, "metrics": metrics})


def _rendered(template: str, values: Mapping[str, Any]) -> str:
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)  # noqa: S701 (no HTML)
    return environment.from_string(_template(template)).render(values)


def _template(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
