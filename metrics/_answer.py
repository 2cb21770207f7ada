"""What a failed generation looks like: the one place that defines it.

A model that could not answer must not be scored as if it had answered "". Such an answer is a string that begins with
a NUL character, which a real answer never holds after `clean_answer`. It passes through lmms-eval, its cache and its
JSON files as any other text does.
"""

_NUL = "\x00"
_MARK = f"{_NUL}failed generation: "
_NO_REASON = "no reason given"
#: What lmms-eval's own API models (openai, async_openai, gemini) give instead of an answer; seen in 0.7.3.
_UPSTREAM = "[LMMS_EVAL_REQUEST_FAILED"


def failed_generation(reason: str) -> str:
    r"""Make the text that stands for an answer that could not be generated.

    Args:
        reason: Why it failed, in words. White space is collapsed to one line, so that stop strings such as "\n\n" do
            not cut it; an empty reason becomes "no reason given".

    Returns:
        A string that begins with NUL and that `generation_failure` reads.
    """
    return _MARK + (" ".join(clean_answer(reason).split()) or _NO_REASON)


def generation_failure(answer: str) -> str | None:
    """Read why an answer could not be generated.

    Args:
        answer: A model's answer, or what `failed_generation` made.

    Returns:
        The reason, or None if the answer is a real one. What lmms-eval's own API models put in an answer's place when
        their requests fail is none either.
    """
    if answer.startswith(_UPSTREAM):
        return " ".join(answer.split())
    if not answer.startswith(_MARK.rstrip()):
        return None
    return answer[len(_MARK) :].strip() or _NO_REASON


def clean_answer(text: str) -> str:
    """Remove the NUL characters of a model's answer, so that it is never mistaken for a failed generation.

    Args:
        text: What the model wrote.

    Returns:
        The same text without NUL characters.
    """
    return text.replace(_NUL, "")
