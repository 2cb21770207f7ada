"""What judging costs: prices of models in US dollars per million tokens, from a dated table or from the settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from lmms_eval_ja.clients.settings import JudgeSettings

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MILLION = 1_000_000
#: Levels of service (`service_tier`) at which the table's prices hold.
_ORDINARY_TIERS = (None, "auto", "default")


@dataclass(frozen=True)
class Price:
    """What a model's tokens cost.

    Attributes:
        input: US dollars per million prompt tokens.
        output: US dollars per million completion tokens; hidden reasoning counts as such.
        batch_factor: the share of it that is paid through the Batch API.
        date: on which the table was published; None where the price is no table's.
        source: where the price is from, in words.
    """

    input: float
    output: float
    batch_factor: float = 1.0
    date: date | None = None
    source: str = ""

    @property
    def is_free(self) -> bool:
        """Whether nothing is paid at all."""
        return self.input == 0 == self.output

    def cost(self, prompt_tokens: float, completion_tokens: float, *, batch: bool = False) -> float:
        """US dollars for so many tokens; discounts on a prompt that the provider has cached are left out."""
        dollars = (prompt_tokens * self.input + completion_tokens * self.output) / _MILLION
        return dollars * self.batch_factor if batch else dollars


FREE = Price(0.0, 0.0, source="runs on this machine")


def price_of(settings: JudgeSettings, model: str | None = None) -> Price | None:
    """The price of a judge, never guessed from a similar name.

    What the settings state holds as it is stated, also for batches. The table is read for OpenAI's own address and for
    Azure OpenAI alone: what a model of the same name costs elsewhere is not known.

    Args:
        settings: the judge's.
        model: as the server reports it, where there is a reply. It is looked up before the model that was asked for. A
            deployment on Azure has a name of its user's choice, which is not looked up.

    Returns:
        None where no price is known: then tokens are counted and no dollars.
    """
    if settings.price_input is not None and settings.price_output is not None:
        return Price(settings.price_input, settings.price_output, source="price_input and price_output of the judge")
    if settings.provider in {"transformers", "overlap"}:
        return FREE
    if settings.provider == "azure":
        prices, names = _table()["azure"], [model]
    elif settings.provider == "openai" and settings.is_openai:
        prices, names = _table()["openai"], [model, settings.model]
    else:
        return None
    if settings.extra_body.get("service_tier") not in _ORDINARY_TIERS:
        return None
    return next((prices[name] for name in names if name and name in prices), None)


@cache
def _table() -> Mapping[str, Mapping[str, Price]]:
    """The prices of `prices.toml`: provider, then model."""
    content = tomllib.loads((files("lmms_eval_ja.clients") / "prices.toml").read_text(encoding="utf-8"))
    table: dict[str, dict[str, Price]] = {"openai": {}, "azure": {}}
    for part in content["prices"]:
        for name, (input_, output) in part["models"].items():
            price = Price(float(input_), float(output), part["batch_factor"], part["date"], part["source"])
            table[part["provider"]][name] = price
    return table
