"""What an exported task or parser is given where the model has no answer; here our models mark that by themselves."""

from __future__ import annotations

#: What API models give where they got no answer.
NO_ANSWER = "[LMMS_EVAL_REQUEST_FAILED"


def generation_failure(answer: str) -> str | None:
    """Why there is no answer, or None if there is one."""
    return " ".join(answer.split()) if answer.startswith(NO_ANSWER) else None
