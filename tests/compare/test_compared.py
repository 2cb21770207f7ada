from __future__ import annotations

import json
from dataclasses import fields

import pandas as pd
import pytest

from lmms_eval_ja.compare.compared import Compared, Curve


def test_json_comes_back_as_it_was(made_compared: Compared):
    text = made_compared.as_json()
    back = Compared.from_json(text)
    assert back == made_compared
    assert back.as_json() == text
    assert isinstance(back.curves[0], Curve)


def test_tables_are_columns_that_pandas_takes(made_compared: Compared):
    content = json.loads(made_compared.as_json())
    assert content["schema"] == 1
    cells = pd.DataFrame(content["cells"])
    assert len(cells) == len(made_compared.cells)
    assert set(cells["model"]) == set(made_compared.models)
    assert set(content) == {"schema", *(one.name for one in fields(Compared))}


def test_no_number_stands_for_a_failure(made_compared: Compared):
    text = made_compared.as_json()
    assert "NaN" not in text
    assert "Infinity" not in text


@pytest.mark.parametrize("text", ["[]", '{"schema": 99}', "{}"])
def test_another_schema_is_refused(text: str):
    with pytest.raises(ValueError, match="not a comparison of schema 1"):
        Compared.from_json(text)


def test_a_cell_is_found_by_names(made_compared: Compared):
    cell = made_compared.cell("model-01", "heron_bench_ja")
    assert cell is not None
    assert cell.metric == "overall"
    assert made_compared.cell("model-01", "heron_bench_ja", "none") is None
