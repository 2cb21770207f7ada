"""LLM-jp-3 VILA as a chat model of lmms-eval's own: what `export` writes into a checkout, with all that it needs.

Here it is only tested: the plugin's own class has batches that adapt, a log of answers and named failures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate import Accelerator
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.api.registry import register_model
from tqdm import tqdm

from lmms_eval_ja.models.generation import GenerationSettings, cut_at_stop, settings_of
from lmms_eval_ja.models.prompt import chat_messages, message_images
from lmms_eval_ja.models.vila.conversation import LLMJP_V3
from lmms_eval_ja.models.vila.loading import load_vila, published_folder

_DTYPES = ("auto", "float16", "bfloat16", "float32")


@register_model("llm_jp_vila")
class LlmJpVila(lmms):  # type: ignore[misc]  # lmms_eval has no types
    """LLM-jp-3 VILA (arXiv 2410.22736) from its published checkpoint, by transformers' LLaVA, without the VILA fork.

    Args:
        pretrained: Folder or repository on the hub with config.json, llm/, vision_tower/ and mm_projector/.
        revision: Of the repository.
        dtype: "float16", "bfloat16" or "float32"; "auto" is float16 on a GPU, as the reference, and float32 on the CPU.
        device: Of the whole model, such as "cuda" or "cpu"; with several ranks each has its own GPU.
        device_map: "auto" shards the model over all GPUs of one rank; empty places it on `device`.
        batch_size: Documents that are answered together, 1 or more; not "auto".
    """

    is_simple = False

    def __init__(
        self,
        pretrained: str = "llm-jp/llm-jp-3-vila-14b",
        *,
        revision: str | None = None,
        dtype: str = "auto",
        device: str = "cuda",
        device_map: str = "",
        batch_size: int | str = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if kwargs:
            raise ValueError(f"unexpected model arguments: {', '.join(sorted(kwargs))}")
        if dtype not in _DTYPES:
            raise ValueError(f"dtype={dtype}: expected one of {', '.join(_DTYPES)}")
        if not str(batch_size).isdecimal() or int(batch_size) < 1:
            raise ValueError(f"batch_size={batch_size}: expected a whole number, 1 or more")
        accelerator = Accelerator()
        self._rank, self._world_size = accelerator.process_index, accelerator.num_processes
        if self._world_size > 1:
            self.accelerator = accelerator
            self._device = accelerator.device
        else:
            self._device = torch.device(device if torch.cuda.is_available() else "cpu")
        self.batch_size_per_gpu = int(batch_size)
        folder, _ = published_folder(pretrained, revision)
        places = device_map or {"": str(self._device)}
        stated = None if dtype == "auto" else getattr(torch, dtype)
        self._model, self._processor = load_vila(folder, dtype=stated, device_map=places)

    @property
    def rank(self) -> int:
        """This process among those of the run."""
        return int(self._rank)

    @property
    def world_size(self) -> int:
        """Number of processes of the run."""
        return int(self._world_size)

    @property
    def device(self) -> torch.device:
        """Where the model's inputs go."""
        return self._device

    def generate_until(self, requests: list[Instance]) -> list[GenerationResult]:
        """Answer each request; requests share a batch only with equal generation settings."""
        answers: list[GenerationResult | None] = [None] * len(requests)
        groups: dict[GenerationSettings, list[int]] = {}
        for at, request in enumerate(requests):
            groups.setdefault(settings_of(request.args[2], max_new_tokens=256), []).append(at)
        with tqdm(total=len(requests), disable=self.rank != 0, desc="Model Responding") as bar:
            for settings, members in groups.items():
                for start in range(0, len(members), self.batch_size_per_gpu):
                    chunk = members[start : start + self.batch_size_per_gpu]
                    for at, answer in zip(chunk, self._answered([requests[i] for i in chunk], settings), strict=True):
                        answers[at] = answer
                    bar.update(len(chunk))
        return [answer for answer in answers if answer is not None]

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Not offered."""
        raise NotImplementedError("llm_jp_vila has no loglikelihood; use tasks of output_type generate_until")

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Not offered."""
        raise NotImplementedError("llm_jp_vila has no generate_until_multi_round")

    def _answered(self, requests: Sequence[Instance], settings: GenerationSettings) -> list[GenerationResult]:
        texts, images = [], []
        for request in requests:
            _, doc_to_messages, _, doc_id, task, split = request.args
            messages = chat_messages(doc_to_messages(self.task_dict[task][split][doc_id]))
            texts.append(LLMJP_V3.render(messages))
            images.append(message_images(messages))
        inputs = self._placed(self._processor(texts, images))
        with torch.inference_mode():
            ids = self._model.generate(**inputs, **_sampling(settings))
        answers = []
        for row in ids[:, inputs["input_ids"].shape[1] :]:
            text = cut_at_stop(self._processor.decode(row), settings.until).strip()
            tokens = int((row != self._processor.tokens.pad_id).sum())
            answers.append(GenerationResult(text, TokenCounts(output_tokens=tokens)))
        return answers

    def _placed(self, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name: value.to(self._device, self._model.dtype if value.is_floating_point() else None)
            for name, value in inputs.items()
        }


def _sampling(settings: GenerationSettings) -> dict[str, Any]:
    """The settings in the words of `generate`; greedy unless a temperature is stated."""
    stated: dict[str, Any] = {"max_new_tokens": settings.max_new_tokens, "num_beams": settings.num_beams}
    if settings.samples:
        stated |= {"do_sample": True, "temperature": settings.temperature}
        stated |= {"top_p": settings.top_p, "top_k": settings.top_k}
    if settings.repetition_penalty is not None:
        stated["repetition_penalty"] = settings.repetition_penalty
    return stated
