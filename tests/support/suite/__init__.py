"""The benchmarks of the suite on a stand-in hub: their schemas, texts of our own. A new one joins by its `STAND`."""

from __future__ import annotations

from pathlib import Path

from support.hub import Hub
from support.suite import (
    align,
    board,
    cc_ocr,
    cvqa,
    jdocqa,
    jgraph,
    jic,
    jmmmu,
    llava,
    manga,
    mecha,
    multi,
    perception,
    short,
    wild,
)
from support.suite.stand import Stand

STANDS: tuple[Stand, ...] = (
    cvqa.STAND,
    jic.STAND,
    jmmmu.STAND,
    mecha.STAND,
    multi.STAND,
    llava.STAND,
    short.STAND,
    board.STAND,
    manga.STAND,
    jdocqa.STAND,
    cc_ocr.STAND,
    # after board, whose repository it completes
    wild.STAND,
    jgraph.STAND,
    perception.STAND,
    align.STAND,
)
#: By the names of their tasks.
STAND_OF = {task: stand for stand in STANDS for task in stand.tasks}
TASKS = tuple(STAND_OF)


def add_suite(hub: Hub) -> None:
    """Put the data of all of them on a hub."""
    for stand in STANDS:
        stand.add(hub)


def suite_environ(folder: Path) -> dict[str, str]:
    """What stands beside the hub, put into a folder: texts that are fetched elsewhere, and the user's own pages."""
    llava.place(folder / "assets")
    manga.place(folder / "Manga109")
    perception.place(folder / "assets")
    return {"LMMS_EVAL_JA_ASSETS": str(folder / "assets"), "LMMS_EVAL_JA_MANGA109": str(folder / "Manga109")}
