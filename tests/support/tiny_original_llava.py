"""Random checkpoints in the format of LLaVA's own code, made on the spot."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from lmms_eval_ja.models.tiny import byte_tokenizer

#: Sizes of which none is a default of transformers; the wide one is to the small one as 13B is to 7B.
SMALL = {
    "hidden_size": 32,
    "intermediate_size": 72,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 1024,
    "rms_norm_eps": 1e-5,
}
WIDE = SMALL | {"hidden_size": 40, "intermediate_size": 88, "num_hidden_layers": 3, "num_attention_heads": 5}
WIDE["num_key_value_heads"] = 5
#: Three by three patches and the class token.
TOWER = {
    "hidden_size": 24,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 42,
    "patch_size": 14,
    "hidden_act": "quick_gelu",
    "projection_dim": 16,
}
IMAGE_TOKENS = 9


def make_original_llava(folder: Path, *, sizes: dict[str, Any] = SMALL, suffix: str = ".bin", spare: int = 0) -> Path:
    """A checkpoint whose tokens are bytes, in two shards; with the constants that old versions wrote among the weights.

    Args:
        folder: Where to; made if it is not there.
        sizes: Of the language model.
        suffix: Of the weight files, `.bin` or `.safetensors`.
        spare: Rows of the embedding that no token has.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = byte_tokenizer(None)
    tokenizer._tokenizer.post_processor = _start(tokenizer)
    tokenizer.pad_token = tokenizer.unk_token  # as Vicuna's
    tokenizer.save_pretrained(folder)
    return write_model(folder, len(tokenizer) + spare, sizes, suffix)


def write_model(folder: Path, rows: int, sizes: dict[str, Any] = SMALL, suffix: str = ".bin") -> Path:
    """Config, vision tower and random weights beside a tokenizer that is there, for an embedding of `rows`."""
    import torch

    torch.manual_seed(0)
    config = {
        "architectures": ["LlavaLlamaForCausalLM"],
        "model_type": "llava",
        **sizes,
        "vocab_size": rows,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "image_aspect_ratio": "pad",
        "mm_hidden_size": TOWER["hidden_size"],
        "mm_projector_type": "mlp2x_gelu",
        "mm_use_im_patch_token": False,
        "mm_use_im_start_end": False,
        "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": -2,
        "mm_vision_tower": "tower",
    }
    (folder / "tower").mkdir()
    for path, content in ((folder, config), (folder / "tower", TOWER | {"model_type": "clip_vision_model"})):
        (path / "config.json").write_text(json.dumps(content), encoding="utf-8")
    tensors = random_tensors(config)
    names = sorted(tensors)
    write_weights(
        folder,
        [{n: tensors[n] for n in names[: len(names) // 2]}, {n: tensors[n] for n in names[len(names) // 2 :]}],
        suffix,
    )
    return folder


def random_tensors(config: dict[str, Any]) -> dict[str, Any]:
    """Weights by the names of LLaVA's own code."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

    sizes = {name: config[name] for name in (*SMALL, "vocab_size")}
    tower = CLIPVisionModel(CLIPVisionConfig(**TOWER)).state_dict()
    tensors = dict(LlamaForCausalLM(LlamaConfig(**sizes)).state_dict())
    for name, value in tower.items():
        tensors[f"model.vision_tower.vision_tower.vision_model.{name.removeprefix('vision_model.')}"] = value
    wide, hidden = TOWER["hidden_size"], sizes["hidden_size"]
    for layer, inner in ((0, wide), (2, hidden)):
        tensors[f"model.mm_projector.{layer}.weight"] = torch.empty(hidden, inner)
        tensors[f"model.mm_projector.{layer}.bias"] = torch.empty(hidden)
    tensors = {name: 0.3 * torch.randn_like(value) for name, value in tensors.items()}
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    tensors["model.vision_tower.vision_tower.vision_model.embeddings.position_ids"] = torch.arange(10)[None]
    return tensors


def read_weights(folder: Path) -> dict[str, Any]:
    """All tensors of a checkpoint with .bin files."""
    import torch

    files = sorted(folder.glob("*.bin"))
    return {name: value for file in files for name, value in torch.load(file, weights_only=True).items()}


def write_weights(folder: Path, shards: list[dict[str, Any]], suffix: str = ".bin") -> None:
    """Write shards and their index, instead of what is there."""
    import torch
    from safetensors.torch import save_file

    whole = "pytorch_model" if suffix == ".bin" else "model"
    for old in folder.glob(f"{whole}*"):
        old.unlink()
    weight_map = {}
    for number, tensors in enumerate(shards, start=1):
        file = f"{whole}-{number:05d}-of-{len(shards):05d}{suffix}"
        if suffix == ".bin":
            torch.save(tensors, folder / file)
        else:
            save_file(tensors, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(tensors, file)
    index = json.dumps({"metadata": {}, "weight_map": weight_map})
    (folder / f"{whole}{suffix}.index.json").write_text(index, encoding="utf-8")


def _start(tokenizer: Any) -> Any:
    from tokenizers.processors import TemplateProcessing

    return TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.bos_token_id)])


def teach(folder: Path, reply: str) -> Path:
    """Make a checkpoint with .bin files say `reply` behind every prompt that ends with a colon, and then end.

    Nothing is attended to: each token's embedding is a direction of its own, and the head leads from it to the next.
    """
    from transformers import PreTrainedTokenizerFast

    ids = PreTrainedTokenizerFast.from_pretrained(folder)(f":{reply}</s>", add_special_tokens=False)["input_ids"]
    assert len({*ids}) == len(ids), "each character leads to one other only"
    tensors = read_weights(folder)
    for name, value in tensors.items():
        if name.endswith(("self_attn.o_proj.weight", "mlp.down_proj.weight", "embed_tokens.weight", "lm_head.weight")):
            value.zero_()
        elif name == "model.norm.weight":
            value.fill_(1)
    for at, (token, following) in enumerate(pairwise(ids)):
        tensors["model.embed_tokens.weight"][token, at] = 1
        tensors["lm_head.weight"][following, at] = 10
    write_weights(folder, [tensors])
    return folder
