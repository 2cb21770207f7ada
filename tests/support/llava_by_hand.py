"""LLaVA put together by hand from CLIP, two matrices and a Llama: what a mapped checkpoint has to compute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.tiny_original_llava import SMALL, TOWER, read_weights


def logits_by_hand(
    folder: Path, ids: list[int], image_id: int, pixels: Any, *, layer: int = -2, cls: bool = False
) -> Any:
    """Next-token logits of one prompt with one image, float32, shape (positions, rows of the embedding).

    Args:
        folder: a checkpoint with .bin files.
        ids: of the prompt, `image_id` once or more where the features go; they may be more than these with `cls`.
        image_id: stands for the image.
        pixels: (1, 3, height, width).
        layer: which hidden state of the tower.
        cls: whether the class token is kept.
    """
    import torch
    from torch.nn.functional import gelu, linear
    from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

    stated, tensors = json.loads((folder / "config.json").read_text(encoding="utf-8")), read_weights(folder)
    tower = CLIPVisionModel(CLIPVisionConfig(**TOWER)).eval()
    deep = any(name.startswith("vision_model.") for name in tower.state_dict())
    begin = "model.vision_tower.vision_tower." + ("" if deep else "vision_model.")
    tower.load_state_dict({name: tensors[begin + name] for name in tower.state_dict()})
    llama = LlamaForCausalLM(LlamaConfig(**{name: stated[name] for name in (*SMALL, "vocab_size")})).eval()
    llama.load_state_dict({name: tensors[name] for name in llama.state_dict()})
    with torch.inference_mode():
        seen = tower(pixels, output_hidden_states=True).hidden_states[layer][0, 0 if cls else 1 :]
        for number in (0, 2):
            weight, bias = (tensors[f"model.mm_projector.{number}.{kind}"] for kind in ("weight", "bias"))
            seen = linear(gelu(seen) if number else seen, weight, bias)
        table = llama.get_input_embeddings()
        at = ids.index(image_id)
        rest = [one for one in ids[at:] if one != image_id]
        parts = [table(torch.tensor(ids[:at])), seen, table(torch.tensor(rest))]
        return llama(inputs_embeds=torch.cat(parts)[None]).logits[0]
