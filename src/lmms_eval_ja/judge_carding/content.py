"""What a judge's report card says, as plain data: the file card.json."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lmms_eval_ja.compare.finished import SamplesError
from lmms_eval_ja.judge_carding.gathering import Answers
from lmms_eval_ja.judges.probes import RULES, Probe, Probed
from lmms_eval_ja.judges.validity import is_open, warnings_of

#: Probes that take the image away; a description in words stays in the prompt.
_OF_IMAGES = ("image", "no_image")


@dataclass(frozen=True)
class Known:
    """What is known of a judge's agreement with people: warnings, and what the file says; None where it says nothing.

    `is_open`: some of its members is an open judge.
    """

    warnings: Sequence[str]
    agreement: Mapping[str, Any] | None
    is_open: bool


def known_of(answers: Answers, agreement: Path | None = None) -> Known:
    """What is known of the judge of answers before it is asked.

    Args:
        answers: that it is to be probed with.
        agreement: a file of `lmms-eval-ja judge-eval --json`; None is the one that judge.toml names.

    Raises:
        SamplesError: the file cannot be read, or is none of those.
        SettingsError: the same of a file that judge.toml names.
    """
    judge, protocol = answers.judge, answers.protocol
    members = list(judge.members.values()) or [judge.settings]
    if agreement is not None:
        members = [one.model_copy(update={"agreement": str(agreement)}) for one in members]
    file = agreement or (Path(judge.settings.agreement).expanduser() if judge.settings.agreement else None)
    return Known(
        warnings_of(members, protocol.name),
        None if file is None else agreement_of(file, judge.label, protocol.name),
        any(is_open(one) for one in members),
    )


def card_of(answers: Answers, probed: Probed, known: Known) -> dict[str, Any]:
    """The card of a judge.

    Args:
        answers: that the judge was probed with.
        probed: what the probes found.
        known: of its agreement with people (`known_of`).
    """
    judge, protocol = answers.judge, answers.protocol
    return {
        "format": "lmms-eval-ja judge-card 1",
        "version": version("lmms-eval-ja"),
        "judge": judge.label,
        "models": list(probed.models),
        "is_open": known.is_open,
        "warnings": list(known.warnings),
        "protocol": protocol.fingerprint(),
        "scale": [protocol.low, protocol.high],
        "judging": judge.fingerprint(protocol),
        "tasks": list(answers.tasks),
        "answers": len(answers.samples),
        "images": len({sample.cluster or sample.sample_id for sample in answers.samples}),
        "scored": probed.scored,
        "mean": probed.mean,
        "agreement": known.agreement,
        "probes": [_probe(one, has_context=any(s.context for s in answers.samples)) for one in probed.probes],
        "requests": probed.requests,
        "usd": probed.usd,
    }


def as_json(card: Mapping[str, Any]) -> str:
    """The text of card.json."""
    return json.dumps(card, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def agreement_of(path: Path, judge: str, protocol: str) -> dict[str, Any] | None:
    """What a file of `judge-eval --json` says of a judge by a protocol; None where it says nothing.

    Raises:
        SamplesError: it cannot be read, or is no such file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = [one for one in content["judges"] if one["judge"] == judge and one["protocol"] in {"", protocol}]
        if not found:
            return None
        own = found[0]["agreement"]
        return {
            "file": path.name,
            "tasks": content["tasks"],
            "raters": len(content["raters"]),
            "answers": int(own["n"]),
            "images": int(own["n_clusters"]),
            "statistics": {
                name: {key: _number(one[key]) for key in ("value", "ci_low", "ci_high")}
                for name, one in own["statistics"].items()
            },
        }
    except OSError as error:
        raise SamplesError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SamplesError(f"{path} is no file of `lmms-eval-ja judge-eval --json`") from None


def _probe(probe: Probe, *, has_context: bool) -> dict[str, Any]:
    found = {name: _finite(value) for name, value in asdict(probe.finding).items()}
    rule = RULES[probe.name]
    return {
        "name": probe.name,
        **found,
        "threshold": rule.threshold,
        "side": rule.side,
        "details": {name: _finite(value) for name, value in probe.details.items()},
        "failures": probe.failures,
        "image_is_described": has_context and probe.name in _OF_IMAGES,
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
