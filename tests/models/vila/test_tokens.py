from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lmms_eval_ja.models.failures import DocumentError
from lmms_eval_ja.models.vila.layout import LayoutError
from lmms_eval_ja.models.vila.loading import VilaCheckpoint
from lmms_eval_ja.models.vila.tokens import VilaTokens
from support.tiny_vila import edit_json, make_vila

BOS, IMAGE = 1, 259


@pytest.fixture(scope="module")
def tokens(tiny_vila: Callable[[str], Path]) -> VilaTokens:
    return VilaCheckpoint(tiny_vila("mlp2x_gelu")).processor.tokens


def plain(tokens: VilaTokens, text: str) -> list[int]:
    return list(tokens.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_only_the_first_chunk_has_bos(tokens: VilaTokens) -> None:
    image = [IMAGE] * 25
    expected = [BOS, *plain(tokens, "ab"), *image, *plain(tokens, "c"), *image, *plain(tokens, "\nd")]
    assert tokens.encode("ab<image>c<image>\nd", 2) == expected


def test_empty_chunks(tokens: VilaTokens) -> None:
    assert tokens.encode("<image><image>", 2) == [BOS] + [IMAGE] * 50
    assert tokens.encode("", 0) == [BOS]


@pytest.mark.parametrize(("text", "images"), [("<image>a", 2), ("a", 1), ("<image><image>", 1), ("<image>", 0)])
def test_other_than_one_tag_for_each_image(tokens: VilaTokens, text: str, images: int) -> None:
    with pytest.raises(DocumentError, match=rf"{text.count('<image>')} <image> tags in the prompt for {images} images"):
        tokens.encode(text, images)


def test_the_image_takes_the_first_row_that_no_token_has(tokens: VilaTokens) -> None:
    assert (len(tokens.tokenizer), tokens.image_id, tokens.pad_id) == (259, 259, tokens.tokenizer.pad_token_id)


def test_images_that_are_still_there_after_a_cut(tokens: VilaTokens) -> None:
    ids = tokens.encode("<image>a<image>", 2)  # BOS, 25, a, 25
    assert [tokens.images_in(ids[:n]) for n in (1, 2, 26, 27, 28, 52)] == [0, 1, 1, 1, 2, 2]


def test_where_no_row_is_free_the_unknown_token_stands_for_images(tiny_vila: Callable[[str], Path]) -> None:
    tokens = VilaCheckpoint(tiny_vila("mlp_downsample")).processor.tokens
    assert tokens.image_id == tokens.tokenizer.unk_token_id == 0
    assert tokens.encode("<image>é", 1) == [BOS] + [0] * 9 + plain(tokens, "é")
    with pytest.raises(DocumentError, match="the prompt holds the token <unk>, which stands for an image"):
        tokens.encode("<image>what is <unk>?", 1)


def test_padding_is_never_the_images_id(tmp_path: Path) -> None:
    folder = make_vila(tmp_path / "vila", projector="mlp_downsample")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        if (folder / "llm" / name).exists():
            edit_json(folder / "llm" / name, pad_token="<unk>")
    tokens = VilaCheckpoint(folder).processor.tokens
    assert tokens.tokenizer.pad_token_id == tokens.image_id == 0
    assert tokens.pad_id == tokens.tokenizer.eos_token_id == 2


@pytest.mark.parametrize("spare", [1500, 0])
def test_a_tokenizer_of_another_size(tmp_path: Path, spare: int) -> None:
    folder = make_vila(tmp_path / "vila", spare=spare)
    if not spare:
        edit_json(folder / "llm" / "config.json", vocab_size=200)
    with pytest.raises(
        LayoutError, match=f"has 259 tokens, vocab_size of config.json is {259 + spare if spare else 200}"
    ):
        VilaCheckpoint(folder)


def test_a_tokenizer_with_another_eos(broken: Path) -> None:
    edit_json(broken / "llm" / "config.json", eos_token_id=7)
    with pytest.raises(LayoutError, match=r"eos_token_id is 7 in config.json and 2 in the tokenizer"):
        VilaCheckpoint(broken)


def test_no_tokenizer(broken: Path) -> None:
    for path in (*broken.glob("llm/tokenizer*"), *broken.glob("llm/special*")):
        path.unlink()
    with pytest.raises(LayoutError, match="llm: no tokenizer can be read there"):
        VilaCheckpoint(broken)
