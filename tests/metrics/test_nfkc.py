import random
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import nfkc


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.text(max_size=60))
def test_a_short_text_is_in_nfkc(text):
    assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_a_long_text_is_that_of_the_whole():
    random_numbers = random.Random(0)  # noqa: S311  no secret
    letters = [*"かハabcＡ１①㍻漢字 \n", "\u3099", "\u309a", "ﾊ", "ﾟ", "e\u0301", "한", "\u1100\u1161", "😀"]
    for _ in range(50):
        text = "".join(random_numbers.choices(letters, k=3000))
        assert nfkc(text) == unicodedata.normalize("NFKC", text)


def test_a_long_run_of_accents_takes_no_square_of_its_length():
    text = "か" + "\u0301\u0316" * 100_000
    assert len(nfkc(text)) == len(text)
