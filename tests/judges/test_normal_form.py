from __future__ import annotations

import unicodedata

import pytest

from lmms_eval_ja.judges.protocols.normal_form import normal_form
from support.any_reply import seconds


@pytest.mark.parametrize("form", ["NFKC", "NFKD"])
@pytest.mark.parametrize(
    "text", ["", "８　９", "ｶﾞか\u3099 ㍻ ﷺ é e\u0301\u0316", "［ＲＥＳＵＬＴ］４\n" * 500, "白" * 2001 + "①"]
)
def test_it_is_unicodes_normal_form(form, text):
    assert normal_form(form, text) == unicodedata.normalize(form, text)


def test_long_runs_of_accents_take_no_longer_than_other_texts():
    # 200,000 of them take unicodedata half a minute.
    assert seconds(lambda: normal_form("NFKC", "\u0301\u0316" * 100_000)) < 0.5
