from __future__ import annotations

import json

import openai
import pytest

from support.batch_server import BatchServer
from support.judge_server import Reply


def line(n: int) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": f"質問{n}"}]}
    whole = {"custom_id": f"k{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(whole, ensure_ascii=False).encode()


def scripted(body: dict) -> str | Reply:
    text = body["messages"][0]["content"]
    return {"質問1": Reply("混雑", status=500), "質問2": Reply(None, close=True)}.get(text, f"返事：{text}")


@pytest.fixture
def server():
    with BatchServer(scripted, end=lambda n: "expired") as server:
        yield server


@pytest.fixture
def api(server):
    return openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0, timeout=20)


def submit(api, *numbers):
    file = api.files.create(file=("x.jsonl", b"\n".join(map(line, numbers))), purpose="batch")
    return api.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )


def test_a_batch_goes_through_its_states_and_writes_two_files(server, api):
    made = submit(api, 0, 1, 2, 3)
    assert (made.status, made.metadata, made.request_counts.total) == ("validating", {"a": "b"}, 4)
    looks = [api.batches.retrieve(made.id) for _ in range(4)]
    assert [look.status for look in looks] == ["validating", "in_progress", "expired", "expired"]
    assert (looks[-1].request_counts.completed, looks[-1].request_counts.failed) == (2, 2)
    done = [json.loads(row) for row in api.files.content(looks[-1].output_file_id).content.splitlines()]
    assert [row["custom_id"] for row in done] == ["k3", "k0"]
    assert done[0]["response"]["body"]["choices"][0]["message"]["content"] == "返事：質問3"
    failed = [json.loads(row) for row in api.files.content(looks[-1].error_file_id).content.splitlines()]
    assert [(row["custom_id"], row["response"] and row["response"]["status_code"]) for row in failed] == [
        ("k1", 500),
        ("k2", None),
    ]
    assert failed[1]["error"]["code"] == "batch_expired"
    assert server.keys == ["k0", "k1", "k2", "k3"]


def test_batches_are_listed_in_pages_the_newest_first(server, api):
    server.page = 2
    ids = [submit(api, n).id for n in range(5)]
    assert [batch.id for batch in api.batches.list()] == ids[::-1]


def test_a_cancelled_batch_keeps_what_is_done(api):
    made = submit(api, 0, 3, 4)
    assert api.batches.cancel(made.id).status == "cancelling"
    ended = api.batches.retrieve(made.id)
    assert (ended.status, ended.request_counts.completed) == ("cancelled", 2)


def test_a_wrong_file_fails_as_a_whole(server, api):
    made = submit(api, 0, 0)
    assert api.batches.retrieve(made.id).status == "failed"
    server.most_lines = 2
    errors = api.batches.retrieve(submit(api, 0, 1, 2).id).errors.data
    assert errors[0].message == "Enqueued token limit reached."


def test_a_call_can_be_interrupted_before_and_after_its_effect(server, api):
    seen = []

    def on(step, done):
        seen.append((step, done))
        return Reply("busy", status=503) if (step, done) == ("batches", True) else None

    server.on = on
    with pytest.raises(openai.InternalServerError, match="busy"):
        submit(api, 0)
    assert len(server.batches) == 1
    assert seen == [("files", False), ("files", True), ("batches", False), ("batches", True)]
    with pytest.raises(openai.NotFoundError):
        api.batches.retrieve("batch_9999")
