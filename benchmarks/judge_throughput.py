"""Speed of judging: `python benchmarks/judge_throughput.py`. About a minute.

A loopback server in a process of its own answers each request after 0.5 s. Measured: requests of this project's
engine, which also stores each reply, beside the openai SDK in a plain loop with 4 threads (as lmms-eval judges), which
stores nothing; verdicts that come from the store; CPU time per request, with that of the store's writes.
"""

import argparse
import asyncio
import json
import math
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from lmms_eval_ja.clients import ChatRequest, JudgeSettings, Store
from lmms_eval_ja.judges import PROTOCOLS, Engine, Judge, Sample, Verdict
from machine import machine

REPLY_S = 0.5
PROTOCOL = PROTOCOLS["vqa_likert"]
CONCURRENCY, SDK_THREADS = 64, 4
_COMPLETION = {
    "id": "chatcmpl-0",
    "object": "chat.completion",
    "created": 1_767_225_600,
    "model": "loopback",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "理由です。\nScore: 4"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 300, "completion_tokens": 12, "total_tokens": 312},
}


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    body = json.dumps(_COMPLETION).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
            length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
            await reader.readexactly(length)
            await asyncio.sleep(REPLY_S)
            writer.write(head + body)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _serve(port: Connection) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def server() -> Iterator[str]:
    """Run the server in a process of its own; gives its address."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
    finally:
        process.kill()
        process.join()


def samples(n: int) -> list[Sample]:
    """Answers of some 100 characters, all different."""
    return [Sample(str(k), f"質問{k}", f"{k}番目の回答です。" * 10, f"{k}番目の参照回答です。" * 5) for k in range(n)]


def judged(engine: Engine, given: list[Sample]) -> list[Verdict]:
    """Judge samples and wait for them."""
    verdicts = [engine.submit(sample, PROTOCOL) for sample in given]
    for verdict in verdicts:
        verdict.wait()
    if any(verdict["score"] is None for verdict in verdicts):
        raise SystemExit(f"a verdict failed: {next(v['reason'] for v in verdicts if v['score'] is None)}")
    return verdicts


def ours(url: str, folder: Path, requests: int) -> dict[str, float]:
    """Seconds and CPU time of the engine for new requests."""
    settings = JudgeSettings(base_url=url, model="asked", concurrency=CONCURRENCY)
    with closing(Engine(Judge(settings), folder / "warm.sqlite")) as engine:
        judged(engine, samples(1))  # imports
    with closing(Engine(Judge(settings), folder / "new.sqlite")) as engine:
        start, cpu = time.perf_counter(), time.process_time()
        judged(engine, samples(requests))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    ideal = math.ceil(requests / CONCURRENCY) * REPLY_S
    return {
        "requests": requests,
        "seconds": round(seconds, 3),
        "ideal_seconds": ideal,
        "beside_ideal": round(seconds / ideal, 3),
        "cpu_ms_per_request": round(1000 * cpu / requests, 3),
    }


def sdk(url: str, requests: int, measured: int) -> dict[str, float]:
    """Seconds of the openai SDK with 4 threads, measured on fewer requests."""
    import openai

    client = openai.OpenAI(api_key="none", base_url=url)

    def ask(sample: Sample) -> object:
        return client.chat.completions.create(model="asked", messages=PROTOCOL.messages(sample))  # type: ignore[arg-type]

    with ThreadPoolExecutor(SDK_THREADS) as threads:
        list(threads.map(ask, samples(SDK_THREADS)))
        start, cpu = time.perf_counter(), time.process_time()
        list(threads.map(ask, samples(measured)))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "measured_requests": measured,
        "measured_seconds": round(seconds, 3),
        "extrapolated_seconds": round(seconds * requests / measured, 1),
        "cpu_ms_per_request": round(1000 * cpu / measured, 3),
    }


def from_store(folder: Path, count: int) -> dict[str, float]:
    """Verdicts per second that come from the store, and replies per second of the store alone: the best of three."""
    settings = JudgeSettings(base_url="http://127.0.0.1:9/v1", model="asked", concurrency=CONCURRENCY)
    path, given = folder / "full.sqlite", samples(count)
    keys = _fill(path, settings, given)
    verdicts, replies = [], []
    for _ in range(3):
        with closing(Engine(Judge(settings), path)) as engine:
            start = time.perf_counter()
            judged(engine, given)
            verdicts.append(count / (time.perf_counter() - start))
        with closing(Store(path)) as store:
            start = time.perf_counter()
            if len(store.find(keys).result()) != count:
                raise SystemExit("the store has lost replies")
            replies.append(count / (time.perf_counter() - start))
    return {
        "verdicts": count,
        "verdicts_per_second": round(max(verdicts)),
        "replies_per_second": round(max(replies)),
    }


def _fill(path: Path, settings: JudgeSettings, given: list[Sample]) -> list[str]:
    from lmms_eval_ja.clients import StoredReply

    sampling = settings.sampling(PROTOCOL.sampling)
    requests = [ChatRequest(settings.model, PROTOCOL.messages(sample), sampling) for sample in given]
    with closing(Store(path)) as store:
        for request in requests:
            messages = json.dumps(request.messages, ensure_ascii=False)
            reply = (
                "vqa_likert/1",
                "asked",
                "loopback",
                messages,
                "理由です。\nScore: 4",
                "stop",
                None,
                300,
                12,
                0.5,
                0.0,
            )
            store.put(StoredReply(request.key(), *reply))
    return [request.key() for request in requests]


def main() -> None:
    """Measure, print the table and write the results where asked."""
    parser = argparse.ArgumentParser(description="Speed of judging")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    parser.add_argument("--requests", type=int, default=515)
    parser.add_argument("--sdk-requests", type=int, default=40, help="measured with the SDK, then extrapolated")
    parser.add_argument("--stored", type=int, default=10_000, help="verdicts that come from the store")
    arguments = parser.parse_args()

    device = machine("openai", "httpx")
    print(f"{device['cpu']}, {device['cores']} cores; Python {device['python']}; {device['date']}")
    with tempfile.TemporaryDirectory() as folder, server() as url:
        engine = ours(url, Path(folder), arguments.requests)
        plain = sdk(url, arguments.requests, arguments.sdk_requests)
        stored = from_store(Path(folder), arguments.stored)
    title = f"{arguments.requests} requests of {REPLY_S:g} s"
    print(f"\n{title:44}{'seconds':>10}{'CPU ms per request':>22}")
    print(f"{f'ideal at concurrency {CONCURRENCY}':44}{engine['ideal_seconds']:10.2f}")
    print(
        f"{f'lmms_eval_ja, concurrency {CONCURRENCY}':44}{engine['seconds']:10.2f}{engine['cpu_ms_per_request']:22.2f}"
    )
    print(
        f"{f'openai SDK, {SDK_THREADS} threads (from {arguments.sdk_requests} requests)':44}"
        f"{plain['extrapolated_seconds']:10.1f}{plain['cpu_ms_per_request']:22.2f}"
    )
    print(f"beside ideal: {engine['beside_ideal']:.2f}")
    print(f"\nfrom the store, {arguments.stored:,} verdicts: {stored['verdicts_per_second']:,} verdicts/s")
    print(f"replies read from the file alone: {stored['replies_per_second']:,} /s")
    if arguments.json:
        report = {"device": device, "engine": engine, "openai_sdk": plain, "store": stored}
        arguments.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
