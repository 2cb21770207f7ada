"""Stands in for `heron.models.git_llm.git_japanese_stablelm_alpha` of turingmotors/heron: the same calls."""

from transformers import LlamaForCausalLM


class GitJapaneseStableLMAlphaForCausalLM(LlamaForCausalLM):
    """A Llama to whose first token the mean colour of the image is added; refuses rows beside each other."""

    def forward(self, input_ids=None, attention_mask=None, pixel_values=None, inputs_embeds=None, **kwargs):
        """Add the colour."""
        if input_ids is not None and len(input_ids) != 1:
            raise ValueError("one document at a time")
        if pixel_values is not None and input_ids is not None:
            inputs_embeds = self.get_input_embeddings()(input_ids).clone()
            inputs_embeds[:, 0] += pixel_values.mean()
            input_ids = None
        return super().forward(input_ids, attention_mask, inputs_embeds=inputs_embeds, **kwargs)

    def prepare_inputs_for_generation(self, input_ids, pixel_values=None, **kwargs):
        """Pixels belong to the first step only."""
        inputs = super().prepare_inputs_for_generation(input_ids, **kwargs)
        first = inputs["input_ids"] is not None and inputs["input_ids"].shape[1] > 1
        return inputs | {"pixel_values": pixel_values if first else None}
