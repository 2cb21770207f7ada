"""The tokenizer of models on Japanese StableLM Alpha, which their checkpoints do not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from transformers import LlamaTokenizer

from lmms_eval_ja.models.arguments import ModelArguments
from lmms_eval_ja.models.loading import load_processor

#: Its repository on the hub.
NERDSTASH = "novelai/nerdstash-tokenizer-v1"
#: Two spaces of sentencepiece, a special token beyond those of the repository.
_SPACES = "▁▁"


def load_nerdstash(arguments: ModelArguments, source: str) -> Any:
    """Load the tokenizer as the authors of Heron and LLM-jp do.

    So turingmotors/heron, `heron/models/prepare_processors.py`, and llm-jp/llm-jp-eval-mm,
    `examples/runtimes/transformers/japanese_instructblip_alpha.py`.

    Args:
        arguments: of the model; a revision is the model's, not that of the tokenizer's repository.
        source: name on the hub, or folder.

    Raises:
        ModelError: it cannot be loaded; says why.
    """
    theirs = replace(arguments, revision=None)
    return load_processor(theirs, LlamaTokenizer, source, additional_special_tokens=[_SPACES])
