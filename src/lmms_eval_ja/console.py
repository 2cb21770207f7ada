"""Where commands print: into a pipe or a file a table is as wide as its content wants, not 80 columns."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console(width=None if sys.stdout.isatty() else 240)
