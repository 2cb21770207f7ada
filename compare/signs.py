"""What the log of a failed command says, what that means, and what to do about it: a table."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

_REPOSITORY = re.compile(r"https?://[^/\s]+/(?:api/(?:models|datasets)/|datasets/)?([\w.-]+/[\w.-]*\w)")


@dataclass(frozen=True)
class Sign:
    """What a line of a log says, and what that means.

    Attributes:
        pattern: of the line.
        meaning: `{}` stands for what the pattern's group caught.
        advice: `{place}` stands for where packages are to be installed.
        finds: takes what matters from what was caught.
    """

    pattern: re.Pattern[str]
    meaning: str
    advice: str
    finds: Callable[[str], str] = str

    @property
    def plainly(self) -> str:
        """The meaning where the pattern caught nothing."""
        return self.meaning.replace("({})", "").replace("{}", "").strip()


def _sign(pattern: str, meaning: str, advice: str, finds: Callable[[str], str] = str) -> Sign:
    return Sign(re.compile(pattern, re.IGNORECASE), meaning, advice, finds)


def _repository(line: str) -> str:
    """The repository that an address names, else what the message says."""
    found = _REPOSITORY.search(line)
    return found[1] if found else line


def _packages(names: str) -> str:
    return re.split(r"\.\s|\. ?Run", names)[0]


#: Of signs on one line the first holds; of signs on several the last line.
SIGNS = (
    # What this package itself found wrong before a run; it says what to do.
    _sign(r"(?:^|\s)lmms-eval-ja: (.+)", "{}", ""),
    _sign(
        r"CUDA out of memory|HIP out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED|out of memory with this "
        r"document alone|No available memory for the cache blocks",
        "out of GPU memory",
        "give it more GPUs (gpus), a smaller batch_size, dtype=bfloat16 or smaller images (max_pixels)",
    ),
    _sign(
        r"No space left on device|Disk quota exceeded|database or disk is full|\[Errno (?:28|122)\]",
        "the disk is full",
        "free some space, also in the caches (HF_HOME, UV_CACHE_DIR), then run it again",
    ),
    _sign(
        r"DefaultCPUAllocator|Cannot allocate memory|\bMemoryError\b|Killed process \d+|exitcode\s*:\s*-9\b",
        "out of main memory",
        "run fewer at once (gpus), or where there is more memory",
    ),
    _sign(
        r"Insufficient shared memory|/dev/shm.*(?:full|too small)",
        "out of shared memory (/dev/shm)",
        "enlarge it, as by --shm-size of a container",
    ),
    _sign(
        r"model type `([^`]+)` but Transformers does not recognize|No module named 'transformers\.models\.(\w+)'",
        "this transformers does not know models of type {}",
        "state an environment (env) with another version",
    ),
    _sign(
        r"No module named '?([\w.]+)'?",
        "the package {} is missing",
        "install it {place}",
        lambda name: name.partition(".")[0],
    ),
    _sign(
        r"packages that were not found in your environment: (.+)",
        "packages are missing: {}",
        "install them {place}",
        _packages,
    ),
    _sign(r"(\w+), which is not installed", "the package {} is missing", "install it {place}"),
    _sign(
        r"((?:Cannot access gated repo|Access to model|GatedRepoError|trying to access a gated repo).*)",
        "the repository is gated ({})",
        "accept its licence on its page on the hub, and set HF_TOKEN to a token of that account",
        _repository,
    ),
    _sign(
        r"(Repository Not Found.*|RepositoryNotFoundError.*|\S+ is not a local folder and is not a valid model "
        r"identifier.*|Dataset '[^']+' doesn't exist on the Hub.*)",
        "there is no such repository, or it is private ({})",
        "correct its name, or set HF_TOKEN if it is private",
        _repository,
    ),
    _sign(
        r"(Revision Not Found.*|RevisionNotFoundError.*)",
        "the repository has no such revision ({})",
        "correct revision",
        _repository,
    ),
    _sign(
        r"(?:data of (\S+) .*)?(?:offline mode is enabled|OfflineModeIsEnabled|LocalEntryNotFoundError|couldn't "
        r"connect to 'https?://|couldn't reach |couldn't find them in the cached files|name resolution|Cannot reach "
        r"http)",
        "no internet, and not in the cache ({})",
        "where there is internet load the weights and run `lmms-eval-ja fetch` for the data, then copy HF_HOME",
    ),
    _sign(
        r"(the judge .{0,200} cannot be reached.*|no answer from the (?:judge|server).*|APIConnectionError.*|"
        r"APITimeoutError.*|Connection refused.*)",
        "a server, such as the judge, cannot be reached ({})",
        "start it or correct its address (base_url); what it has answered is kept, so run it again",
    ),
    _sign(
        r"(the judge .{0,200} wants a key.*|the (?:server|judge .{0,200}) rejects the key.*|what \w+ holds cannot be a "
        r"key.*|Incorrect API key.*|AuthenticationError.*)",
        "the key is missing or not accepted ({})",
        "set its variable where the command runs",
    ),
    _sign(
        r"(the budget of \$.*)",
        "the budget is spent ({})",
        "raise it (LMMS_EVAL_JA_BUDGET_USD) and run it again: what was paid is kept",
    ),
    _sign(
        r"(\S+ is not the benchmark's data.{0,120}|the answers were given to revision.*|doc_id \S+ of \S+ had "
        r"another.*)",
        "the data has changed ({})",
        "load it again at the recorded revision, or generate anew",
    ),
    _sign(
        r"(?:set the option|pass the argument) .trust_remote_code=True",
        "the repository holds code of its own, which is not run unasked",
        "read it, then state args: {{trust_remote_code: true}}",
    ),
    _sign(r"Tasks (?:were )?not found: (.+?)(?:\. Try|$)", "unknown task {}", "see `lmms-eval-ja tasks`"),
    _sign(r"Model '([^']+)' not found in available models", "unknown plugin {}", "see `lmms-eval-ja models`"),
    _sign(
        r"(CUDA error: .*|no kernel image is available.*|NVIDIA driver on your system is too old.*|No CUDA GPUs are "
        r"available.*|Found no NVIDIA driver.*)",
        "the GPU cannot be used ({})",
        "look at the log, and at nvidia-smi on that machine",
    ),
    _sign(r"(CANCELLED AT .*DUE TO .*)", "the scheduler ended it ({})", "ask for more time, then run it again"),
    _sign(
        r"(\d+ of \d+ samples have a score; failures: .*(?:transport|key|budget).*)",
        "the judge did not answer all ({})",
        "look at the log; what it has answered is kept, so run it again",
    ),
    _sign(
        r"(\d+ of \d+ samples have a score; failures: .*)",
        "too many answers have no verdict ({})",
        "look at the log: generation failures are generated again, unreadable replies need another judge",
    ),
    _sign(r"(environment \S+ does not work.*|(?:making|installing) .+: uv failed.*)", "{}", "see the log"),
)
#: What the signals mean that end commands from outside.
SIGNALS = {
    signal.SIGKILL: "killed (SIGKILL), as by a machine that runs out of main memory: run fewer at once (gpus), or "
    "where there is more",
    signal.SIGTERM: "ended from outside (SIGTERM), as a scheduler does at the end of a job's time: run it again",
    signal.SIGBUS: "crashed (SIGBUS), as when /dev/shm or the disk is full",
}
