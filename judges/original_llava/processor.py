"""From messages and images to a model's inputs, in the place of transformers' processor."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from lmms_eval_ja.judges.original_llava.layout import CONFIG, LayoutError, OriginalLlava, read_json, tower_folder
from lmms_eval_ja.judges.original_llava.tokenizer import read_tokenizer

IMAGE_TAG = "<image>"
PREPROCESSOR = "preprocessor_config.json"
_MEAN, _STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


class OriginalProcessor:
    """Makes inputs as LLaVA's own code does, with the conversation `vicuna_v1`.

    Attributes:
        tokenizer: The checkpoint's own.
        image_processor: CLIP's, by Pillow.
        chat_template: In Jinja.
        image_id: Stands at each position of an image: the first row of the embedding that no token has, else the
            unknown token, which no text becomes.
    """

    def __init__(self, layout: OriginalLlava) -> None:
        """Read tokenizer and preprocessing.

        Raises:
            LayoutError: there is no tokenizer, or it is another model's.
        """
        self.tokenizer = read_tokenizer(layout)
        self.image_processor = _image_processor(layout)
        self.chat_template = chat_template()
        self.image_id: int = min(len(self.tokenizer), layout.text["vocab_size"])
        if self.image_id == layout.text["vocab_size"]:
            self.image_id = self.tokenizer.unk_token_id
        self._image_tokens = layout.image_tokens

    def apply_chat_template(self, messages: Sequence[dict[str, Any]], **options: Any) -> str:
        """The messages as one text. A special token that they spell out is broken by a space: a text is no token."""
        told = [{**message, "content": self._harmless(message["content"])} for message in messages]
        options = {"chat_template": self.chat_template, "tokenize": False} | options
        return str(self.tokenizer.apply_chat_template(told, **options))

    def __call__(
        self,
        text: Sequence[str],
        images: Sequence[Sequence[Any]] | None = None,
        *,
        add_special_tokens: bool = True,
        **_: Any,
    ) -> dict[str, Any]:
        """Inputs of `generate`, padded on the left.

        Args:
            text: Prompts with an `<image>` tag for each image.
            images: For each prompt its Pillow images, in the order of the tags.
            add_special_tokens: Whether the tokenizer puts its own in front.

        Returns:
            `input_ids` and `attention_mask` (prompts, positions), int64; with images `pixel_values` (images of all
            prompts, 3, height, width), float32.

        Raises:
            LayoutError: a prompt has other than one tag for each image.
        """
        import torch

        shown = images or [()] * len(text)
        rows = [self._ids(one, len(own), special=add_special_tokens) for one, own in zip(text, shown, strict=True)]
        width, pad = max(map(len, rows)), self.tokenizer.pad_token_id
        made = {
            "input_ids": torch.tensor([[pad] * (width - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows]),
        }
        if pictures := [image.convert("RGB") for own in shown for image in own]:
            made["pixel_values"] = self.image_processor(pictures, return_tensors="pt")["pixel_values"]
        return made

    def _ids(self, text: str, images: int, *, special: bool) -> list[int]:
        """Token ids; the texts around the tags are tokenized alone, and only the first keeps its start token."""
        chunks = text.split(IMAGE_TAG)
        if len(chunks) - 1 != images:
            raise LayoutError(f"{len(chunks) - 1} {IMAGE_TAG} tags in a prompt with {images} images")
        ids: list[int] = []
        for number, chunk in enumerate(chunks):
            own = list(self.tokenizer(chunk, add_special_tokens=special)["input_ids"])
            if number:
                ids += [self.image_id] * self._image_tokens
                own = own[1:] if own[:1] == [self.tokenizer.bos_token_id] else own
            ids += own
        return ids

    def _harmless(self, content: Any) -> Any:
        if not isinstance(content, str):
            return [part | {"text": self._harmless(part["text"])} if "text" in part else part for part in content]
        for token in (IMAGE_TAG, *self.tokenizer.all_special_tokens):
            content = content.replace(token, f"{token[0]} {token[1:]}")
        return content


def chat_template() -> str:
    """The conversation `vicuna_v1` of LLaVA's own code in Jinja, the images of a message in front of its text."""
    return (files(__package__) / "vicuna_v1.jinja").read_text(encoding="utf-8").strip()


def preprocessing(layout: OriginalLlava) -> dict[str, Any]:
    """Fields of the image processor: CLIP's for the tower's size, no padding, or as the tower's folder states them."""
    described = tower_folder(layout.folder, read_json(layout.folder / CONFIG))
    if described is not None and (described / PREPROCESSOR).is_file():
        return read_json(described / PREPROCESSOR)
    size = layout.vision["image_size"]
    steps = dict.fromkeys(("do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"), True)
    return steps | {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": size},
        "crop_size": {"height": size, "width": size},
        "resample": 3,
        "rescale_factor": 1 / 255,
        "image_mean": _MEAN,
        "image_std": _STD,
    }


def _image_processor(layout: OriginalLlava) -> Any:
    import transformers

    # From transformers 5 on CLIPImageProcessor resizes by torchvision, unlike Pillow, with which the model was trained.
    made = getattr(transformers, "CLIPImageProcessorPil", transformers.CLIPImageProcessor)
    fields = preprocessing(layout)
    return made(**{name: value for name, value in fields.items() if not name.endswith("_type")})
