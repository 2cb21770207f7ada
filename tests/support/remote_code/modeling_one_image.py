"""A checkpoint's own code: a Llama with the mean colour of one image in front of the text."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM


class OneImageConfig(LlamaConfig):
    """Of a Llama."""

    model_type = "one_image"


class OneImage(LlamaForCausalLM):
    """The interface of Japanese Stable VLM; gives new tokens only, and refuses rows beside each other."""

    config_class = OneImageConfig

    def generate(self, pixel_values, input_ids, attention_mask, **kwargs):
        """Put the image in front."""
        if len(input_ids) != 1 or len(pixel_values) != 1:
            raise ValueError("one document at a time")
        text = self.get_input_embeddings()(input_ids)
        image = pixel_values.mean().expand(1, 1, text.shape[-1])
        mask = torch.cat([attention_mask[:, :1], attention_mask], 1)
        return super().generate(inputs_embeds=torch.cat([image, text], 1), attention_mask=mask, **kwargs)


class OneImageForQformer(OneImage):
    """The interface of Japanese InstructBLIP Alpha: the ids come twice."""

    def generate(self, pixel_values, qformer_input_ids, qformer_attention_mask, input_ids, attention_mask, **kwargs):
        """Compare the ids, and generate."""
        if not torch.equal(qformer_input_ids, input_ids) or not torch.equal(qformer_attention_mask, attention_mask):
            raise ValueError("the Q-Former reads something else")
        return super().generate(pixel_values, input_ids, attention_mask, **kwargs)
