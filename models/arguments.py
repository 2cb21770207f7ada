"""What may stand after `--model_args` of our chat models."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from lmms_eval_ja.models.failures import ModelError

AUTO = "auto"


@dataclass(frozen=True)
class ModelArguments:
    """How a checkpoint is loaded and asked.

    Attributes:
        pretrained: name on the hub, or folder.
        revision: branch, tag or commit on the hub.
        dtype: `auto` is the checkpoint's own; else such as `float16`.
        device: such as `cuda`, `cuda:1` or `cpu`; by default a GPU where there is one.
        device_map: `auto` spreads the layers over the GPUs of this process, then over memory and disk; or a dict of
            module to device.
        gpus_per_model: with several processes, how many GPUs each one spreads its model over.
        max_gpu_memory: of each GPU for the weights, such as `20GiB`; only with a device map.
        max_cpu_memory: of the machine's memory for the weights; what is left goes to disk.
        offload_folder: for weights on disk; by default a temporary folder.
        attn_implementation: such as `sdpa`, `eager`, `flash_attention_2`; by default transformers chooses.
        min_pixels: of an image, for processors that resize to a number of pixels.
        max_pixels: likewise.
        trust_remote_code: run code that the checkpoint brings.
        chat_template: a file with a Jinja template instead of the checkpoint's.
        system_prompt: put before messages that have no system message.
        batch_size: documents at a time; `auto` grows until memory runs out.
        max_batch_size: where `auto` stops growing.
        max_length: tokens of the context, where the checkpoint's configuration does not say it rightly.
        seed: of the sampling.
        answer_log: folder of the answer log, or `off`.
    """

    pretrained: str
    revision: str | None = None
    dtype: str = AUTO
    device: str | None = None
    device_map: str | dict[str, Any] | None = None
    gpus_per_model: int | None = None
    max_gpu_memory: str | None = None
    max_cpu_memory: str | None = None
    offload_folder: str | None = None
    attn_implementation: str | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    trust_remote_code: bool = False
    chat_template: str | None = None
    system_prompt: str | None = None
    batch_size: int | str = 1
    max_batch_size: int = 64
    max_length: int | None = None
    seed: int = 0
    answer_log: str | None = None

    @classmethod
    def of(cls, model: str, **given: Any) -> ModelArguments:
        """Check what was given.

        Args:
            model: for messages, the class that takes them.
            given: fields of this class.

        Raises:
            ModelError: a name that does not exist, or a value that makes no sense.
        """
        names = [field.name for field in fields(cls)]
        if unknown := sorted(given.keys() - set(names)):
            raise ModelError(f"{model}: unknown model argument {', '.join(unknown)}; expected {', '.join(names)}")
        if not given.get("pretrained"):
            raise ModelError(f"{model}: pretrained=NAME_OR_FOLDER is missing in --model_args")
        given["pretrained"] = str(given["pretrained"])
        given["device_map"] = _device_map(given.get("device_map"))
        given["batch_size"] = _batch_size(given.get("batch_size", 1))
        for name in ("max_batch_size", "gpus_per_model", "min_pixels", "max_pixels", "max_length"):
            if given.get(name) is not None:
                given[name] = _whole(name, given[name])
        if not isinstance(given.get("trust_remote_code", False), bool):
            raise ModelError(f"trust_remote_code={given['trust_remote_code']}: expected True or False")
        return cls(**given)

    @property
    def is_sharded(self) -> bool:
        """Whether accelerate places the layers, instead of one device taking them all."""
        return self.device_map is not None or self.gpus_per_model is not None


def _device_map(value: Any) -> Any:
    if not (isinstance(value, str) and value.startswith("{")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ModelError(f"device_map={value}: no JSON ({error})") from None


def _batch_size(value: Any) -> int | str:
    return AUTO if str(value).lower() == AUTO else _whole("batch_size", value, f" or {AUTO}")


def _whole(name: str, value: Any, more: str = "") -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise ModelError(f"{name}={value}: expected a whole number from 1{more}")
    return number
