"""From a published checkpoint to transformers' LLaVA, without copying weights."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from transformers import AutoTokenizer, GenerationConfig, LlavaConfig, LlavaForConditionalGeneration

from lmms_eval_ja.models.vila.layout import MLP_DOWNSAMPLE, LayoutError, VilaLayout, read_layout
from lmms_eval_ja.models.vila.merging import cutting_hook
from lmms_eval_ja.models.vila.processor import VilaProcessor
from lmms_eval_ja.models.vila.projector import FoldingLlava
from lmms_eval_ja.models.vila.tokens import make_tokens
from lmms_eval_ja.models.vila.weights import check_weights, key_mapping, link_weights

#: Of a repository on the hub: not the optimizer's states, nor weights in other formats.
_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
#: LLaVA's names of parts and tensors are those of 4.52 and later.
_OLDEST = (4, 52)
#: transformers renamed `torch_dtype` to `dtype`.
_DTYPE_RENAMED = (4, 56)
#: Of a part's config: what says where it came from, not what it is.
_PROVENANCE = ("_name_or_path", "architectures", "torch_dtype", "dtype", "transformers_version")


def published_folder(pretrained: str, revision: str | None) -> tuple[Path, str | None]:
    """A checkpoint's folder, and its commit if it comes from the hub.

    Raises:
        LayoutError: it is neither a folder nor on the hub.
    """
    folder = Path(pretrained).expanduser()
    if folder.is_dir():
        return folder, None
    try:
        folder = Path(snapshot_download(pretrained, revision=revision, allow_patterns=list(_FILES)))
    except Exception as error:  # a name that is no repository's, no network, no access, a full disk
        raise LayoutError(f"no such folder, and not fetched from the hub: {error}") from error
    return folder, folder.name


def load_vila(
    path: str | Path,
    *,
    dtype: torch.dtype | None = None,
    device_map: Any = None,
    **arguments: Any,
) -> tuple[Any, VilaProcessor]:
    """Load a published VILA checkpoint.

    Args:
        path: Folder with config.json, llm/, vision_tower/ and mm_projector/.
        dtype: Of the weights. None: float16, as the reference, where the model goes to a GPU; float32 on the CPU.
        device_map: As of `from_pretrained`; None is the CPU.
        **arguments: More of `from_pretrained`: offload_folder, attn_implementation, max_memory …

    Returns:
        A `LlavaForConditionalGeneration` in evaluation mode that never generates a token beyond the tokenizer's, and
        its processor.

    Raises:
        LayoutError: another layout, missing files, tensors that do not fit the config, another model's tokenizer.
    """
    checkpoint = VilaCheckpoint(path)
    on_gpu = torch.cuda.is_available() and device_map not in (None, "cpu", {"": "cpu"})
    dtype = dtype or (torch.float16 if on_gpu else torch.float32)
    name = "dtype" if _transformers_version() >= _DTYPE_RENAMED else "torch_dtype"
    return checkpoint.load(device_map=device_map, **{name: dtype}, **arguments), checkpoint.processor


class VilaCheckpoint:
    """A published checkpoint, opened and checked; no tensor is read yet.

    Attributes:
        layout: Its configs and files.
        processor: Makes the inputs.
        config: Of transformers' LLaVA.
        model_class: LLaVA, or LLaVA with VILA1.5's projector.
    """

    def __init__(self, path: str | Path) -> None:
        if _transformers_version() < _OLDEST:
            oldest = ".".join(map(str, _OLDEST))
            raise LayoutError(f"transformers {transformers.__version__} is too old for VILA; install {oldest} or newer")
        self.layout = read_layout(Path(path).expanduser())
        self.processor = VilaProcessor(self.layout, make_tokens(_tokenizer(self.layout), self.layout))
        self.config = LlavaConfig(**llava_fields(self.layout, self.processor.tokens.image_id))
        self.model_class: Any = (
            FoldingLlava if self.layout.projector == MLP_DOWNSAMPLE else LlavaForConditionalGeneration
        )
        with torch.device("meta"):
            expected = self.model_class(self.config).state_dict()
        check_weights(self.layout, {name: tuple(value.shape) for name, value in expected.items()})

    def load(self, **arguments: Any) -> Any:
        """Load the model, with the arguments of `from_pretrained`.

        Raises:
            LayoutError: transformers left a tensor out or made one up.
        """
        folder = Path(tempfile.mkdtemp(prefix="vila-"))
        try:
            link_weights(self.layout, folder, self.config.to_dict())
            model, report = self.model_class.from_pretrained(
                folder, key_mapping=key_mapping(self.layout), output_loading_info=True, **arguments
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        # Parts that are offloaded to disk are read through the links for as long as the model lives.
        weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)
        if wrong := {name: sorted(map(str, keys)) for name, keys in report.items() if keys}:
            raise LayoutError(f"{self.layout.folder}: transformers did not load all of it: {wrong}")
        self._complete(model)
        return model.eval()

    @property
    def spare_ids(self) -> list[int]:
        """Rows of the embedding that no token has; they must never win."""
        return list(range(len(self.processor.tokenizer), self.layout.vocab_size))

    def _complete(self, model: Any) -> None:
        tokens = self.processor.tokens
        model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=256,
            bos_token_id=tokens.tokenizer.bos_token_id,
            eos_token_id=tokens.tokenizer.eos_token_id,
            pad_token_id=tokens.pad_id,
            suppress_tokens=self.spare_ids or None,
        )
        model.model.register_forward_pre_hook(cutting_hook(tokens.image_id, tokens.image_tokens), with_kwargs=True)
        # Else the last hidden state would be what `post_layernorm` makes of it.
        if getattr(model.model.vision_tower.config, "tie_last_hidden_states", None):
            raise LayoutError(
                f"{self.layout.vision_tower.folder}/config.json: tie_last_hidden_states is true; expected false"
            )


def llava_fields(layout: VilaLayout, image_id: int) -> dict[str, Any]:
    """LLaVA's config of a checkpoint; those of its parts as they were published."""
    text, vision = (
        {name: value for name, value in part.config.items() if name not in _PROVENANCE}
        for part in (layout.llm, layout.vision_tower)
    )
    return {
        "model_type": "llava",
        "text_config": text,
        "vision_config": vision,
        "image_token_index": image_id,
        "image_seq_length": layout.image_tokens,
        "projector_hidden_act": "gelu",
        "vision_feature_layer": layout.select_layer,
        "vision_feature_select_strategy": "full",
        "multimodal_projector_bias": True,
        "tie_word_embeddings": False,
    }


def _tokenizer(layout: VilaLayout) -> Any:
    try:
        return AutoTokenizer.from_pretrained(layout.llm.folder)
    except Exception as error:  # transformers raises anything here
        raise LayoutError(f"{layout.llm.folder}: no tokenizer can be read there ({error})") from error


def _transformers_version() -> tuple[int, ...]:
    return tuple(int(number) for number in transformers.__version__.split(".")[:2])
