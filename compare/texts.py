"""What can be counted in many answers at once, as `metrics` defines it for one; columns of pyarrow in and out."""

from __future__ import annotations

from typing import Any

from lmms_eval_ja.metrics import JAPANESE_CHARACTERS, failed_generation, generation_failure


def failures_of_generation(answers: Any) -> Any:
    """Why an answer is none (`generation_failure`); null for a real answer."""
    import pyarrow as pa
    import pyarrow.compute as pc

    mark = failed_generation("x")[:1]
    if not pc.any(pc.starts_with(answers, mark)).as_py():
        return pa.nulls(len(answers), pa.string())
    return pa.array([None if text is None else generation_failure(text) for text in answers.to_pylist()], pa.string())


def characters(answers: Any) -> Any:
    """The length of each answer in characters; null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(pc.utf8_length(answers), pa.int32())


def japanese_shares(answers: Any) -> Any:
    """The share of each answer's letters that is Japanese script (`japanese_share`); null where there is no letter."""
    import pyarrow as pa
    import pyarrow.compute as pc

    letters = pc.replace_substring_regex(answers, r"[^\p{L}]+", "")
    japanese = pc.replace_substring_regex(letters, f"[^{JAPANESE_CHARACTERS}]+", "")
    total = pc.cast(pc.utf8_length(letters), pa.float64())
    known = pc.if_else(pc.equal(total, 0), pa.scalar(None, pa.float64()), total)
    return pc.cast(pc.divide(pc.cast(pc.utf8_length(japanese), pa.float64()), known), pa.float32())
