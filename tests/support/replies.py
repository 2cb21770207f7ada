"""A reply as the store keeps it, for tests to vary."""

from lmms_eval_ja.clients import StoredReply

REPLY = StoredReply(
    key="k",
    protocol="original/1",
    asked_model="asked",
    model="served",
    messages='[{"role": "user", "content": "採点"}]',
    content="8 9\n理由 𠮷",
    finish_reason="stop",
    refusal=None,
    prompt_tokens=12,
    completion_tokens=None,
    seconds=0.25,
    created=1_767_225_600.5,  # 2026-01-01T00:00:00Z and a half
)
