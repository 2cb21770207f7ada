"""Logs of failed commands, and the line that names the cause."""

from __future__ import annotations

import errno
import signal

import pytest

from lmms_eval_ja.compare.causes import cause, clean

TRACEBACK = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'
#: What a log ends with, the start of the cause, and a word of the advice.
CASES = {
    "GPU memory": (
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79 GiB",
        "out of GPU memory",
        "batch_size",
    ),
    "GPU memory for one document": (
        "WARNING | no answer for ja_sample 3: out of memory with this document alone; try max_pixels (smaller images)",
        "out of GPU memory",
        "max_pixels",
    ),
    "main memory": ("RuntimeError: DefaultCPUAllocator: can't allocate memory", "out of main memory", "gpus"),
    "a rank that was killed": ("  exitcode  : -9 (pid: 4711)", "out of main memory", "gpus"),
    "shared memory": (
        "RuntimeError: DataLoader worker (pid 3) is killed by signal: Bus error. Insufficient shared memory (shm).",
        "out of shared memory",
        "--shm-size",
    ),
    "disk": ("OSError: [Errno 28] No space left on device: '/x/model.safetensors'", "the disk is full", "HF_HOME"),
    "quota": ("OSError: [Errno 122] Disk quota exceeded", "the disk is full", "HF_HOME"),
    "package": ("ModuleNotFoundError: No module named 'decord.bridge'", "the package decord is missing", "an env"),
    "packages of remote code": (
        "This modeling file requires packages that were not found in your environment: einops, timm. Run `pip …",
        "packages are missing: einops, timm: install",
        "install",
    ),
    "gated": (
        "Cannot access gated repo for url https://huggingface.co/api/models/meta-llama/Llama-3.2-11B-Vision.",
        "the repository is gated (meta-llama/Llama-3.2-11B-Vision)",
        "HF_TOKEN",
    ),
    "gated, by transformers": ("OSError: You are trying to access a gated repo.", "the repository is gated", "licence"),
    "no repository": (
        "Repository Not Found for url: https://huggingface.co/Nobody/nothing/resolve/main/config.json.",
        "there is no such repository, or it is private (Nobody/nothing)",
        "correct its name",
    ),
    "no data set": (
        "DatasetNotFoundError: Dataset 'Nobody/data' doesn't exist on the Hub or cannot be accessed.",
        "there is no such repository, or it is private",
        "Nobody/data",
    ),
    "revision": (
        "Revision Not Found for url: https://huggingface.co/api/datasets/Org/data/revision/abc.",
        "the repository has no such revision (Org/data)",
        "revision",
    ),
    "offline": (
        "OSError: We couldn't connect to 'https://huggingface.co' to load the files",
        "no internet, and not in the cache: ",
        "lmms-eval-ja fetch",
    ),
    "the judge": (
        "lmms-eval-ja: the judge m at http://h/v1 cannot be reached (ConnectError): start it, correct its address",
        "the judge m at http://h/v1 cannot be reached",
        "start it",
    ),
    "a server": ("openai.APIConnectionError: …", "a server, such as the judge, cannot be reached", "base_url"),
    "no key": (
        "lmms-eval-ja: the judge gpt at api.openai.com wants a key: set OPENAI_API_KEY, or choose another judge",
        "the judge gpt at api.openai.com wants a key",
        "OPENAI_API_KEY",
    ),
    "wrong key": (
        "openai.AuthenticationError: Error code: 401 - Incorrect API key provided: sk-abcdefghijklmnopqrstuv",
        "the key is missing or not accepted",
        "sk-…",
    ),
    "verdicts that did not come": (
        "incomplete ja_sample: 12 of 40 samples have a score; failures: 28 transport",
        "the judge did not answer all (12 of 40 samples",
        "run it again",
    ),
    "replies that cannot be read": (
        "incomplete ja_sample: 30 of 40 samples have a score; failures: 10 parse",
        "too many answers have no verdict (30 of 40",
        "another judge",
    ),
    "budget": ("the budget of $2 has $0.0013 left, and the next request …", "the budget is spent", "BUDGET_USD"),
    "changed data": (
        "turing/heron is not the benchmark's data: 102 rows, expected 103 (revision abc).",
        "the data has changed (turing/heron is not the benchmark's data: 102 rows",
        "revision",
    ),
    "remote code": (
        "ValueError: The repository Org/m contains custom code. Please pass the argument `trust_remote_code=True`",
        "the repository holds code of its own",
        "args: {trust_remote_code: true}",
    ),
    "task": (
        "ValueError: Tasks not found: jmmmuu. Try `lmms-eval --tasks {list_groups}`",
        "unknown task jmmmuu",
        "lmms-eval-ja tasks",
    ),
    "plugin": ("ValueError: Model 'ja_vml' not found in available models: ja_vlm", "unknown plugin ja_vml", "models"),
    "old transformers": (
        "ValueError: … has model type `gemma9` but Transformers does not recognize this architecture.",
        "this transformers does not know models of type gemma9",
        "env",
    ),
    "GPU": ("CUDA error: device-side assert triggered", "the GPU cannot be used (CUDA error: device", "log"),
    "time": ("*** JOB 7 CANCELLED AT 2026-01-01 DUE TO TIME LIMIT ***", "the scheduler ended", "time"),
    "environment": (
        "lmms_eval_ja.models.uv.EnvironmentFault: making the environment sarashina2: uv failed:",
        "making the environment sarashina2: uv failed",
        "see the log",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_cause_and_what_to_do(tmp_path, case):
    said, start, advice = CASES[case]
    found = explained(tmp_path, f"Loading…\n{TRACEBACK}{said}\n")
    assert found.startswith(start)
    assert advice in found
    assert "\n" not in found


def explained(folder, log: str, status: int = 1, **facts) -> str:
    path = folder / "log.txt"
    path.write_bytes(log.encode("utf-8", errors="surrogateescape"))
    return cause(path, status, **facts)


def test_a_missing_package_is_named_with_the_environment(tmp_path):
    found = explained(tmp_path, "ModuleNotFoundError: No module named 'sentencepiece'", environment="sarashina2")
    assert found == "the package sentencepiece is missing: install it in the environment sarashina2"


def test_the_last_sign_holds(tmp_path):
    log = "ModuleNotFoundError: No module named 'flash_attn'\nusing sdpa\ntorch.OutOfMemoryError: CUDA out of memory.\n"
    assert explained(tmp_path, log).startswith("out of GPU memory")


def test_a_warning_is_no_cause(tmp_path):
    log = "2026-01-01 | WARNING  | lmms_eval - Failed to import x: No module named 'decord'\nKeyError: 'question'\n"
    assert explained(tmp_path, log) == "ended with status 1: KeyError: 'question'"


def test_a_warning_is_a_cause_where_there_is_nothing_else(tmp_path):
    log = "2026-01-01 | WARNING  | lmms_eval - Failed to import x: No module named 'decord'\ndone\n"
    assert explained(tmp_path, log).startswith("the package decord is missing")


def test_what_lacks_stands_before_the_last_error(tmp_path):
    log = "ValueError: first\nsomething\nlmms_eval.X | KeyError: 'second'\nbye\n"
    found = explained(tmp_path, log, 0, lack="ja_sample: 0 of 40 samples")
    assert found == "ja_sample: 0 of 40 samples: lmms_eval.X | KeyError: 'second'"


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("", "ended with status 3: it said nothing"),
        ("all well\nthe end\n", "ended with status 3: the end"),
        ("it failed somehow\nthe end\n", "ended with status 3: it failed somehow"),
    ],
)
def test_logs_without_an_exception(tmp_path, log, said):
    assert explained(tmp_path, log, 3) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGKILL, "killed (SIGKILL), as by a machine that runs out of main memory"),
        (signal.SIGTERM, "ended from outside (SIGTERM)"),
        (signal.SIGSEGV, "crashed (SIGSEGV): the end"),
        (signal.SIGBUS, "crashed (SIGBUS), as when /dev/shm or the disk is full: the end"),
        (99, "ended by signal 99: the end"),
    ],
)
def test_commands_ended_by_a_signal(tmp_path, number, said):
    assert explained(tmp_path, "the end\n", -number).startswith(said)


def test_a_log_on_a_full_disk_says_so_itself(tmp_path):
    assert explained(tmp_path, f"OSError: [Errno {errno.ENOSPC}]").startswith("the disk is full")


def test_hostile_text_is_one_plain_line(tmp_path):
    log = "\x1b[31mValueError: a\x07b\u202ec\u2028d\x00e\x1b]0;title\x07\udcff" + "x" * 1000
    found = explained(tmp_path, log)
    assert found.startswith("ended with status 1: ValueError: a b c d e")
    assert found.isprintable()
    assert len(found) <= 330
    assert found.endswith("…")


def test_progress_bars_are_lines_of_their_own(tmp_path):
    assert explained(tmp_path, "10%|#\r20%|##\rRuntimeError: bad\r30%") == "ended with status 1: RuntimeError: bad"


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    log = "CUDA out of memory\n" + "step\n" * 200_000 + "KeyError: 1\n"
    assert explained(tmp_path, log) == "ended with status 1: KeyError: 1"


def test_a_megabyte_on_one_line_takes_no_time(tmp_path):
    assert explained(tmp_path, "the judge " * 100_000).startswith("ended with status 1: ")


def test_keys_are_hidden():
    assert (
        clean("Incorrect API key: sk-proj-abcdefghijklmnop1234, hf_abcdefghijklmnop") == "Incorrect API key: sk-…, hf_…"
    )


def test_clean_cuts_where_told():
    assert clean("あ" * 10, 4) == "あああ…"
