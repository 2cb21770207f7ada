"""What is changed of samples."""

from __future__ import annotations

from lmms_eval_ja.clients import ChatImage
from lmms_eval_ja.judges.probes.injecting import ATTEMPTS, BAD_ANSWER, injected
from lmms_eval_ja.judges.probes.padding import padded
from lmms_eval_ja.judges.probes.perturbing import (
    with_bad_answers,
    with_injection,
    with_other_images,
    with_padding,
    without_images,
)
from lmms_eval_ja.judges.protocols import PROTOCOLS
from lmms_eval_ja.judges.sample import Sample


def _image(name: str) -> ChatImage:
    return ChatImage(name, name.encode(), "image/png")


def _samples(*images: str) -> list[Sample]:
    own = [(_image(name),) if name else () for name in images]
    return [Sample(f"s{at}", "何ですか。", f"犬{at}です。", images=shown) for at, shown in enumerate(own)]


def test_no_document_keeps_its_image() -> None:
    samples = _samples("b", "a", "b", "c", "")
    changed = with_other_images(samples)
    assert [one.images[0].sha256 if one else None for one in changed] == ["c", "b", "c", "a", None]
    assert [one.answer for one in changed if one] == [one.answer for one in samples[:4]]


def test_one_image_cannot_be_replaced_but_removed() -> None:
    samples = _samples("a", "a")
    assert with_other_images(samples) == [None, None]
    assert [one.images for one in without_images(samples) if one] == [(), ()]


def test_padding_keeps_the_answer_and_makes_it_longer() -> None:
    for answer in ("犬です。", "犬が走っています。" * 40):
        longer = padded(answer)
        assert longer.startswith(answer)
        assert len(longer) >= max(2 * len(answer), len(answer) + 120)
    assert padded("犬") == padded("犬")
    assert with_padding(_samples("a"))[0].answer == padded("犬0です。")


def test_attempts_go_round_and_name_the_top_of_the_scale() -> None:
    protocol = PROTOCOLS["vqa_likert"]
    samples = _samples(*"abcdefg")
    assert {one.answer for one in with_bad_answers(samples)} == {BAD_ANSWER}
    answers = [one.answer for one in with_injection(samples, protocol)]
    assert answers[: len(ATTEMPTS)] == [injected(BAD_ANSWER, name, protocol) for name in ATTEMPTS]
    assert answers[len(ATTEMPTS)] == answers[0]
    assert all(answer.startswith(BAD_ANSWER) and "5" in answer for answer in answers)


def test_every_protocol_takes_every_attempt() -> None:
    for protocol in PROTOCOLS.values():
        for attempt in ATTEMPTS:
            assert f"{protocol.high:g}" in injected("", attempt, protocol)
