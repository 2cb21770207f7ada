"""`compare --reproduce`: ready comparisons of published tables, and what came of them beside what was published."""

from lmms_eval_ja.compare.reproduce.outcome import Reproduced, Verdict, rendering, reproduction
from lmms_eval_ja.compare.reproduce.ready import ReproduceError, names, ready_file

__all__ = ["ReproduceError", "Reproduced", "Verdict", "names", "ready_file", "rendering", "reproduction"]
