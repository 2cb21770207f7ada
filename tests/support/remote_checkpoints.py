"""Tiny checkpoints with code of their own: stand-ins that have a family's interface and none of its weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from lmms_eval_ja.models.tiny import byte_tokenizer

_CODE = Path(__file__).parent / "remote_code"


def make_asked(folder: Path, cls: str, **config: Any) -> Path:
    """A model that answers with what it was asked.

    Args:
        folder: is made.
        cls: of `remote_code/modeling_asked.py`.
        config: more fields for config.json.
    """
    from safetensors.torch import save_file
    from torch import zeros

    folder.mkdir()
    _write(
        folder, "modeling_asked", config={"AutoConfig": "AskedConfig", "AutoModel": cls}, model_type="asked", **config
    )
    save_file({"weight": zeros(1)}, folder / "model.safetensors", metadata={"format": "pt"})
    byte_tokenizer(None).save_pretrained(folder)
    return folder


def make_seeing(
    folder: Path,
    template: str | None,
    *,
    reply: str = "",
    tokens: tuple[str, ...] = ("<|prefix|>", "<|file|>", "<|suffix|>"),
    image: str = "<|file|>",
) -> Path:
    """A Llama of two layers with a processor of its own.

    Args:
        folder: is made.
        template: the chat template.
        reply: with it the model says this to everything.
        tokens: special tokens besides BOS and EOS.
        image: the one of them that stands for an image.
    """
    tokenizer = byte_tokenizer(template, *tokens)
    _write_llama(folder, tokenizer)
    _write(
        folder,
        "modeling_seeing",
        config={"AutoConfig": "SeeingConfig", "AutoModelForCausalLM": "Scripted" if reply else "Seeing"},
        **(json.loads((folder / "config.json").read_text()) | {"model_type": "seeing"}),
        image_token_index=tokenizer.convert_tokens_to_ids(image),
        reply_ids=tokenizer(reply)["input_ids"],
    )
    shutil.copy(_CODE / "processing_seeing.py", folder)
    processor = {
        "processor_class": "SeeingProcessor",
        "auto_map": {"AutoProcessor": "processing_seeing.SeeingProcessor"},
    }
    (folder / "processor_config.json").write_text(json.dumps(processor))
    return folder


def make_one_image(folder: Path, cls: str, images: Any) -> Path:
    """A Llama of two layers that is asked about one image.

    Args:
        folder: is made.
        cls: of `remote_code/modeling_one_image.py`; empty for a checkpoint without code.
        images: the image processor.
    """
    _write_llama(folder, byte_tokenizer(None))
    images.save_pretrained(folder)
    if cls:
        fields = json.loads((folder / "config.json").read_text()) | {"model_type": "one_image"}
        # The first name is that of transformers 5, the second what real ones offer.
        names = ("AutoModelForImageTextToText", "AutoModelForVision2Seq")
        config = {"AutoConfig": "OneImageConfig"} | dict.fromkeys(names, cls)
        _write(folder, "modeling_one_image", config=config, **fields)
    return folder


def _write_llama(folder: Path, tokenizer: Any) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _write(folder: Path, module: str, *, config: dict[str, str], **fields: Any) -> None:
    shutil.copy(_CODE / f"{module}.py", folder)
    auto_map = {auto: f"{module}.{cls}" for auto, cls in config.items()}
    (folder / "config.json").write_text(json.dumps(fields | {"auto_map": auto_map}))


def make_mantis(folder: Path) -> Path:
    """A package `mantis` with the classes that plugins take from mantis-vl; `folder` goes onto `sys.path`."""
    package = folder / "mantis" / "models" / "mllava"
    package.mkdir(parents=True)
    for above in (package.parent, package.parent.parent):
        (above / "__init__.py").touch()
    shutil.copy(_CODE / "modeling_seeing.py", package)
    shutil.copy(_CODE / "mantis_mllava.py", package / "__init__.py")
    return folder


def make_heron(folder: Path) -> Path:
    """The package of turingmotors/heron with the class that its plugin takes; `folder` goes onto `sys.path`."""
    package = folder / "heron" / "models" / "git_llm" / "git_japanese_stablelm_alpha"
    package.mkdir(parents=True)
    shutil.copy(_CODE / "heron_git.py", package / "__init__.py")
    return folder
