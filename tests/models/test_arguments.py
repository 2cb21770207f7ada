"""What may stand after `--model_args`."""

from __future__ import annotations

from typing import Any

import pytest

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.failures import ModelError


def read(**given: Any) -> ModelArguments:
    return ModelArguments.of("ChatVlm", **({"pretrained": "org/name"} | given))


def test_one_argument_is_enough() -> None:
    assert read() == ModelArguments("org/name")
    assert (read().batch_size, read().is_sharded, read().trust_remote_code) == (1, False, False)


def test_numbers_may_be_texts() -> None:
    assert (read(batch_size="4").batch_size, read(batch_size="AUTO").batch_size) == (4, "auto")
    assert read(max_pixels=1003520.0).max_pixels == 1003520


def test_what_spreads_a_model() -> None:
    assert [read(**given).is_sharded for given in ({"device_map": "auto"}, {"gpus_per_model": 2})] == [True, True]
    assert read(device_map='{"": "cpu"}').device_map == {"": "cpu"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pretrained": ""}, "ChatVlm: pretrained=NAME_OR_FOLDER is missing"),
        ({"batchsize": 1}, "ChatVlm: unknown model argument batchsize; expected pretrained, revision, dtype"),
        ({"batch_size": 0}, "batch_size=0: expected a whole number from 1 or auto"),
        ({"batch_size": "many"}, "batch_size=many: expected a whole number from 1 or auto"),
        ({"max_pixels": -5}, "max_pixels=-5: expected a whole number from 1"),
        ({"trust_remote_code": "yes"}, "trust_remote_code=yes: expected True or False"),
        ({"device_map": "{cpu}"}, "device_map={cpu}: no JSON"),
    ],
)
def test_what_makes_no_sense(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        read(**given)
    assert message in str(caught.value)
