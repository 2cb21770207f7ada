"""Nodes of a Ray cluster, several of them on this machine, with ports and folders of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import psutil

from support import processes
from support.ports import free_port
from support.processes import MARK, command_line, marked, new_mark

TESTS = str(Path(__file__).parents[1])
_STARTED, _PATIENCE_S = "Ray runtime started.", 90
_RAY = str(Path(sys.executable).with_name("ray"))


class Node:
    """A node that `ray start` started; its processes, and what they start, carry its mark."""

    def __init__(self, words: list[str], environ: dict[str, str], gpus: int, log: Path) -> None:
        self.mark = new_mark()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *(_RAY, "start", *words, "--block", "--disable-usage-stats", f"--num-gpus={gpus}", "--num-cpus=4"),
                    *("--min-worker-port=0", "--max-worker-port=0", "--object-store-memory=83886080"),
                ],
                env=environ | {MARK: self.mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def rays(self) -> list[psutil.Process]:
        """The processes of Ray itself, without guards and commands."""
        return [process for process in marked(self.mark) if _is_rays(process)]

    def commands(self) -> list[psutil.Process]:
        """The guards and the commands of steps."""
        rays = {process.pid for process in self.rays()}
        return [process for process in marked(self.mark) if process.pid not in rays]

    def lose(self) -> None:
        """Kill Ray at once, as where a machine is lost; what workers started is left to itself."""
        for process in self.rays():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def has_ended(self) -> bool:
        """Whether `ray start` has ended."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Kill everything."""
        while marked(self.mark):
            processes.end(self.mark)
        self._process.wait()


class Nodes:
    """A cluster, as a context manager: its first node at 127.0.0.1, others at 127.0.0.2 and so on."""

    def __init__(self, gpus: int, count: int = 1) -> None:
        self._gpus, self._count = gpus, count
        # Paths of sockets are short.
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        #: For nodes and for whoever joins them.
        self.environ = os.environ | {
            "PYTHONPATH": TESTS,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": new_mark(),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_prestart_worker_first_driver": "0",
        }
        self.nodes: list[Node] = []

    @property
    def log(self) -> str:
        """What the nodes said."""
        path = self.folder / "nodes.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def __enter__(self) -> Nodes:  # noqa: PYI034 (Self is of Python 3.11)
        head = ["--head", f"--port={self._port}", f"--temp-dir={self.folder}", "--include-dashboard=false"]
        try:
            for n in range(1, self._count + 1):
                self._add([*(head if n == 1 else [f"--address={self.address}"]), f"--node-ip-address=127.0.0.{n}"])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _add(self, words: list[str]) -> None:
        """Start a node; again where Ray's own patience of 30 s did not do, on a machine that is busy."""
        for _ in range(3):
            before = self.log.count(_STARTED)
            node = Node(words, self.environ, self._gpus, self.folder / "nodes.txt")
            self.nodes.append(node)
            deadline = time.monotonic() + _PATIENCE_S
            while time.monotonic() < deadline and not node.has_ended():
                if self.log.count(_STARTED) > before:
                    return
                time.sleep(0.1)
            self.nodes.pop().end()
        raise AssertionError(self.log[-3000:])

    def _end(self) -> None:
        for node in self.nodes:
            node.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_rays(process: psutil.Process) -> bool:
    return any("/ray/" in word or word.startswith("ray::") or word == _RAY for word in command_line(process)[:4])
