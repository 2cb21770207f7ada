"""Speed of generation by `llm_jp_vila`: `python benchmarks/generation.py [--size full] [--json FILE]`.

A checkpoint of random weights is written in the published layout (28 GB in full size) and loaded by the plugin; every
answer has the same number of tokens, since its end is never let win. Measured in new tokens per second, the best of
several passes:

- the loop that other evaluations run: one document at a time, its image prepared, then `model.generate`;
- plain `model.generate` on batches whose inputs lie ready on the device;
- the plugin, from lmms-eval's requests to its answers: what it needs beyond the second is its overhead;
- decoding alone, without the first token, beside the limit that the memory sets: for each step the weights of the
  language model and the cache have to be read once. (The tiny model mostly waits for Python: its limit says little.)

What runs on a GPU has not been measured yet.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image

from lmms_eval_ja.models.decoding import end_ids, generation_config
from lmms_eval_ja.models.memory import free_memory, is_out_of_memory
from lmms_eval_ja.models.vila.plugins import LlmJpVila
from machine import machine
from random_vila import FULL, TINY, write_random_vila

SIZES = {"tiny": TINY, "full": FULL}
QUESTION = "この画像には何が写っていますか。"
_PICTURE = (640, 480)
#: Memory of a GPU from which the full size is the default.
_ENOUGH = 40 << 30


class Loaded(LlmJpVila):
    """The plugin around a model that is loaded already, with another batch size; an answer never ends early."""

    def __init__(self, first: LlmJpVila, batch_size: int) -> None:
        self._first = first
        super().__init__(first.arguments.pretrained, batch_size=batch_size, answer_log="off")

    def load(self) -> None:
        """Take over what is loaded."""
        for name in ("model", "processor", "tokenizer", "variant"):
            setattr(self, name, getattr(self._first, name))
        self.suppressed_tokens = [*self._first.suppressed_tokens, *end_ids(self.model, self.tokenizer)]


@dataclass(frozen=True)
class Bench:
    """What is measured, and how.

    Attributes:
        first: The loaded plugin.
        new_tokens: Of each answer.
        batches: Of one pass.
        passes: The best counts.
    """

    first: LlmJpVila
    new_tokens: int
    batches: int
    passes: int

    def loop(self) -> float:
        """Tokens per second of the loop over single documents."""
        vlm = Loaded(self.first, 1)
        documents = _documents(self.batches)

        def run() -> None:
            for document in documents:
                inputs = vlm.to_device(vlm.encode([vlm.prompt_of(_messages(document))]))
                vlm.decode(self._generate(vlm, inputs, self.new_tokens)[0])

        return self._tokens(1) / self._best(run)[0]

    def batch(self, size: int) -> dict[str, float]:
        """Seconds and tokens per second of plain generation and of the plugin at one batch size."""
        vlm, documents = Loaded(self.first, size), _documents(self.batches * size)
        vlm.task_dict = {"bench": {"test": documents}}
        prompts = [vlm.prompt_of(_messages(document)) for document in documents]
        ready = [vlm.to_device(vlm.encode(prompts[k : k + size])) for k in range(0, len(prompts), size)]
        requests = self._requests(len(documents))
        first_tokens, plain, plugin = self._best(
            lambda: self._generate_all(vlm, ready, 1),
            lambda: self._generate_all(vlm, ready, self.new_tokens),
            lambda: self._check(vlm.generate_until(requests)),
        )
        tokens = self._tokens(size)
        return {
            "batch": size,
            "prompt_tokens": int(ready[0]["input_ids"].shape[1]),
            "generate_tokens_per_second": round(tokens / plain, 1),
            "plugin_tokens_per_second": round(tokens / plugin, 1),
            "plugin_overhead_percent": round(100 * (plugin / plain - 1), 1),
            "decoding_tokens_per_second": round((tokens - len(documents)) / (plain - first_tokens), 1),
        }

    def _tokens(self, size: int) -> int:
        return self.batches * size * self.new_tokens

    def _best(self, *runs: Callable[[], object]) -> list[float]:
        """The least seconds of each, measured in turns after one pass to warm up."""
        seconds = [float("inf")] * len(runs)
        for number in range(self.passes + 1):
            for k, run in enumerate(runs):
                _wait()
                start = time.perf_counter()
                run()
                _wait()
                if number:
                    seconds[k] = min(seconds[k], time.perf_counter() - start)
        return seconds

    def _generate_all(self, vlm: Loaded, ready: Sequence[Mapping[str, Any]], new_tokens: int) -> None:
        for inputs in ready:
            self._generate(vlm, inputs, new_tokens)

    def _generate(self, vlm: Loaded, inputs: Mapping[str, Any], new_tokens: int) -> torch.Tensor:
        settings = vlm.settings_of(self._settings(new_tokens))
        ends = end_ids(vlm.model, vlm.tokenizer)
        config = generation_config(vlm.model, settings, ends, vlm.tokenizer.pad_token_id, vlm.suppressed_tokens)
        with torch.no_grad():
            output: torch.Tensor = vlm.model.generate(**inputs, generation_config=config)
        return output[:, inputs["input_ids"].shape[1] :]

    def _settings(self, new_tokens: int) -> dict[str, Any]:
        return {"max_new_tokens": new_tokens, "temperature": 0, "do_sample": False, "until": []}

    def _requests(self, count: int) -> list[Any]:
        settings = self._settings(self.new_tokens)
        return [SimpleNamespace(args=("", _messages, settings, k, "bench", "test"), metadata={}) for k in range(count)]

    def _check(self, answers: Sequence[Any]) -> None:
        for answer in answers:
            counts = answer.token_counts
            if counts is None or counts.output_tokens != self.new_tokens:
                raise SystemExit(f"an answer has not {self.new_tokens} tokens: {answer}")


def limit(first: LlmJpVila, row: Mapping[str, float], new_tokens: int, bandwidth: float) -> float:
    """Tokens per second of decoding if nothing but reading weights and cache took time.

    Args:
        first: The loaded plugin.
        row: Of the batch.
        new_tokens: Of each answer.
        bandwidth: Bytes per second.
    """
    positions = row["prompt_tokens"] + new_tokens / 2
    step = weight_bytes(first) + row["batch"] * positions * cache_bytes(first)
    return row["batch"] * bandwidth / step


def weight_bytes(first: LlmJpVila) -> int:
    """Of what a step reads: the language model without its table of embeddings, of which it reads single rows."""
    parts = (first.model.model.language_model, first.model.lm_head)
    table = first.model.get_input_embeddings().weight
    return sum(p.nbytes for part in parts for p in part.parameters()) - int(table.nbytes)


def cache_bytes(first: LlmJpVila) -> int:
    """Of keys and values, for each position of each sequence."""
    config = first.model.config.text_config
    width = config.num_key_value_heads * config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * width * first.model.dtype.itemsize)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes per second, read and written, of the best of ten copies."""
    size = 4 << 30 if device.type == "cuda" else 1 << 28
    source, target = (torch.ones(size, dtype=torch.uint8, device=device) for _ in range(2))
    seconds = []
    for _ in range(10):
        _wait()
        start = time.perf_counter()
        target.copy_(source)
        _wait()
        seconds.append(time.perf_counter() - start)
    return 2 * size / min(seconds)


def _documents(count: int) -> list[Image.Image]:
    """Pictures, all different."""
    random = np.random.default_rng(0)
    blocks = random.integers(0, 256, (count, 12, 16, 3), dtype=np.uint8)
    return [Image.fromarray(block).resize(_PICTURE) for block in blocks]


def _messages(document: Image.Image) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image", "url": document}, {"type": "text", "text": QUESTION}]}]


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _device() -> dict[str, object]:
    """With the load before the start: figures of a machine that others use are low, and uneven."""
    busy = {"threads": torch.get_num_threads(), "load_average_before": round(os.getloadavg()[0], 1)}
    found = machine("torch", "transformers", "lmms-eval") | busy
    return found | ({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {})


def _arguments() -> argparse.Namespace:
    gpu = torch.cuda.is_available()
    large = gpu and torch.cuda.get_device_properties(0).total_memory >= _ENOUGH
    parser = argparse.ArgumentParser(description="Speed of generation by llm_jp_vila")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--size", choices=SIZES, default="full" if large else "tiny", help="default here: %(default)s")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 2, 4, 8] + ([16, 32, 64] if gpu else []))
    parser.add_argument("--new-tokens", type=int, default=128 if gpu else 64, help="of each answer")
    parser.add_argument("--batches", type=int, default=4, help="of one pass")
    parser.add_argument("--passes", type=int, default=2 if large else 5, help="the best counts")
    parser.add_argument("--folder", type=Path, help="where the checkpoint is written and removed again")
    return parser.parse_args()


def measure(bench: Bench, sizes: Sequence[int], bandwidth: float) -> dict[str, Any]:
    """Measure the loop and each batch size until memory runs out, and print the table."""
    loop = bench.loop()
    print(f"\n{'new tokens per second':28}{'generate':>10}{'plugin':>10}{'overhead':>10}{'decoding':>10}{'limit':>10}")
    print(f"{'loop over single documents':28}{loop:10.1f}")
    rows = []
    for size in sizes:
        try:
            row = bench.batch(size)
        except Exception as error:  # torch has several errors for it
            if not is_out_of_memory(error):
                raise
            free_memory()
            print(f"{f'batch {size}':28}out of memory")
            break
        most = limit(bench.first, row, bench.new_tokens, bandwidth)
        share = row["decoding_tokens_per_second"] / most
        rows.append(row | {"limit_tokens_per_second": round(most, 1), "share_of_limit": round(share, 3)})
        print(
            f"{f'batch {size}':28}{row['generate_tokens_per_second']:10.1f}{row['plugin_tokens_per_second']:10.1f}"
            f"{row['plugin_overhead_percent']:9.1f}%{row['decoding_tokens_per_second']:10.1f}{most:10.0f} "
            f"({share:.0%})",
            flush=True,
        )
    best = max((row["plugin_tokens_per_second"] for row in rows), default=0.0)
    print(f"plugin at its best batch: {best / loop:.1f} times the loop")
    return {"loop_tokens_per_second": round(loop, 1), "times_the_loop": round(best / loop, 2), "batches": rows}


def main() -> None:
    """Measure, print the table and write the results where asked."""
    arguments = _arguments()
    device = _device()
    name = device.get("gpu", device["cpu"])
    print(f"{name}; {device['cores']} cores, load {device['load_average_before']}; {device['date']}")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        print(f"writing and loading a model of size {arguments.size} …", flush=True)
        first = LlmJpVila(str(write_random_vila(Path(folder), SIZES[arguments.size])), answer_log="off")
        bandwidth = copy_bandwidth(first.model.device)
        facts = {
            "size": arguments.size,
            "dtype": str(first.model.dtype),
            "new_tokens": arguments.new_tokens,
            "bandwidth_gb_per_second": round(bandwidth / 1e9, 1),
            "weight_bytes": weight_bytes(first),
            "cache_bytes_per_position": cache_bytes(first),
        }
        print(
            ", ".join(
                f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in facts.items()
            )
        )
        bench = Bench(first, arguments.new_tokens, arguments.batches, arguments.passes)
        found = measure(bench, arguments.batch, bandwidth)
    if arguments.json:
        report = {"device": device, **facts, **found}
        arguments.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
