import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lmms_eval_ja.metrics import strip_reasoning

TAGS = [
    "<think>",
    "</think>",
    "<thinking>",
    "</thinking>",
    "[THINK]",
    "[/THINK]",
    "◁think▷",
    "◁/think▷",
    "a",
    "答え",
    "<",
    "\n",
]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("B", "B"),
        ("<think>a</think>B", "B"),
        ("<think>\na\n</think>\n\nB\n", "B"),
        ("<THINK>a</THINK>B", "B"),
        ("B<think>a</think>", "B"),
        ("B<think>a</think>C", "BC"),
        ("<think>a</think>B<think>c</think>D", "BD"),
        ("a</think>B", "B"),  # the opening tag is part of the chat template
        ("a</think>b</think>C", "C"),
        ("<think>a", ""),
        ("B<think>a", "B"),
        ("<think>a</think>", ""),
        ("<think>a<think>b</think>C", "C"),
        ("<think>a<think>b</think>c</think>D", "D"),
        ("<thinking>a</thinking>B", "B"),
        ("<thought>a</thought>B", "B"),
        ("<reasoning>a</reasoning>B", "B"),
        ("<analysis>a</analysis>B", "B"),
        ("<seed:think>a</seed:think>B", "B"),
        ("◁think▷a◁/think▷B", "B"),
        ("[THINK]a[/THINK]B", "B"),
        ("<|begin_of_thought|>a<|end_of_thought|>B", "B"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>", "B"),
        ("<|channel|>analysis<|message|>a", ""),
        ("<thinker>a</thinker>", "<thinker>a</thinker>"),
        ("2 < 3 と think", "2 < 3 と think"),
        ("", ""),
    ],
)
def test_thoughts_are_left_out(text, rest):
    assert strip_reasoning(text) == rest


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(st.lists(st.sampled_from(TAGS), max_size=12).map("".join))
def test_what_is_left_holds_no_thoughts(text):
    rest = strip_reasoning(text)
    assert strip_reasoning(rest) == rest
    assert rest in text or "think" in text.lower()
