import json

import pytest

from lmms_eval_ja.metrics import clean_answer, failed_generation, generation_failure


def test_a_failure_is_read_back():
    failed = failed_generation("HTTP 500 after 5 attempts")
    assert failed.startswith("\x00")
    assert generation_failure(failed) == "HTTP 500 after 5 attempts"


@pytest.mark.parametrize("answer", ["", " ", "犬", "failed generation: x", "\x00", "\x00犬"])
def test_an_answer_is_no_failure(answer):
    assert generation_failure(answer) is None


@pytest.mark.parametrize("change", [str.strip, str.rstrip, lambda text: json.loads(json.dumps(text))])
@pytest.mark.parametrize("reason", ["out of memory", "", "two\n\nlines", " 空白 ", "\x00"])
def test_a_failure_survives_what_lmms_eval_does_to_answers(reason, change):
    failed = change(failed_generation(reason))
    assert generation_failure(failed) == (" ".join(reason.replace("\x00", "").split()) or "no reason given")
    assert "\n" not in failed


def test_what_lmms_evals_api_models_give_instead_of_an_answer():
    assert generation_failure("[LMMS_EVAL_REQUEST_FAILED after 3 retries]  no key\n") == (
        "[LMMS_EVAL_REQUEST_FAILED after 3 retries] no key"
    )


def test_a_model_cannot_write_a_failure():
    written = clean_answer(failed_generation("x") + "\x00犬")
    assert generation_failure(written) is None
    assert written == "failed generation: x犬"
    assert clean_answer("犬 \n") == "犬 \n"
