"""A checkpoint's own processor: tokens, and the mean colour of each image."""

import torch
from transformers.feature_extraction_utils import BatchFeature
from transformers.processing_utils import ProcessorMixin


class SeeingProcessor(ProcessorMixin):
    """Wants one image tag for each image of one list, as real ones do."""

    attributes = ["tokenizer"]  # noqa: RUF012
    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer=None, chat_template=None, **others):
        super().__init__(tokenizer, chat_template=chat_template)

    def __call__(self, text, images=None, padding=False, return_tensors=None, add_special_tokens=True):
        """Give `input_ids`, `attention_mask` and, with images, `pixel_values` (images, 1)."""
        flat = list(images or [])
        tags = sum(one.count("<|file|>") for one in text)
        if tags != len(flat):
            raise ValueError(f"{tags} image tags for {len(flat)} images")
        given = {"padding": padding, "return_tensors": return_tensors, "add_special_tokens": add_special_tokens}
        made = dict(self.tokenizer(text, return_token_type_ids=False, **given))
        if flat:
            made["pixel_values"] = torch.tensor([[sum(one.resize((1, 1)).getpixel((0, 0))) / 100] for one in flat])
        return BatchFeature(made)
