"""Whoever carries out steps is interrupted or killed: nothing is left behind, and the same call completes the rest."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support import processes
from support.driver import Driver
from support.processes import command_line, marked, until
from support.ray_nodes import Nodes
from support.standins import written

pytestmark = [pytest.mark.slow, pytest.mark.alone]
#: Ray's workers that were killed while they started give up on their own after 30 s, or more on a busy machine.
RAYS_PATIENCE_S = 150


@pytest.fixture
def mark() -> Iterator[str]:
    made = processes.new_mark()
    yield made
    processes.end(made)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """One node; joining it takes less time than starting Ray for every kill."""
    pytest.importorskip("ray")
    with Nodes(gpus=3) as nodes:
        yield nodes


def commands(mark: str) -> list[psutil.Process]:
    """What steps have started, and the guards."""
    asked = ((process, command_line(process)) for process in marked(mark))
    return [process for process, line in asked if "--guard" in line or any("samples.txt" in word for word in line)]


def test_ctrl_c_ends_everything(tmp_path, mark):
    driver = Driver(tmp_path, mark, runs=3, seconds=30)
    driver.wait_until_commands_run()
    assert len(commands(mark)) >= 2
    assert driver.end(signal.SIGINT)[0] == -signal.SIGINT
    assert until(lambda: not marked(mark))
    assert written(tmp_path) == []


def test_sigterm_ends_everything_on_a_cluster_too(tmp_path, mark, cluster):
    driver = Driver(tmp_path, mark, runs=3, seconds=30, address=cluster.address, environ=cluster.environ)
    driver.wait_until_commands_run()
    assert len(cluster.nodes[0].commands()) >= 2
    assert driver.end(signal.SIGTERM)[0] == 128 + signal.SIGTERM
    assert until(lambda: not marked(mark) and not cluster.nodes[0].commands())
    assert written(tmp_path) == []


def test_a_killed_process_leaves_nothing_behind(tmp_path, mark):
    driver = Driver(tmp_path, mark, runs=3, seconds=30)
    driver.wait_until_commands_run()
    driver.end(signal.SIGKILL)
    assert until(lambda: not commands(mark))
    assert until(lambda: not marked(mark), RAYS_PATIENCE_S)
    assert not list(tmp_path.glob("runs/*/answers"))


def test_killed_at_ten_random_moments_and_started_again_it_completes(tmp_path, mark, cluster):
    chance, runs = random.Random(20240701), 20  # noqa: S311 (no secret)
    facts = {"runs": runs, "seconds": 0.5, "address": cluster.address, "environ": cluster.environ}
    done: dict[Path, int] = {}
    for _ in range(10):
        driver = Driver(tmp_path, mark, **facts)
        driver.wait_until_commands_run()
        # While three generate and two judge, at any point of it.
        time.sleep(chance.uniform(0, 0.7))
        assert driver.end(signal.SIGKILL)[0] == -signal.SIGKILL
        assert until(lambda: not commands(mark) and not cluster.nodes[0].commands())
        assert all(path.read_text() == "0\n1\n2\n3\n" for path in tmp_path.glob("runs/*/*/samples.txt"))
        # What is complete stays as it is.
        now = {path: path.stat().st_mtime_ns for path in tmp_path.glob("runs/*/*/samples.txt")}
        assert done.items() <= now.items()
        done = now
    assert 0 < len(done) < 2 * runs
    status, said = Driver(tmp_path, mark, **facts).end()
    assert (status, said[-1]) == (0, f"complete: {2 * runs}")
    assert sum(line.startswith("started ") for line in said) == 2 * runs - len(done)
    names = [f"m{n}-{kind}" for n in range(runs) for kind in ("generate", "judge")]
    assert set(written(tmp_path)) == set(names)
    # A command that wrote all and was killed before its folder was renamed is repeated; it was not complete.
    again = len(written(tmp_path)) - len(names)
    assert again <= len(list(tmp_path.glob("runs/*/attempts/*/out/gpus.txt")))
    assert until(lambda: not marked(mark))
