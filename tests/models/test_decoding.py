"""Around `generate` of transformers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lmms_eval_ja.models.decoding import early_stop, end_ids, new_ids, prompt_lengths, rows_sampled
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.tiny import byte_tokenizer

PAD, END = 0, 9


def rows(*ids: list[int]) -> torch.Tensor:
    return torch.tensor(ids)


def test_new_ids_without_prompt_padding_and_what_follows_the_end() -> None:
    inputs = {"input_ids": rows([PAD, 1], [1, 2])}
    output = rows([PAD, 1, 5, END, PAD], [1, 2, 5, PAD, PAD])
    assert [ids.tolist() for ids in new_ids(output, inputs, [END], PAD)] == [[5, END], [5]]


def test_some_models_return_new_tokens_only() -> None:
    inputs = {"input_ids": rows([3, 1])}
    assert new_ids(rows([5, 6, 7]), inputs, [END], PAD)[0].tolist() == [5, 6, 7]
    assert new_ids(rows([5]), inputs, [END], PAD)[0].tolist() == [5]
    assert new_ids(rows([5]), {}, [END], PAD)[0].tolist() == [5]


def test_an_end_that_is_the_padding_too() -> None:
    assert new_ids(rows([5, END, END]), {}, [END], END)[0].tolist() == [5, END]


def test_the_ids_that_end_an_answer() -> None:
    class Tokenizer:
        eos_token_id = 2
        all_special_tokens = ("<|im_end|>",)

        def convert_tokens_to_ids(self, token: str) -> int:
            return {"<|im_end|>": 7}[token]

    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=[5, 2]))
    assert end_ids(model, Tokenizer(), ["。", "<|im_end|>"]) == [5, 2, 7]
    model.generation_config.eos_token_id = None
    assert end_ids(model, Tokenizer()) == [2]


def test_a_special_token_without_a_name_ends_an_answer_too() -> None:
    tokenizer = byte_tokenizer(None, "<|eot|>")
    tokenizer.add_tokens(["plain"])
    assert "<|eot|>" not in tokenizer.all_special_tokens
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None))
    # 256 bytes and three special tokens come before; </s> is 2. A token that is decoded as text is found in the text.
    assert end_ids(model, tokenizer, ["<|eot|>", "plain", "。"]) == [2, 259]


def test_prompt_lengths_leave_the_padding_out() -> None:
    assert prompt_lengths({"attention_mask": rows([0, 1, 1], [1, 1, 1])}, 2) == [2, 3]
    assert prompt_lengths({}, 2) == [None, None]


def test_a_row_stops_soon_after_its_stop_string() -> None:
    def decode(ids: torch.Tensor) -> str:
        return "".join(chr(id_) for id_ in ids.tolist())

    (stop,) = early_stop(decode, ["bc"])
    texts, ended = ("abcdefghijklmnop", "zzzzzzzbzcbzzzzz"), []
    prompt = torch.full((2, 3), ord("b"))
    for length in range(1, 17):
        new = rows(*[[ord(letter) for letter in text[:length]] for text in texts])
        ended.append(stop(torch.cat([prompt, new], 1), None).tolist())
    # Looked at after 8 and 16 tokens; by then the first row's "bc" has left the second look's window of 8 + 2.
    assert [n for n, row in enumerate(ended, 1) if row[0]] == [8]
    assert not any(row[1] for row in ended)
    assert len(early_stop(decode, [])) == 0


def test_a_stop_string_at_the_edge_of_two_looks_is_seen() -> None:
    (stop,) = early_stop(lambda ids: "".join(chr(id_) for id_ in ids.tolist()), ["xyz"])
    prompt_and_text = [ord(letter) for letter in "p1234567xyz123456"]
    seen = [bool(stop(rows(prompt_and_text[: 1 + length]), None)[0]) for length in range(1, 17)]
    assert seen.index(True) == 15


SAMPLING = GenerationSettings(4, temperature=0.5)


def test_a_row_samples_the_same_alone_and_in_a_batch() -> None:
    scores = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    together, alone = rows_sampled(SAMPLING, [1, 2, 3]), rows_sampled(SAMPLING, [2])
    for _ in range(5):
        drawn = together(torch.zeros(3, 1, dtype=torch.long), scores).argmax(-1)
        assert drawn[1] == alone(torch.zeros(1, 1, dtype=torch.long), scores[1:2]).argmax(-1)[0]


def test_samples_follow_the_softmax() -> None:
    # Temperature 0.5 of the logits ln 1, ln 2, ln 3 squares the odds: 1, 4, 9 of 14.
    processors = rows_sampled(SAMPLING, range(4000))
    drawn = processors(torch.zeros(4000, 1, dtype=torch.long), torch.tensor([1.0, 2.0, 3.0]).log().repeat(4000, 1))
    shares = torch.bincount(drawn.argmax(-1), minlength=3) / 4000
    # Standard error at most sqrt(0.25 / 4000) = 0.008; four of them.
    assert shares.tolist() == pytest.approx([1 / 14, 4 / 14, 9 / 14], abs=0.032)


def test_tokens_that_are_ruled_out_stay_so() -> None:
    scores = torch.tensor([[1.0, 2.0, 3.0, -torch.inf]]).repeat(200, 1)
    cut = GenerationSettings(4, temperature=1.0, top_k=2)
    drawn = rows_sampled(cut, range(200))(torch.zeros(200, 1, dtype=torch.long), scores).argmax(-1)
    assert set(drawn.tolist()) == {1, 2}
    assert len(rows_sampled(GenerationSettings(4), [1])) == 0
