"""The benchmarks of the suite on a stand-in hub: their schemas, texts of our own. A new one joins by its `STAND`."""

from __future__ import annotations

from support.hub import Hub
from support.suite import cvqa, jic, jmmmu, mecha
from support.suite.stand import Stand

STANDS: tuple[Stand, ...] = (cvqa.STAND, jic.STAND, jmmmu.STAND, mecha.STAND)
#: By the names of their tasks.
STAND_OF = {task: stand for stand in STANDS for task in stand.tasks}
TASKS = tuple(STAND_OF)


def add_suite(hub: Hub) -> None:
    """Put the data of all of them on a hub."""
    for stand in STANDS:
        stand.add(hub)
