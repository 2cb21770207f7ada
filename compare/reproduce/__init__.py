"""`compare --reproduce`: what came of a ready comparison, beside what was published."""

from lmms_eval_ja.compare.reproduce.outcome import (
    Reproduced,
    Verdict,
    disagreements,
    rendering,
    reproduction,
    tolerance,
)

__all__ = ["Reproduced", "Verdict", "disagreements", "rendering", "reproduction", "tolerance"]
