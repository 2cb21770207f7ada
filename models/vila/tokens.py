"""From a prompt's text to token ids with room for the image features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.vila.conversation import IMAGE_TAG
from lmms_eval_ja.models.vila.layout import LayoutError, VilaLayout

#: More unused rows than this mean another model's tokenizer; embeddings are padded to a multiple of 64 to 512.
_MOST_UNUSED_ROWS = 1024


@dataclass(frozen=True)
class VilaTokens:
    """Tokenizes prompts as the reference does.

    Attributes:
        tokenizer: The checkpoint's own.
        image_id: Stands at each position of an image's features.
        image_tokens: Positions of an image.
        max_length: Positions that a prompt keeps; None: all.
        pad_id: Fills batches on the left; never `image_id`.
    """

    tokenizer: Any
    image_id: int
    image_tokens: int
    max_length: int | None
    pad_id: int

    def encode(self, text: str, images: int) -> list[int]:
        """Token ids of a prompt, `image_id` once for each position of an image; not cut.

        The texts around `<image>` are tokenized alone, and only the first keeps its BOS.

        Args:
            text: With an `<image>` tag for each image.
            images: Number of images.

        Raises:
            DocumentError: other than one tag for each image. (The reference drops images without a tag silently.)
        """
        chunks = text.split(IMAGE_TAG)
        if len(chunks) - 1 != images:
            raise DocumentError(
                f"{len(chunks) - 1} {IMAGE_TAG} tags in the prompt for {images} images; expected as many"
            )
        ids = self._chunk(chunks[0], first=True)
        for chunk in chunks[1:]:
            ids += [self.image_id] * self.image_tokens + self._chunk(chunk, first=False)
        return ids

    def cut(self, ids: list[int]) -> list[int]:
        """The positions that the reference keeps of a prompt: the first `max_length`."""
        return ids[: self.max_length]

    def images_in(self, ids: list[int]) -> int:
        """Number of images of which at least one position is there."""
        return -(-ids.count(self.image_id) // self.image_tokens)

    def _chunk(self, text: str, *, first: bool) -> list[int]:
        ids = list(self.tokenizer(text)["input_ids"])
        if self.image_id in ids:
            token = self.tokenizer.convert_ids_to_tokens(self.image_id)
            raise DocumentError(f"the prompt holds the token {token}, which stands for an image in this checkpoint")
        has_bos = bool(ids) and ids[0] == self.tokenizer.bos_token_id
        return ids[1:] if has_bos and not first else ids


def make_tokens(tokenizer: Any, layout: VilaLayout) -> VilaTokens:
    """Fit a tokenizer to a checkpoint.

    An image's positions take the first row of the embedding that no token has. Where there is none (Vicuna), they take
    the unknown token, which a tokenizer with byte fallback never produces from text.

    Raises:
        LayoutError: the tokenizer is not this checkpoint's.
    """
    _check_tokenizer(tokenizer, layout)
    image_id = len(tokenizer) if len(tokenizer) < layout.vocab_size else tokenizer.unk_token_id
    pad_id = tokenizer.pad_token_id
    return VilaTokens(
        tokenizer=tokenizer,
        image_id=image_id,
        image_tokens=layout.image_tokens,
        max_length=layout.max_length,
        pad_id=tokenizer.eos_token_id if pad_id is None or pad_id == image_id else pad_id,
    )


def _check_tokenizer(tokenizer: Any, layout: VilaLayout) -> None:
    where, rows, tokens = layout.llm.folder, layout.vocab_size, len(tokenizer)
    if not 0 <= rows - tokens <= _MOST_UNUSED_ROWS:
        raise LayoutError(
            f"{where}: the tokenizer has {tokens} tokens, vocab_size of config.json is {rows}; "
            "is it another model's tokenizer?"
        )
    if max(tokenizer.get_vocab().values()) >= tokens:
        raise LayoutError(f"{where}: the tokenizer's ids have gaps; expected 0 to {tokens - 1}")
    for name in ("bos_token_id", "eos_token_id"):
        stated, found = layout.llm.config.get(name), getattr(tokenizer, name)
        if stated is not None and stated != found:
            raise LayoutError(
                f"{where}: {name} is {stated} in config.json and {found} in the tokenizer; is it another model's?"
            )
    if tokens == rows and tokenizer.unk_token_id is None:
        raise LayoutError(
            f"{where}: no row of the embedding is free for images, and the tokenizer has no unknown token"
        )
