"""Whole runs: through lmms-eval's command line, and through `simple_evaluate` in one warm process."""
