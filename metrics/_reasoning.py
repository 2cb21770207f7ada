"""What a model thinks before it answers, apart from its answer."""

import re

#: What models write around their thoughts: Qwen, DeepSeek and most others `<think>`, Kimi `◁think▷`, Magistral
#: `[THINK]`, Seed `<seed:think>`, others `<thinking>`, `<thought>`, `<reasoning>`, `<analysis>`.
_NAME = r"think(?:ing)?|thoughts?|reasoning|analysis|reflection|scratchpad"
_TAG = re.compile(
    rf"<(?P<close>/)?(?:seed:)?(?:{_NAME})\s*>|◁(?P<close_2>/)?think▷|\[(?P<close_3>/)?THINK\]|<\|(?P<token>begin|end)_of_thought\|>",
    re.IGNORECASE,
)
#: The channels of gpt-oss: what follows the last one is the answer, if that channel is the final one.
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]{0,100}<\|message\|>")
_CONTROL = re.compile(r"<\|(?:start|end|return|message|channel|im_end|endoftext|eot_id)\|>")


def strip_reasoning(text: str) -> str:
    """An answer without the thoughts that the model wrote in tags.

    Complete blocks are removed where they stand. A closing tag that nothing opened ends thoughts that began with the
    answer, as where the opening tag is part of the chat template. An opening tag that nothing closes begins thoughts
    that were cut: all after it is removed, so that nothing a model merely considered is read as its answer. Tags inside
    thoughts are thoughts.

    Args:
        text: What a model wrote.

    Returns:
        The rest, without outer white space; "" if the model never came to an answer.
    """
    channels = list(_CHANNEL.finditer(text)) if "<|channel|>" in text else []
    if channels:
        last = channels[-1]
        return _CONTROL.sub("", text[last.end() :]).strip() if last[1].lower() == "final" else ""
    kept: list[str] = []
    inside, at = False, 0
    for tag in _TAG.finditer(text):
        closes = bool(tag["close"] or tag["close_2"] or tag["close_3"]) or (tag["token"] or "").lower() == "end"
        if closes:
            if not inside:
                kept.clear()
            inside, at = False, tag.end()
        elif not inside:
            kept.append(text[at : tag.start()])
            inside = True
    if not inside:
        kept.append(text[at:])
    return "".join(kept).strip()
