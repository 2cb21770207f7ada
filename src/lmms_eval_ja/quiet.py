"""Our own commands are quiet about what lmms-eval does beneath them."""

from __future__ import annotations

import sys


def quiet() -> None:
    """Log warnings and worse only: lmms-eval logs at level DEBUG unless its own command has set the level."""
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING", format="{level}: {message}")
