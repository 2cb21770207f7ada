"""Whether it is known how far a judge agrees with people on Japanese answers; of an open judge that is not to be taken.

A judge is open unless it is asked at OpenAI's own address or through Azure. What is known of it is a file that
`lmms-eval-ja judge-eval --json` wrote, named as `agreement` in judge.toml.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import JudgeSettings, SettingsError
from lmms_eval_ja.judges.checkpoint import asked_model

#: Tasks of ours that are in another language, so that agreement on them says nothing of Japanese.
OTHER_LANGUAGES = ("align_mm_bench", "perception_bench")
#: Of a judge that agrees in every answer no interval exists.
_PERFECT = 1 - 1e-9
_NO_AGREEMENT = "shows no agreement of the open judge"
_MEASURE = "measure it with `lmms-eval-ja judge-eval`, and name its --json file as agreement of the judge in judge.toml"


def is_open(settings: JudgeSettings) -> bool:
    """Whether a judge is an LLM that is not served by OpenAI or Azure."""
    if settings.provider in {"overlap", "jury", "azure"}:
        return False
    return settings.provider == "transformers" or not settings.is_openai


def warning_of(settings: JudgeSettings, protocol: str | None = None) -> str | None:
    """What has to stand beside the scores of an open judge, in a sentence; None for a judge that needs none.

    Args:
        settings: of one judge, no jury.
        protocol: by which it judges; any where it is not stated.

    Raises:
        SettingsError: the file that `agreement` names cannot be read.
    """
    if not is_open(settings):
        return None
    name = asked_model(settings)
    of = f"how far the open judge {name} agrees with people on Japanese answers"
    if settings.agreement is None:
        return f"{of} is not known: {_MEASURE}"
    found = [one for one in _judges(settings.agreement) if one["judge"] == name]
    if protocol is not None:
        found = [one for one in found if one["protocol"] in {"", protocol}]
    if not found:
        by = f" by protocol {protocol}" if protocol is not None else ""
        return f"{of}{by} is not known, since {settings.agreement} does not say it: {_MEASURE}"
    pearson: Mapping[str, Any] = found[0]["agreement"]["statistics"]["pearson"]
    value, low = pearson["value"], pearson["ci_low"]
    if low is not None:
        said = f"{settings.agreement} {_NO_AGREEMENT} {name} with people: its scores say nothing"
        return said if low <= 0 else None
    if value is not None and value >= _PERFECT and found[0]["agreement"]["n_clusters"] > 1:
        return None
    reason = pearson.get("why_none") or pearson.get("why_no_interval") or "there is no interval"
    return f"{settings.agreement} does not tell {of}: {reason}"


def shows_no_agreement(warning: str) -> bool:
    """Whether a warning of `warning_of` says that the judge does not agree, not that nothing is known of it."""
    return _NO_AGREEMENT in warning


def warnings_of(judges: Sequence[JudgeSettings], protocol: str | None = None) -> list[str]:
    """`warning_of` each judge that needs one."""
    return [warning for settings in judges if (warning := warning_of(settings, protocol))]


@cache
def _judges(file: str) -> list[Mapping[str, Any]]:
    """The judges of a meta-evaluation on Japanese answers; none where a task is in another language."""
    path = Path(file).expanduser()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        tasks, judges = content.get("tasks") or [], content["judges"]
        for one in judges:
            pearson = one["agreement"]["statistics"]["pearson"]
            _ = [number is None or number <= 1 for number in (pearson["value"], pearson["ci_low"])]
            _ = one["judge"], one["protocol"], one["agreement"]["n_clusters"] > 1
    except OSError as error:
        raise SettingsError(f"agreement = {file!r}: {error.strerror or error}; correct it in judge.toml") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(
            f"agreement = {file!r} is no file of `lmms-eval-ja judge-eval --json`; correct it in judge.toml"
        ) from None
    # One correlation over both languages would say of Japanese what the other one shows.
    return [] if any(str(task).startswith(OTHER_LANGUAGES) for task in tasks) else list(judges)
