"""The exit status of a process that has been told to leave with a failure."""

from __future__ import annotations

import subprocess
import sys

import pytest

_CODE = """
import atexit
from lmms_eval_ja import exit_status
atexit.register(print, "a later handler still runs")
{call}
print("the rest still runs")
"""


@pytest.mark.parametrize(("call", "status"), [("exit_status.leave_with_failure()", 1), ("", 0)])
def test_it_is_set_at_the_very_end(call: str, status: int) -> None:
    done = subprocess.run([sys.executable, "-c", _CODE.format(call=call)], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout.splitlines() == ["the rest still runs", "a later handler still runs"]
