"""A checkpoint's own code, as small as can be: it answers with what it was asked, as JSON."""

import json

import torch
from transformers import PretrainedConfig, PreTrainedModel


class AskedConfig(PretrainedConfig):
    """Of a model without layers."""

    model_type = "asked"


class Asked(PreTrainedModel):
    """Shared by both interfaces: one weight, so that there is something to load and a dtype."""

    config_class = AskedConfig

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.post_init()

    def _init_weights(self, module):
        pass


class AskedByChat(Asked):
    """The interface of InternVL2."""

    def chat(
        self, tokenizer, pixel_values, question, generation_config, history=None, return_history=False,
        num_patches_list=None,
    ):  # fmt: skip
        """Say what was given."""
        if "fail" in question:
            raise ValueError("this question fails")
        pixels = None if pixel_values is None else [list(pixel_values.shape), str(pixel_values.dtype)]
        said = {
            "question": question,
            "tokens": len(tokenizer(question)["input_ids"]),
            "pixels": pixels,
            "counts": num_patches_list,
            "settings": generation_config,
            "chance": float(torch.rand(1)) if generation_config["do_sample"] else None,
        }
        return (json.dumps(said), []) if return_history else json.dumps(said)


class AskedByContent(Asked):
    """The interface of Heron-NVILA-Lite."""

    @property
    def default_generation_config(self):
        """What holds where nothing is said."""
        from transformers import GenerationConfig

        return GenerationConfig(max_length=2048, repetition_penalty=1.5)

    def generate_content(self, prompt, generation_config=None):
        """Say what was given."""
        parts = [part if isinstance(part, str) else list(part.size) for part in prompt]
        names = ("max_new_tokens", "do_sample", "repetition_penalty")
        return json.dumps({"parts": parts, "settings": {name: getattr(generation_config, name) for name in names}})


class AskedWithoutSettings(Asked):
    """Code of another day: it takes no settings."""

    def generate_content(self, prompt):
        """Say nothing."""
        return str(len(prompt))
