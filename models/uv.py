"""Running uv, which makes the environments; what it complains about, with what to do."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

#: How much of uv's own words a message repeats.
_LAST_LINES = 12
#: What uv writes (in lower case), and what to do about it; the first that fits.
_ADVICE: dict[tuple[str, ...], str] = {
    ("no space left", "disk quota"): "free some disk space, or move uv's cache (UV_CACHE_DIR) and the environments",
    ("no interpreter found", "no python at", "no download found"): (
        "install Python 3.11, with which the locks were made: uv python install 3.11"
    ),
    ("dns error", "failed to fetch", "error sending request", "connection", "timed out", "network"): (
        "check the connection to the package index (a mirror: UV_DEFAULT_INDEX; a proxy: HTTPS_PROXY); what was "
        "downloaded is kept, so the same command goes on"
    ),
    ("no wheels with a matching", "has no wheels", "failed to build", "no matching platform"): (
        "the locks are for Linux on x86-64: on another machine resolve requirements.in again (models/envs/README.md)"
    ),
}


class EnvironmentFault(Exception):  # noqa: N818 (OSError's old name is EnvironmentError)
    """An environment that cannot be made or used; the message says what to do."""


def uv_command() -> list[str]:
    """How uv is called here: from PATH, else as a module of this Python.

    Raises:
        EnvironmentFault: it is not installed.
    """
    if found := shutil.which("uv"):
        return [found]
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv"]
    raise EnvironmentFault("uv is not installed, which makes the environments: pip install uv")


def run_uv(words: Sequence[str], *, doing: str) -> None:
    """Run uv; on a terminal its progress bars are seen.

    Args:
        words: after `uv`.
        doing: for the message, such as "installing the packages of sarashina2".

    Raises:
        EnvironmentFault: uv ended with an error.
    """
    # An active environment of the caller must not draw uv's attention from the one that is named.
    env = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "CONDA_PREFIX"}}
    shown = sys.stderr.isatty()
    done = subprocess.run(  # noqa: S603 (uv, with words of ours)
        [*uv_command(), *words],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if shown else subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise EnvironmentFault(_complaint(doing, done.returncode, done.stderr or ""))


def _complaint(doing: str, status: int, said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line.strip()][-_LAST_LINES:]
    words = "\n  ".join(lines) or f"exit status {status}; its own words stand above"
    low = said.lower()
    advice = next((advice for signs, advice in _ADVICE.items() if any(sign in low for sign in signs)), None)
    return f"{doing}: uv failed:\n  {words}" + (f"\n{advice[0].upper()}{advice[1:]}." if advice else "")
