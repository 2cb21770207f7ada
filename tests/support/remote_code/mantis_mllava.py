"""Stands in for `mantis.models.mllava` of mantis-vl 0.0.5: the same calls, another model."""

import torch
from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin

from .modeling_seeing import Seeing as LlavaForConditionalGeneration  # noqa: F401 (the name that is looked for)


class MLlavaProcessor(ProcessorMixin):
    """Numbers the images of each text."""

    attributes = ["tokenizer"]  # noqa: RUF012
    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer=None, **kwargs):
        super().__init__(tokenizer, **kwargs)

    def __call__(
        self, text=None, images=None, padding=False, truncation=None, max_length=None, return_tensors="pt",
        add_image_ids=True,
    ):  # fmt: skip
        """Give `input_ids`, `attention_mask` and `pixel_values`, which is None without images."""
        if images is not None:
            if [one.count("<image>") for one in text] != [len(some) for some in images]:
                raise ValueError("Number of <image> tokens in text does not match number of images.")
            for number in range(len(images[0])):
                text = [one.replace("<image>", f"(image {number + 1}: <Image><IMAGE></Image>)", 1) for one in text]
            text = [one.replace("<IMAGE>", "<image>") for one in text]
        given = {"padding": padding, "return_tensors": return_tensors}
        made = dict(self.tokenizer(text, return_token_type_ids=False, **given))
        colours = [[sum(one.resize((1, 1)).getpixel((0, 0))) / 100] for some in images or [] for one in some]
        return BatchFeature(made | {"pixel_values": torch.tensor(colours) if colours else None})
