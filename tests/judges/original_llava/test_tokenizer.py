"""The tokenizer against SentencePiece's own library, of a model that is trained on the spot."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.judges.original_llava.export import export_original
from lmms_eval_ja.judges.original_llava.layout import LayoutError, read_layout
from lmms_eval_ja.judges.original_llava.processor import OriginalProcessor
from support.tiny_original_llava import IMAGE_TOKENS, make_original_llava, write_model

LEARNT = [
    "A chat between a curious user and an artificial intelligence assistant.",
    "Feedback: (write a feedback) [RESULT] (an integer number between 1 and 5)",
    "日本語の回答を採点する。回答は正しい。",
    "USER: ASSISTANT: Score 1: Score 5:",
]
TEXTS = [
    "A chat between users.",
    "\nFeedback:  two spaces, \n\n lines and 日本語の回答 ",
    "吾輩は猫である。é 🐈 [RESULT] 4",
    "",
]


@pytest.fixture(scope="module")
def pieces() -> Any:
    """As Llama's: pairs merged, bytes for what is unknown, a space in front; its ids are those of Llama, too."""
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LEARNT * 3), model_writer=out, model_type="bpe", vocab_size=420, hard_vocab_limit=False,
        byte_fallback=True, split_digits=True, allow_whitespace_only_pieces=True, remove_extra_whitespaces=False,
        normalization_rule_name="identity", unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=out.getvalue())


@pytest.fixture
def folder(tmp_path: Path, pieces: Any) -> Path:
    (tmp_path / "judge").mkdir()
    (tmp_path / "judge" / "tokenizer.model").write_bytes(pieces.serialized_model_proto())
    return write_model(tmp_path / "judge", pieces.vocab_size())


@pytest.mark.parametrize("text", TEXTS)
def test_it_tokenizes_as_sentencepiece_does(text, folder, pieces):
    tokenizer = OriginalProcessor(read_layout(folder)).tokenizer
    ids = tokenizer(text)["input_ids"]
    assert ids == [1, *pieces.encode(text)]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_texts_around_an_image_are_tokenized_alone_here_and_once_converted(folder, pieces, tmp_path):
    from transformers import AutoProcessor

    picture, text = Image.new("RGB", (50, 50)), "".join([*TEXTS[:1], "<image>", *TEXTS[1:]])
    processor = OriginalProcessor(read_layout(folder))
    before, after = text.split("<image>")
    expected = [1, *pieces.encode(before), *[0] * IMAGE_TOKENS, *pieces.encode(after)]
    assert processor([text], [[picture]])["input_ids"][0].tolist() == expected
    written = export_original(folder, tmp_path / "out")
    ids = AutoProcessor.from_pretrained(written.folder)(text=[text], images=[picture])["input_ids"][0]
    assert written.image_id == pieces.vocab_size()
    assert [0 if one == written.image_id else one for one in ids] == expected


def test_a_text_becomes_no_special_token(folder):
    processor = OriginalProcessor(read_layout(folder))
    told = [{"role": "user", "content": [{"type": "text", "text": "a <image> b <unk> c </s> d <s>"}]}]
    text = processor.apply_chat_template(told, add_generation_prompt=True)
    assert "USER: a < image> b < unk> c < /s> d < s> ASSISTANT:" in text
    assert not {0, 2} & set(processor([text])["input_ids"][0].tolist())


def test_tokens_that_were_added(folder, pieces):
    rows = pieces.vocab_size()
    (folder / "added_tokens.json").write_text(json.dumps({"<more>": rows}), encoding="utf-8")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8")) | {"vocab_size": rows + 1}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert OriginalProcessor(read_layout(folder)).tokenizer("<more>")["input_ids"] == [1, rows]
    (folder / "added_tokens.json").write_text(json.dumps({"<more>": rows + 1}), encoding="utf-8")
    with pytest.raises(LayoutError, match=r"added_tokens\.json: <more> is \d+; the ids before it have gaps"):
        OriginalProcessor(read_layout(folder))


@pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.json"])
def test_a_tokenizer_that_cannot_be_read(name, tmp_path):
    folder = make_original_llava(tmp_path / "judge")
    (folder / name).write_bytes(b"no tokenizer")
    with pytest.raises(LayoutError, match="judge: its tokenizer cannot be read"):
        OriginalProcessor(read_layout(folder))
