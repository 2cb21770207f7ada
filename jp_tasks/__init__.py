"""The benchmarks: one folder each, with its YAML, its Python and its README."""

from pathlib import Path

#: The folder that lmms-eval searches for task YAMLs.
FOLDER = Path(__file__).parent
