"""A checkpoint in this process's memory, by transformers: chat requests in, replies out. torch is imported when needed.

Temperature 0, or none, is greedy search, where a request gets the same reply alone and in a batch (but for rounding:
in half precision a near tie may fall the other way). Any other temperature samples, one request at a time, from a seed
that follows from the request itself, its repeat and re-ask included.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

from lmms_eval_ja.clients import ChatReply, ChatRequest, JudgeSettings
from lmms_eval_ja.clients.images import ChatImage, images_of
from lmms_eval_ja.judges.checkpoint import (
    checkpoint_problem,
    fetched_original,
    loaded_model,
    local_folder,
    no_chat_template,
)
from lmms_eval_ja.judges.original_llava.layout import LayoutError
from lmms_eval_ja.judges.original_llava.loading import load_original, loading_problem

_log = logging.getLogger(__name__)
#: Tokens of a reply where neither protocol nor settings say how many.
DEFAULT_MAX_TOKENS = 1024
_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


class ModelError(Exception):
    """A checkpoint that cannot be used, or a request that it cannot take; the message says what to do."""


class TooLargeError(ModelError):
    """A batch for which there is not enough memory."""


def is_sampled(request: ChatRequest) -> bool:
    """Whether a reply is drawn by chance, instead of the likeliest token at each step."""
    return bool(request.sampling.get("temperature"))


class LocalModel:
    """A loaded checkpoint. Use from one thread."""

    def __init__(self, settings: JudgeSettings, stop: threading.Event) -> None:
        """Load the weights.

        Args:
            settings: of a judge with provider "transformers".
            stop: ends a generation under way when it is set.

        Raises:
            ModelError: the checkpoint is not there, or cannot be used.
        """
        if problem := checkpoint_problem(settings):
            raise ModelError(problem)
        started = time.monotonic()
        self._settings, self._stop = settings, stop
        try:
            self._model, self._processor = _load(settings)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the judge {settings.model} cannot be loaded: {type(error).__name__}: {error}") from error
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self._sees = self._tokenizer is not self._processor
        if not (getattr(self._processor, "chat_template", None) or self._tokenizer.chat_template):
            raise ModelError(no_chat_template(settings.model))
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self.name = loaded_model(settings, getattr(self._model.config, "_commit_hash", None))
        _log.info("judge %s loaded in %.0f s, on %s", self.name, time.monotonic() - started, self._model.device)

    def replies(self, requests: Sequence[ChatRequest]) -> list[ChatReply]:
        """The replies to requests of one kind: the same sampling, and all with images or all without.

        Raises:
            TooLargeError: there is not enough memory for so many at once.
            ModelError: a request that is too long, or has images that the checkpoint does not see.
            Exception: whatever a processor or the generation raises.
        """
        try:
            return self._replies(requests)
        except (RuntimeError, MemoryError) as error:
            if not isinstance(error, MemoryError) and not any(mark in str(error).lower() for mark in _MEMORY):
                raise
            what = str(error).partition("\n")[0]
        free_memory()  # only now nothing refers to the tensors of the failed try
        raise TooLargeError(what)

    def _replies(self, requests: Sequence[ChatRequest]) -> list[ChatReply]:
        import torch
        from transformers import StoppingCriteriaList

        started = time.monotonic()
        inputs = self._inputs(requests)
        length, ends = inputs["input_ids"].shape[1], self._ends()
        wanted = _generation(requests[0])
        with torch.inference_mode(), _own_chance(requests[0]):
            made = self._model.generate(
                **inputs,
                **wanted,
                eos_token_id=ends or None,
                pad_token_id=self._tokenizer.pad_token_id,
                stopping_criteria=StoppingCriteriaList([_stopped_by(self._stop)]),
            )
        if self._stop.is_set():
            raise ModelError("not judged: the judge was closed before")
        seconds = time.monotonic() - started
        prompts = inputs["attention_mask"].sum(dim=1).tolist()
        return [
            self._reply(tokens, ends, prompt, seconds)
            for tokens, prompt in zip(made[:, length:].tolist(), prompts, strict=True)
        ]

    def _reply(self, tokens: list[int], ends: Sequence[int], prompt_tokens: int, seconds: float) -> ChatReply:
        """Read a row up to its end, behind which there is padding."""
        end = next((at for at, token in enumerate(tokens) if token in ends), None)
        return ChatReply(
            content=self._tokenizer.decode(tokens[:end], skip_special_tokens=True),
            finish_reason="length" if end is None else "stop",
            refusal=None,
            model=self.name,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(tokens) if end is None else end + 1,
            seconds=seconds,
        )

    def _inputs(self, requests: Sequence[ChatRequest]) -> dict[str, Any]:
        """Token ids, mask and pixels of the requests, padded on the left, on the model's device."""
        texts = [self._text(request) for request in requests]
        options: dict[str, Any] = {"text": texts, "padding": True, "return_tensors": "pt"}
        start = self._tokenizer.bos_token
        options["add_special_tokens"] = self._sees and not (start and texts[0].startswith(start))
        pictures = [[_pixels(i) for m in r.messages for i in images_of(m, r.images)] for r in requests]
        made = self._processor(**options) if not any(pictures) else self._with_pictures(options, pictures)
        self._check_length(made["input_ids"].shape[1])
        # Tokenizers give token types whether the model takes them or not, and then `generate` refuses them.
        unknown = {"token_type_ids"} - inspect.signature(self._model.forward).parameters.keys()
        return {name: self._placed(value) for name, value in made.items() if name not in unknown}

    def _with_pictures(self, options: dict[str, Any], pictures: list[list[Any]]) -> Any:
        try:
            return self._processor(**options, images=pictures)
        except ValueError:  # some processors, mostly of older transformers, take the images of all texts in one list
            return self._processor(**options, images=[one for own in pictures for one in own])

    def _placed(self, value: Any) -> Any:
        if not hasattr(value, "is_floating_point"):  # some processors give lists besides tensors
            return value
        return value.to(self._model.device, self._model.dtype if value.is_floating_point() else None)

    def _text(self, request: ChatRequest) -> str:
        more = request.sampling.get("chat_template_kwargs") or {}
        messages = [{"role": m["role"], "content": self._content(m["content"])} for m in request.messages]
        text: str = self._processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True, **more)
        return text

    def _content(self, content: Any) -> Any:
        """A message's content as the chat template takes it: parts where the checkpoint sees, else a text."""
        if isinstance(content, str):
            return [{"type": "text", "text": content}] if self._sees else content
        if not self._sees:
            raise ModelError(f"the judge {self.name} sees no images: state sees_image = false, or another checkpoint")
        return [{"type": "image"} if part["type"] == "image_url" else part for part in content]

    def _check_length(self, tokens: int) -> None:
        config = self._model.config
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        longest = getattr(text, "max_position_embeddings", None)
        if longest is not None and tokens >= longest:
            raise ModelError(f"the prompt has {tokens} tokens, of the {longest} that the judge {self.name} can take")

    def _ends(self) -> list[int]:
        """The tokens that end a reply."""
        stated = self._model.generation_config.eos_token_id
        ends = stated if isinstance(stated, list) else [stated]
        return sorted({int(end) for end in [*ends, self._tokenizer.eos_token_id] if end is not None})


def free_memory() -> None:
    """Give the accelerator's unused memory back."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _load(settings: JudgeSettings) -> tuple[Any, Any]:
    """The model, and its processor where it sees images, else its tokenizer."""
    import torch
    import transformers
    from packaging.version import Version

    precision = "dtype" if Version(transformers.__version__) >= Version("4.56") else "torch_dtype"
    options = {
        precision: "auto" if settings.dtype == "auto" else getattr(torch, settings.dtype),
        "device_map": settings.device_map,
    }
    try:
        folder = fetched_original(settings)
        if folder is None:
            return _load_by_type(settings, options)
        model, processor = load_original(folder, **options)
    except LayoutError as error:
        raise ModelError(f"the judge {settings.model} cannot be loaded: {error}") from None
    if local_folder(settings.model) is None:  # the folder is in the hub's cache, where it is named by its commit
        model.config._commit_hash = folder.name  # noqa: SLF001 (where transformers notes it)
    return model, processor


def _load_by_type(settings: JudgeSettings, options: dict[str, Any]) -> tuple[Any, Any]:
    """By transformers' automatic classes. What these only log, and fill with random numbers, is an error."""
    import transformers
    from transformers import AutoConfig, AutoModelForCausalLM, AutoProcessor, AutoTokenizer

    # The class had another name before transformers 4.45.
    seeing = getattr(transformers, "AutoModelForImageTextToText", None) or transformers.AutoModelForVision2Seq
    where = {"revision": settings.revision} if settings.revision else {}
    name = str(local_folder(settings.model) or settings.model)
    config = AutoConfig.from_pretrained(name, **where)
    sees = type(config) in seeing._model_mapping  # noqa: SLF001 (there is no public way to ask)
    if not sees and type(config) not in AutoModelForCausalLM._model_mapping:  # noqa: SLF001
        raise ModelError(
            f"the judge {settings.model} is a {config.model_type}, which writes no text: take a chat model"
        )
    made_by = seeing if sees else AutoModelForCausalLM
    model, report = made_by.from_pretrained(name, output_loading_info=True, **options, **where)
    if problem := loading_problem(report):
        raise ModelError(f"the judge {settings.model} cannot be used: {problem}")
    processor = (AutoProcessor if sees else AutoTokenizer).from_pretrained(name, **where)
    return model.eval(), processor


def _generation(request: ChatRequest) -> dict[str, Any]:
    """The request's sampling in the words of `generate`; fields that are no field of a chat server go as they are."""
    rest = dict(request.sampling)
    temperature, top_p = rest.pop("temperature", None), rest.pop("top_p", None)
    limits = [rest.pop(name, None) for name in ("max_completion_tokens", "max_tokens")]
    for name in ("seed", "chat_template_kwargs"):
        rest.pop(name, None)
    chosen: dict[str, Any] = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
    if temperature:
        # What the checkpoint recommends does not hold: the settings, and so the fingerprint, say all.
        chosen |= {"do_sample": True, "temperature": float(temperature), "top_p": top_p or 1.0, "top_k": 0}
    return chosen | {"max_new_tokens": limits[0] or limits[1] or DEFAULT_MAX_TOKENS} | rest


@contextlib.contextmanager
def _own_chance(request: ChatRequest) -> Iterator[None]:
    """For a sampled request, random numbers of its own; those of others go on as if nothing had been."""
    import torch

    if not is_sampled(request):
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(int(request.key()[:15], 16))
        yield


def _stopped_by(stop: threading.Event) -> Any:
    """A stopping criterion: all rows, once the event is set."""
    import torch

    def criterion(tokens: Any, _scores: Any, **_: Any) -> Any:
        return torch.full((tokens.shape[0],), stop.is_set(), device=tokens.device, dtype=torch.bool)

    return criterion


def _pixels(image: ChatImage) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(image.data)).convert("RGB")
