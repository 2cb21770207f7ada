"""What may stand after `--model_args` of `ja_api`."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from lmms_eval_ja.clients import JudgeSettings, price_of
from lmms_eval_ja.clients.settings import without_userinfo
from lmms_eval_ja.models.failures import ModelError

#: Names the file of the answers where `store` does not.
STORE_VARIABLE = "LMMS_EVAL_JA_ANSWER_STORE"
#: Fields of a judge's settings that a model under test has too.
SERVER_FIELDS = (
    "model", "base_url", "provider", "api_key_env", "api_version", "mode", "concurrency", "timeout_s", "deadline_s",
    "max_failures_in_row", "reasoning", "temperature", "top_p", "max_tokens", "seed", "extra_body", "price_input",
    "price_output",
)  # fmt: skip
#: Answers are longer than verdicts.
_DEFAULTS = {"timeout_s": 300.0, "deadline_s": 900.0}
#: Values that only these of a judge's make sense for.
_CHOICES = {"provider": ("openai", "azure"), "mode": ("live", "store")}
#: Where an address or a variable's name should stand, a password or a key may stand by mistake.
_NEVER_SHOWN = ("base_url", "api_key_env")


@dataclass(frozen=True)
class ApiSettings:
    """How a model behind an OpenAI-compatible address is asked.

    Attributes:
        server: where it is, and what is sent; `SERVER_FIELDS` are stated as they are. `temperature`, `top_p`,
            `max_tokens` and `seed` go before what a task states; `concurrency` is this process's share.
        store: the SQLite file of the answers.
        budget_usd: what this process may spend.
        revision: tells apart weights that are served under one name: another revision shares no answers.
        system_prompt: put before messages that have no system message.
        max_pixels: larger images are made smaller, to so many pixels.
    """

    server: JudgeSettings
    store: Path
    budget_usd: float | None = None
    revision: str | None = None
    system_prompt: str | None = None
    max_pixels: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], ranks: int = 1) -> ApiSettings:
        """Check what was given.

        Args:
            given: model arguments.
            ranks: among how many processes concurrency and budget are divided.

        Raises:
            ModelError: a name that does not exist, or a value that makes no sense.
        """
        own = [field.name for field in fields(cls) if field.name != "server"]
        if unknown := sorted(given.keys() - {*SERVER_FIELDS, *own}):
            hint = "" if "key" not in unknown[0] else "; a key comes from the environment only: api_key_env=VARIABLE"
            raise ModelError(
                f"ja_api: unknown model argument {unknown[0]}; expected {', '.join((*SERVER_FIELDS, *own))}{hint}"
            )
        server = _server({name: value for name, value in given.items() if name in SERVER_FIELDS})
        budget = _positive("budget_usd", given.get("budget_usd"))
        if budget is not None and price_of(server) is None:
            raise ModelError(
                f"ja_api: there is a budget, but no price is known for {server.model}: state price_input and "
                "price_output, in US dollars per million tokens"
            )
        pixels = _positive("max_pixels", given.get("max_pixels"))
        return cls(
            server=server.model_copy(update={"concurrency": max(1, server.concurrency // ranks)}),
            store=_store(given.get("store")),
            budget_usd=None if budget is None else budget / ranks,
            revision=_text(given.get("revision")),
            system_prompt=_text(given.get("system_prompt")),
            max_pixels=None if pixels is None else max(1, int(pixels)),
        )


def _server(given: dict[str, Any]) -> JudgeSettings:
    if not given.get("model"):
        raise ModelError("ja_api: model=NAME is missing in --model_args")
    for name, choices in _CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            raise ModelError(f"ja_api: {name}={given[name]}: expected {' or '.join(choices)}")
    given |= {"model": str(given["model"]), "extra_body": _object("extra_body", given.get("extra_body", {}))}
    try:
        server = JudgeSettings.model_validate(_DEFAULTS | given)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if not name:  # fields that do not fit together
            raise ModelError(f"ja_api: {first['ctx']['error']}") from None
        got = "" if name in _NEVER_SHOWN else f" (got {first['input']!r})"
        raise ModelError(f"ja_api: {name}: {first['msg']}{got}") from None
    if without_userinfo(server.base_url) != server.base_url:
        raise ModelError(
            "ja_api: base_url holds a name or password, which lmms-eval would write into its results: name the "
            "variable of a key in api_key_env instead"
        )
    return server


def _store(stated: object) -> Path:
    chosen = stated or os.environ.get(STORE_VARIABLE)
    return Path(str(chosen)).expanduser() if chosen else platformdirs.user_data_path("lmms-eval-ja") / "answers.sqlite"


def _object(name: str, value: object) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        raise ModelError(f'ja_api: {name}: expected a JSON object such as {{"top_k":20}}')
    return value


def _positive(name: str, value: object) -> float | None:
    if value is None:
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise ModelError(f"ja_api: {name}={value}: expected a number above 0")
    return number


def _text(value: object) -> str | None:
    return None if value is None or not str(value).strip() else str(value)
