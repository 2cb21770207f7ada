"""A checkpoint's own code: a Llama to whose image tokens the mean colour of the image is added."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM


class SeeingConfig(LlamaConfig):
    """Of a Llama; `image_token_index` is the id of `<|file|>`, `reply_ids` what `Scripted` says."""

    model_type = "seeing"


class Seeing(LlamaForCausalLM):
    """Takes `pixel_values` (images, 1) beside `input_ids` with one image token for each."""

    config_class = SeeingConfig

    def forward(self, input_ids=None, attention_mask=None, pixel_values=None, inputs_embeds=None, **kwargs):
        """Add colours where images stand."""
        if pixel_values is not None and input_ids is not None:
            inputs_embeds = self.get_input_embeddings()(input_ids)
            images = input_ids == self.config.image_token_index
            inputs_embeds = inputs_embeds.clone()
            inputs_embeds[images] += pixel_values[: int(images.sum())].to(inputs_embeds.dtype)
            input_ids = None
        return super().forward(input_ids, attention_mask, inputs_embeds=inputs_embeds, **kwargs)

    def prepare_inputs_for_generation(self, input_ids, pixel_values=None, **kwargs):
        """Pixels belong to the first step only."""
        inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)
        first = inputs["input_ids"] is not None and inputs["input_ids"].shape[1] > 1
        return inputs | {"pixel_values": pixel_values if first else None}


class Scripted(LlamaForCausalLM):
    """Says the same to everything, and gives new tokens only."""

    config_class = SeeingConfig

    @torch.no_grad()
    def generate(self, input_ids, attention_mask, generation_config, pixel_values=None, **kwargs):
        """Give the script, as long as is allowed."""
        script = torch.tensor(self.config.reply_ids)[: generation_config.max_new_tokens]
        return script.repeat(input_ids.shape[0], 1)
