"""What our tasks add to lmms-eval's results: intervals, what stands beside a score, fingerprint, data facts."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from statistics import fmean
from typing import Any

from lmms_eval_ja.clients import Settings
from lmms_eval_ja.clients.settings import IMAGE_SETTINGS
from lmms_eval_ja.jp_tasks.catalogue import group_metrics
from lmms_eval_ja.judges import (
    ANCHOR,
    OVERLAP_LABEL,
    PARSE_FAILURES,
    Judge,
    MetricItem,
    Score,
    Verdict,
    agreement_facts,
    position_bias,
    protocol,
    protocols_of,
    reported_models,
    usage_facts,
)
from lmms_eval_ja.judges.sample_facts import by_category, missing_pictures, rubrics_judged_by, unreadable_answers
from lmms_eval_ja.judges.validity import warnings_of
from lmms_eval_ja.metrics import dictionary_version, generation_failure, japanese_share

_PACKAGES = ("lmms-eval-ja", "lmms-eval", "transformers", "torch", "datasets", "fugashi", "unidic-lite", "rapidfuzz")
#: What makes ROUGE-L what it is.
_METRIC_PACKAGES = ("lmms-eval-ja", "fugashi", "unidic-lite")
#: Aggregations whose value in a category of the documents is the mean of its documents.
_MEANS = ("mean_ja", "percent_ja", "category_means_ja")
#: How many ids of failed samples are listed by kind.
_LISTED = 10


def add_facts(
    results: dict[str, Any],
    tasks: Mapping[str, Mapping[str, Any]],
    settings: Settings,
    data: Mapping[str, Mapping[str, Any]],
    subset: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Add our metrics to `results["results"]` and our section `results["lmms_eval_ja"]`, in place.

    Returns:
        The tasks without a complete score, with the reason.
    """
    section: dict[str, Any] = {"settings": settings.shown(), "packages": _versions(_PACKAGES), "tasks": {}}
    incomplete: dict[str, str] = {}
    for name, config in tasks.items():
        row = results["results"].get(name)
        scores = {key: value for key, value in (row or {}).items() if isinstance(value, Score)}
        if not scores:
            continue
        # lmms-eval lists what is not aggregated too, as an empty list.
        metrics = {key: value for key, value in row.items() if not key.startswith("verdict_")}
        results["results"][name] = metrics | _beside(scores)
        section["tasks"][name] = facts = _task_facts(scores, config, settings, data.get(name), subset)
        results["results"][name] |= _agreement(facts["judging"] or {}, next(iter(scores)).partition(",")[2])
        if why := _why_incomplete(_own(scores).values()):
            incomplete[name] = why
        if name in results.get("samples", {}):
            _finish_samples(results["samples"][name], scores)
    results["lmms_eval_ja"] = section
    drop_unnamed(results)
    return incomplete


def drop_unnamed(results: dict[str, Any]) -> None:
    """Take out of our groups' rows what their YAML does not name, in place.

    lmms-eval takes a metric's name for a part of one: `f1` also gives a group the mean of `f1_nfkc`.
    """
    for group, named in group_metrics().items():
        for rows in (results.get("results") or {}, results.get("groups") or {}):
            row = rows.get(group) or {}
            for key in [key for key in row if "," in key and _metric_of(key) not in named]:
                del row[key]


def _metric_of(key: str) -> str:
    """The metric of a key of lmms-eval's: "f1" of "f1,none" and of "f1_stderr,none"."""
    return key.partition(",")[0].removesuffix("_stderr")


def _own(scores: Mapping[str, Score]) -> dict[str, Score]:
    """The scores of the model under test, without those of recorded answers that were judged beside it."""
    return {key: score for key, score in scores.items() if not key.startswith(ANCHOR)}


def _why_incomplete(scores: Collection[Score]) -> str | None:
    """Why a task has no complete score, by its metrics over all samples: a part of ten may fail on its own.

    Of several the one with most of its samples scored: a metric over groups of samples loses more than what failed.
    """
    most = max(score.report.n for score in scores)
    whole = [score.report for score in scores if score.report.n == most and score.report.why_none]
    return max(whole, key=lambda report: report.scored).why_none if whole else None


def _beside(scores: Mapping[str, Score]) -> dict[str, float]:
    """Intervals of each score, the spread of its runs, and once per filter what stands beside them."""
    added: dict[str, float] = {}
    for key, score in scores.items():
        metric, _, filter_ = key.partition(",")
        added[f"{metric}_ci_low,{filter_}"] = score.estimate.ci_low
        added[f"{metric}_ci_high,{filter_}"] = score.estimate.ci_high
        if len(score.report.runs) > 1:
            added[f"{metric}_run_sd,{filter_}"] = score.report.run_sd
    own = _own(scores)
    for filter_ in dict.fromkeys(key.partition(",")[2] for key in own):
        facts = _answer_facts(_items(s for key, s in own.items() if key.partition(",")[2] == filter_))
        added |= {f"{name},{filter_}": value for name, value in facts.items()}
    return added


def _agreement(judging: Mapping[str, Any], filter_: str) -> dict[str, float]:
    """`judge_alpha_<protocol>`, where a jury judges."""
    alphas = {name: facts["agreement"].get("between_judges") for name, facts in judging.items()}
    return {f"judge_alpha_{name},{filter_}": alpha for name, alpha in alphas.items() if alpha is not None}


def _items(scores: Iterable[Score]) -> list[MetricItem]:
    return [item for score in scores for item in score.report.items]


def _judged(items: Iterable[MetricItem]) -> Iterator[tuple[MetricItem, Verdict]]:
    """Each verdict once, with an item that holds it: metrics share verdicts."""
    seen = set()
    for item in items:
        if item.verdict is not None and (key := (item.sample_id, item.verdict["protocol"])) not in seen:
            seen.add(key)
            yield item, item.verdict


def _answer_facts(items: list[MetricItem]) -> dict[str, float]:
    """`coverage`, `judge_failures`, `parse_failures`, `chars`, `japanese_share` (shares are 0 to 1)."""
    kinds = [verdict["failure"] for _, verdict in _judged(items) if verdict["failure"] != "generation"]
    parse = sum(kind in PARSE_FAILURES for kind in kinds)
    answers = {i.sample_id: i.answer for i in items if generation_failure(i.answer) is None}
    shares = [share for answer in answers.values() if not math.isnan(share := japanese_share(answer))]
    n_items = {item.sample_id for item in items}
    failed = {item.sample_id for item in items if item.failed() is not None}
    return {
        "coverage": 1 - len(failed) / len(n_items) if n_items else math.nan,
        "judge_failures": float(sum(kind is not None for kind in kinds) - parse),
        "parse_failures": float(parse),
        "chars": fmean(map(len, answers.values())) if answers else math.nan,
        "japanese_share": fmean(shares) if shares else math.nan,
    }


def _task_facts(
    scores: Mapping[str, Score],
    config: Mapping[str, Any],
    settings: Settings,
    data: Mapping[str, Any] | None,
    subset: Mapping[str, Any] | None,
) -> dict[str, Any]:
    judge = Judge.of(settings)
    judged = list(_judged(_items(_own(scores).values())))
    verdicts = [verdict for _, verdict in judged]
    protocols = {name: protocol(name) for name in protocols_of(config.get("process_results"))}
    print_: dict[str, Any] = {
        "task_version": (config.get("metadata") or {}).get("version"),
        "judging": [
            # The template of a protocol that was never rendered (overlap) may lie in a file that was never fetched.
            ({"protocol": name, "version": p.version} if judge.is_overlap else p.fingerprint()) | judge.fingerprint(p)
            for name, p in sorted(protocols.items())
        ],
        "judge_models": sorted({model for verdict in verdicts for model in verdict["models"]}),
        "metric_packages": _versions(_METRIC_PACKAGES) | {"dictionary": dictionary_version()},
        # A part of the documents is another benchmark.
        "subset": dict(subset) if subset else None,
        "dataset": {k: data[k] for k in ("name", "revision", "rows", "texts_sha256", "changed")} if data else None,
    }
    items = _items(_own(scores).values())
    if settings.image != IMAGE_SETTINGS[0]:
        print_["image"] = settings.image
    if lost := missing_pictures(items):
        print_["missing_pictures"] = lost["sha256"]
    if rubrics := rubrics_judged_by(items):
        print_["rubrics"] = rubrics["sha256"]
    aggregations = {entry["metric"]: _name(entry.get("aggregation")) for entry in config.get("metric_list") or ()}
    return {
        "fingerprint": {"id": _digest(print_)} | print_,
        "judge": OVERLAP_LABEL if judge.is_overlap and protocols else (judge.label if protocols else None),
        "scores": {
            metric: _score_facts(score) | {"aggregation": aggregations.get(metric), "protocol": _judged_by(score)}
            for metric, score in ((key.partition(",")[0], score) for key, score in scores.items())
        },
        "failures": _failures([(item.sample_id, verdict) for item, verdict in judged]),
        "unreadable_answers": unreadable_answers(items),
        "missing_pictures": lost,
        "rubrics": rubrics,
        **({"variants": data["variants"]} if data and "variants" in data else {}),
        "by_category": _by_category(scores, config, aggregations),
        "judging": _judging_facts(judged, scores, judge),
        "answers_cut": {
            name: len(
                {
                    item.sample_id
                    for item in _items(scores.values())
                    if item.verdict is not None and item.verdict["protocol"] == name and p.omitted(item.answer)
                }
            )
            for name, p in sorted(protocols.items())
        },
    }


def _by_category(
    scores: Mapping[str, Score], config: Mapping[str, Any], aggregations: Mapping[str, str | None]
) -> dict[str, Any]:
    """The headline in each category of the documents; only of a mean, since other headlines list their parts."""
    headline = (config.get("metadata") or {}).get("headline")
    score = next((score for key, score in scores.items() if key.partition(",")[0] == headline), None)
    return by_category(score) if score is not None and aggregations.get(str(headline)) in set(_MEANS) else {}


def _judging_facts(
    judged: list[tuple[MetricItem, Verdict]], scores: Mapping[str, Score], judge: Judge
) -> dict[str, Any] | None:
    """By protocol: models as reported, cost, agreement, position bias, warnings; None where nothing is judged."""
    anchors = [score for key, score in scores.items() if key.startswith(ANCHOR)]
    recorded = [item.verdict for score in anchors for item in score.report.items if item.verdict is not None]
    found = {}
    for name in dict.fromkeys(verdict["protocol"] for _, verdict in judged):
        items = [item for item, verdict in judged if verdict["protocol"] == name]
        verdicts = [verdict for _, verdict in judged if verdict["protocol"] == name]
        found[name] = {
            "models": reported_models(verdicts, judge.label),
            "usage": usage_facts(verdicts),
            "agreement": agreement_facts(verdicts),
            "position_bias": position_bias(items),
            "warnings": warnings_of([one.settings for one in judge.each.values()], name),
        }
        if own := [verdict for verdict in recorded if verdict["protocol"] == name]:
            found[name]["usage_of_anchors"] = usage_facts(own)
    return found or None


def _score_facts(score: Score) -> dict[str, Any]:
    report, estimate = score.report, score.estimate
    return {
        "value": _number(float(score)),
        "why_none": report.why_none,
        "ci_low": _number(estimate.ci_low),
        "ci_high": _number(estimate.ci_high),
        "interval": estimate.method,
        "standard_error": _number(estimate.standard_error),
        "n": report.n,
        "scored": report.scored,
        "clusters": estimate.n_clusters,
        "coverage": report.coverage,
        "runs": list(report.runs),
        "run_sd": _number(report.run_sd),
        **({"undefined": report.undefined} if report.undefined else {}),
        **report.facts,
    }


def _judged_by(score: Score) -> str | None:
    """The protocol whose verdicts a score is made of; None for one that needs no judge."""
    verdicts = (item.verdict for item in score.report.items if item.verdict is not None)
    return next((str(verdict["protocol"]) for verdict in verdicts), None)


def _name(aggregation: Any) -> str | None:
    """An aggregation's name; a YAML may state the function itself."""
    return aggregation if isinstance(aggregation, str | None) else getattr(aggregation, "__name__", None)


def _failures(verdicts: list[tuple[str, Verdict]]) -> dict[str, Any]:
    failed = [(sample_id, verdict) for sample_id, verdict in verdicts if verdict["failure"]]
    counts = Counter(verdict["failure"] for _, verdict in failed)
    return {
        kind: {
            "count": count,
            "samples": list(dict.fromkeys(id_ for id_, v in failed if v["failure"] == kind))[:_LISTED],
            "example": next(v["reason"] for _, v in failed if v["failure"] == kind),
        }
        for kind, count in sorted(counts.items())
    }


def _finish_samples(samples: list[dict[str, Any]], scores: Mapping[str, Score]) -> None:
    """Order by doc_id, and give gathered copies of items (several ranks) the influence that the aggregation set."""
    samples.sort(key=lambda sample: sample["doc_id"])
    by_metric = {
        key.partition(",")[0]: {item.sample_id: item for item in score.report.items} for key, score in scores.items()
    }
    for sample in samples:
        for name, value in sample.items():
            if isinstance(value, MetricItem) and name in by_metric:
                value.update(by_metric[name].get(value.sample_id, {}))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _versions(packages: Iterable[str]) -> dict[str, str | None]:
    return {package: _version(package) for package in packages}
