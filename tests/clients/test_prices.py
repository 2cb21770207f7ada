"""What a judge costs: the settings, then the table's exact entry, else nothing is said."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from lmms_eval_ja.clients import JudgeSettings, Price, price_of
from lmms_eval_ja.clients.prices import FREE, _table

ELSEWHERE = {"base_url": "http://127.0.0.1:8000/v1"}
AZURE = {"provider": "azure", "base_url": "https://mine.openai.azure.com", "api_version": "2024-10-21"}


def test_cost_is_per_million_tokens() -> None:
    price = Price(1.25, 10.0, batch_factor=0.5)
    # 2,000 * 1.25 / 1e6 = 0.0025 and 300 * 10 / 1e6 = 0.003
    assert price.cost(2_000, 300) == pytest.approx(0.0055)
    assert price.cost(2_000, 300, batch=True) == pytest.approx(0.00275)
    assert price.cost(0, 0) == 0


def test_the_default_judge_has_a_dated_price() -> None:
    price = price_of(JudgeSettings())
    assert price is not None
    assert (price.input, price.output, price.batch_factor) == (1.25, 10.0, 0.5)
    assert isinstance(price.date, date)
    assert "litellm" in price.source


@pytest.mark.parametrize(
    ("model", "input_", "output"),
    [
        ("gpt-4-0125-preview", 10, 30),  # the papers' judge, retired
        ("gpt-4-turbo-2024-04-09", 10, 30),
        ("gpt-4o-2024-05-13", 5, 15),
        ("gpt-4o-2024-11-20", 2.5, 10),
        ("gpt-4o-mini", 0.15, 0.6),
        ("gpt-4.1-mini-2025-04-14", 0.4, 1.6),
        ("gpt-5-mini", 0.25, 2),
        ("o1", 15, 60),
        ("o3", 2, 8),
        ("o4-mini-2025-04-16", 1.1, 4.4),
    ],
)
def test_judges_of_openai(model: str, input_: float, output: float) -> None:
    price = price_of(JudgeSettings(model=model))
    assert price is not None
    assert (price.input, price.output) == (input_, output)


@pytest.mark.parametrize("model", ["gpt-4o-2024-11-21", "gpt-4", "gpt-5.1-2025-11-13-mini", "GPT-4o", "gpt-9", ""])
def test_a_name_that_is_not_listed_has_no_price_however_similar(model: str) -> None:
    assert price_of(JudgeSettings(model=model)) is None


def test_the_reported_model_goes_before_the_one_asked_for() -> None:
    alias = JudgeSettings(model="gpt-4o")
    assert price_of(alias, "gpt-4o-2024-05-13") == price_of(JudgeSettings(model="gpt-4o-2024-05-13"))
    assert price_of(alias, "gpt-4o-2099-01-01") == price_of(alias)


def test_another_server_with_a_model_of_the_same_name_has_no_price() -> None:
    assert price_of(JudgeSettings(**ELSEWHERE)) is None
    assert price_of(JudgeSettings(base_url="https://api.openai.com.example.org/v1")) is None


def test_azure_is_priced_by_what_it_reports_not_by_a_deployments_name() -> None:
    settings = JudgeSettings(**AZURE, model="gpt-4o")
    assert price_of(settings) is None
    price = price_of(settings, "gpt-4o-2024-05-13")
    assert price is not None
    assert (price.input, price.output) == (5, 15)


@pytest.mark.parametrize("fields", [{}, ELSEWHERE, AZURE, {"provider": "transformers"}])
def test_stated_prices_win_also_for_batches(fields: dict[str, Any]) -> None:
    price = price_of(JudgeSettings(**fields, price_input=0.5, price_output=3))
    assert price is not None
    assert (price.input, price.output, price.date) == (0.5, 3, None)
    assert price.cost(1_000_000, 0, batch=True) == 0.5


@pytest.mark.parametrize("provider", ["transformers", "overlap"])
def test_what_runs_on_this_machine_costs_nothing(provider: Any) -> None:
    price = price_of(JudgeSettings(provider=provider, model="x"))
    assert price == FREE
    assert price.is_free
    assert price.cost(10**9, 10**9) == 0


def test_a_jury_has_no_price_of_its_own() -> None:
    assert price_of(JudgeSettings(provider="jury", members=("a", "b")), "gpt-4o") is None


@pytest.mark.parametrize(("tier", "known"), [("default", True), ("auto", True), ("flex", False), ("priority", False)])
def test_the_table_holds_for_the_ordinary_level_of_service(tier: str, known: bool) -> None:
    assert (price_of(JudgeSettings(extra_body={"service_tier": tier})) is not None) is known


def test_every_entry_of_the_table_is_a_price_with_date_and_source() -> None:
    for models in _table().values():
        assert models
        for name, price in models.items():
            assert re.fullmatch(r"(gpt-[45]|o[134])[a-z0-9.-]*", name), name
            assert 0 < price.input < price.output, name
            assert 0 < price.batch_factor <= 1, name
            assert price.date is not None, name
            assert price.date.isoformat() in price.source, name
