"""Random checkpoints in the layout in which VILA's are published, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lmms_eval_ja.models.tiny import byte_tokenizer

_TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "initializer_range": 0.3,
}
#: Five by five patches, an odd grid as SigLIP-so400m's 27 x 27.
_VISION = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 30,
    "patch_size": 6,
}
SPARE_ROWS = 5


def make_vila(folder: Path, *, projector: str = "mlp2x_gelu", context: int = 448, spare: int | None = None) -> Path:
    """A checkpoint whose tokens are bytes.

    With `mlp2x_gelu` as LLM-jp-3 VILA: layer -1, rows of the embedding that no token has, which would win if they were
    let. With `mlp_downsample` as VILA1.5: layer -2, no such rows, a tokenizer that adds BOS.
    """
    import torch

    torch.manual_seed(0)
    folds = projector == "mlp_downsample"
    spare = (0 if folds else SPARE_ROWS) if spare is None else spare
    _write_llm(folder / "llm", context, spare)
    _write_tower(folder / "vision_tower")
    _write_projector(folder / "mm_projector", projector)
    config = {
        "architectures": ["LlavaLlamaModel"],
        "model_type": "llava_llama",
        "hidden_size": _TEXT["hidden_size"],
        "mm_hidden_size": _VISION["hidden_size"],
        "mm_vision_select_layer": -2 if folds else -1,
        "mm_vision_select_feature": "cls_patch",
        "image_aspect_ratio": "resize",
        "mm_use_im_start_end": False,
    }
    write_json(folder / "config.json", config)
    return folder


def edit_json(path: Path, **changes: Any) -> None:
    """Change fields of a JSON file; None removes one."""
    content = json.loads(path.read_text(encoding="utf-8")) | changes
    write_json(path, {name: value for name, value in content.items() if value is not None})


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(content), encoding="utf-8")


def rewrite(path: Path, **changes: Any) -> None:
    """Change tensors of a safetensors file; None removes one. Dots of a name are written as `__`."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(path) | {name.replace("__", "."): value for name, value in changes.items()}
    save_file({name: value for name, value in tensors.items() if value is not None}, path)


def _write_llm(folder: Path, context: int, spare: int) -> None:
    import torch
    from safetensors.torch import save_file
    from tokenizers.processors import TemplateProcessing
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = byte_tokenizer(None)
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.bos_token_id)]
    )
    tokenizer.save_pretrained(folder)
    ids = {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    fields = _TEXT | ids | {"vocab_size": len(tokenizer) + spare, "tie_word_embeddings": False}
    tensors = {name: value.clone() for name, value in LlamaForCausalLM(LlamaConfig(**fields)).state_dict().items()}
    # A row that is not masked wins as soon as it is positive.
    tensors["lm_head.weight"][len(tokenizer) :] = 40 * torch.randn(spare, _TEXT["hidden_size"])
    names, half = sorted(tensors), len(tensors) // 2
    weight_map = {}
    for number, part in enumerate((names[:half], names[half:]), start=1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    write_json(folder / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})
    more = {"model_type": "llama", "tokenizer_model_max_length": context, "torch_dtype": "float32", "rope_theta": 1e4}
    write_json(folder / "config.json", fields | more)


def _write_tower(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import SiglipVisionConfig, SiglipVisionModel

    folder.mkdir()
    tensors = {
        f"vision_model.{name.removeprefix('vision_model.')}": 0.3 * torch.randn_like(value)
        for name, value in SiglipVisionModel(SiglipVisionConfig(**_VISION)).state_dict().items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", _VISION | {"model_type": "siglip_vision_model"})
    size = {"height": _VISION["image_size"], "width": _VISION["image_size"]}
    steps = dict.fromkeys(("do_resize", "do_rescale", "do_normalize"), True)
    numbers = {"size": size, "resample": 3, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255}
    write_json(folder / "preprocessor_config.json", steps | numbers | {"image_processor_type": "SiglipImageProcessor"})


def _write_projector(folder: Path, projector: str) -> None:
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    width, hidden = _VISION["hidden_size"], _TEXT["hidden_size"]
    shapes = {
        "mlp2x_gelu": {"layers.0": (hidden, width), "layers.2": (hidden, hidden)},
        "mlp_downsample": {
            "layers.1": (4 * width,),
            "layers.2": (hidden, 4 * width),
            "layers.4": (hidden, hidden),
        },
    }[projector]
    tensors = {f"{name}.weight": 0.5 * torch.randn(shape) for name, shape in shapes.items()}
    tensors |= {f"{name}.bias": 0.1 * torch.randn(shape[0]) for name, shape in shapes.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", {"mm_projector_type": projector, "model_type": "v2l_projector"})
