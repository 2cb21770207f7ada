"""The exit status of a run that ended without a complete score.

lmms-eval saves its files after `simple_evaluate` returns and then exits with 0, so the status can only be set when the
process ends. The plugin imports this module as early as it can: exit handlers run in reverse order, so this one comes
after those of everything that is loaded later.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys

_failed = False


def leave_with_failure() -> None:
    """Make this process end with status 1."""
    global _failed  # noqa: PLW0603 (read when the process ends)
    _failed = True


@atexit.register
def _leave() -> None:
    if _failed:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)
