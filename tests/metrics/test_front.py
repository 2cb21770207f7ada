import subprocess
import sys

import pytest

from lmms_eval_ja import metrics


def test_every_public_name_exists_and_is_documented():
    for name in metrics.__all__:
        value = getattr(metrics, name)
        assert name in dir(metrics)
        assert name == "VARIANTS" or value.__doc__


def test_names_are_functions_and_not_modules():
    for name in ("rouge_l", "normalize", "tokenize", "mean"):
        assert callable(getattr(metrics, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"lmms_eval_ja\.metrics.*no attribute 'rouge'"):
        _ = metrics.rouge


def test_importing_the_room_is_light():
    heavy = "{'torch', 'lmms_eval', 'nltk', 'rouge_score', 'scipy', 'numpy'}"
    program = f"import sys, lmms_eval_ja.metrics; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_scoring_needs_no_rouge_score():
    program = (
        "import sys; from lmms_eval_ja.metrics import rouge_l; assert rouge_l('犬', '犬') == 100;"
        "assert 'rouge_score' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
