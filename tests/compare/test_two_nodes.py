"""Two Ray nodes, one of which is killed in the middle: every step ends complete, none twice, nothing is left behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from support import processes
from support.driver import Driver
from support.processes import marked, until
from support.ray_nodes import Nodes
from support.standins import written

pytestmark = [pytest.mark.slow, pytest.mark.alone]
RUNS = 8


@pytest.fixture
def two_nodes() -> Iterator[Nodes]:
    pytest.importorskip("ray")
    with Nodes(gpus=2, count=2) as nodes:
        yield nodes


def test_a_node_is_lost_in_the_middle(tmp_path, two_nodes):
    mark = processes.new_mark()
    first, second = two_nodes.nodes
    driver = Driver(tmp_path, mark, runs=RUNS, seconds=1.5, address=two_nodes.address, environ=two_nodes.environ)
    try:
        # Commands run on both.
        assert until(lambda: len(first.commands()) >= 2 and len(second.commands()) >= 2, 120)
        second.lose()
        # The guards end the commands, which nobody else has killed.
        assert until(lambda: not second.commands())
        status, said = driver.end()
    finally:
        processes.end(mark)
    assert (status, said[-1]) == (0, f"complete: {2 * RUNS}")
    retried = [line for line in said if line.startswith("retry ")]
    assert 1 <= len(retried) <= 2
    assert written(tmp_path) == sorted(f"m{n}-{kind}" for n in range(RUNS) for kind in ("generate", "judge"))
    # What was lost before its worker had made a folder left none.
    assert RUNS < len(list(tmp_path.glob("runs/*/attempts/generate-*"))) <= RUNS + len(retried)
    assert until(lambda: not first.commands() and not marked(mark))
    assert until(lambda: not marked(second.mark))
    assert_no_stranger_joins(two_nodes)


def assert_no_stranger_joins(nodes: Nodes) -> None:
    """Without the token the cluster cannot be joined, and the message says what to look at."""
    code = "import sys; from lmms_eval_ja.compare.cluster import Cluster; Cluster(sys.argv[1])"
    stranger = dict(nodes.environ) | {"RAY_AUTH_TOKEN": "0" * 32}
    done = subprocess.run(
        [sys.executable, "-c", code, nodes.address], env=stranger, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"the Ray cluster at {nodes.address} cannot be joined" in done.stderr
    assert "RAY_AUTH_MODE=token" in done.stderr
