"""The tokenizer of a checkpoint in LLaVA's own format: SentencePiece's, as LLaVA's own code uses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lmms_eval_ja.judges.original_llava.layout import CONFIG, LayoutError, OriginalLlava, read_json

PIECES, ADDED, READY = "tokenizer.model", "added_tokens.json", "tokenizer.json"
#: More unused rows than this mean another model's tokenizer.
_MOST_UNUSED_ROWS = 1024
_SPACE = "▁"


def read_tokenizer(layout: OriginalLlava) -> Any:
    """The checkpoint's tokenizer, as one of transformers, which fills batches with its end token.

    tokenizer.model goes first: LLaVA's own code reads no other. It is not left to transformers, which needs for it a
    protobuf that fits the installed SentencePiece, and rebuilds it otherwise from version to version.

    Raises:
        LayoutError: it cannot be read, or does not fit the embedding.
    """
    from transformers import PreTrainedTokenizerFast

    folder = layout.folder
    try:
        if (folder / PIECES).is_file():
            tokenizer = _of_pieces(folder)
        else:
            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    except LayoutError:
        raise
    except Exception as error:  # the libraries raise anything here
        raise LayoutError(f"{folder}: its tokenizer cannot be read: {type(error).__name__}: {error}") from error
    if tokenizer.unk_token_id is None or tokenizer.eos_token_id is None:
        raise LayoutError(f"{folder}: its tokenizer lacks an unknown or an end token")
    rows, tokens = layout.text["vocab_size"], len(tokenizer)
    if not 0 <= rows - tokens <= _MOST_UNUSED_ROWS:
        raise LayoutError(
            f"{folder / CONFIG}: vocab_size is {rows}, and the tokenizer there has {tokens} tokens; is it another "
            "model's?"
        )
    # As a rule its padding is the unknown token, which may stand for images.
    tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def write_tokenizer(tokenizer: Any, folder: Path, *more: str) -> None:
    """Write a tokenizer with more special tokens, in files that every version of transformers reads alike."""
    from tokenizers import AddedToken, Tokenizer

    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in more])
    backend.save(str(folder / READY))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "processor_class": "LlavaProcessor",
        **{f"{name}_token": getattr(tokenizer, f"{name}_token") for name in ("bos", "eos", "unk", "pad")},
        "clean_up_tokenization_spaces": False,
        "padding_side": "left",
        # transformers 4 gives token types unless it is told not to, and its LLaVA refuses them.
        "model_input_names": ["input_ids", "attention_mask"],
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _of_pieces(folder: Path) -> Any:
    """Llama's tokenizer from SentencePiece's model: pairs merged by the score of what they make, bytes for the rest."""
    import sentencepiece
    from tokenizers import AddedToken, Tokenizer, decoders, normalizers
    from tokenizers.models import BPE
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    model = sentencepiece.SentencePieceProcessor(model_file=str(folder / PIECES))
    pieces = [model.id_to_piece(number) for number in range(model.vocab_size())]
    unknown, start, end = (pieces[number] for number in (model.unk_id(), model.bos_id(), model.eos_id()))
    vocab = {piece: number for number, piece in enumerate(pieces)}
    others = (model.is_control, model.is_byte, model.is_unknown)
    scores = {p: model.get_score(n) for p, n in vocab.items() if not any(kind(n) for kind in others)}
    made = Tokenizer(BPE(vocab, _merges(vocab, scores), unk_token=unknown, fuse_unk=True, byte_fallback=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend(_SPACE), normalizers.Replace(" ", _SPACE)])
    made.decoder = decoders.Sequence(
        [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    made.post_processor = TemplateProcessing(
        single=f"{start} $A", pair=f"{start} $A {start} $B", special_tokens=[(start, vocab[start])]
    )
    made.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in (unknown, start, end)])
    added = read_json(folder / ADDED) if (folder / ADDED).is_file() else {}
    for token, number in sorted(added.items(), key=lambda one: int(one[1])):
        made.add_special_tokens([AddedToken(token, normalized=False, special=True)])
        if made.token_to_id(token) != number:
            raise LayoutError(f"{folder / ADDED}: {token} is {number}; the ids before it have gaps")
    special = {"unk_token": unknown, "bos_token": start, "eos_token": end}
    return PreTrainedTokenizerFast(tokenizer_object=made, clean_up_tokenization_spaces=False, **special)


def _merges(vocab: dict[str, int], scores: dict[str, float]) -> list[tuple[str, str]]:
    """The pairs that make a piece, in the order in which SentencePiece merges them: the best made piece first."""
    found = []
    for piece, score in scores.items():
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in scores and right in scores:
                found.append((-score, vocab[left], vocab[right], left, right))
    return [(left, right) for *_, left, right in sorted(found)]
