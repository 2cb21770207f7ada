"""`--model ja_api` against a scripted server on loopback; a whole run with it is in tests/e2e/test_api_model.py."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import os
import random
import re
import signal
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from lmms_eval_ja.clients import Store, chat
from lmms_eval_ja.metrics import generation_failure
from lmms_eval_ja.models import api_messages
from lmms_eval_ja.models.api import ApiModel
from lmms_eval_ja.models.api_settings import ApiSettings
from support.forking import Forking
from support.judge_server import JudgeServer, Reply, user_text

WORKER = Path(__file__).with_name("api_worker.py")
KEY = "sk-test-0123456789abcdef"


def picture(seed: int, mode: str = "RGB") -> Image.Image:
    noise = random.Random(seed)  # noqa: S311
    return Image.frombytes(mode, (7, 5), noise.randbytes(7 * 5 * len(Image.new(mode, (1, 1)).getbands())))


DOCS = [{"question": f"質問{n}", "image": picture(n)} for n in range(40)]


def messages(doc: dict[str, Any]) -> list[dict[str, Any]]:
    """As lmms-eval's default: the images, then the text."""
    content = [{"type": "image", "url": doc["image"]}, {"type": "text", "text": doc["question"]}]
    return [{"role": "user", "content": content}]


def requests(*doc_ids: int, to_messages=messages, **stated: Any) -> list[Any]:
    return [SimpleNamespace(args=("", to_messages, {"until": []} | stated, n, "t", "test")) for n in doc_ids]


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Makes models on one store."""
    monkeypatch.setattr(chat, "FIRST_WAIT_S", 0.001)

    def make(server: JudgeServer, docs=DOCS, **more: Any) -> ApiModel:
        given = {"base_url": server.base_url, "store": str(tmp_path / "answers.sqlite"), "deadline_s": 20} | more
        made = ApiModel("asked", **given)
        made.task_dict["t"] = {"test": docs}
        return made

    return make


def number(body: dict[str, Any]) -> int:
    return int(re.search(r"質問(\d+)", user_text(body))[1])


def echo(body: dict[str, Any]) -> str:
    return f"回答{number(body)}"


def texts(results: list[Any]) -> list[str]:
    return [result.text for result in results]


def sent_image(part: dict[str, Any]) -> Image.Image:
    header, data = part["image_url"]["url"].split(",")
    assert header == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


# --- what is sent ---


def test_answers_come_in_the_order_of_the_requests_and_all_are_in_flight_together(model):
    def later_first(body):
        return Reply(echo(body), delay_s=0.4 - 0.1 * (number(body) % 4))

    with JudgeServer(later_first) as server:
        got = model(server).generate_until(requests(3, 0, 2, 1))
    assert texts(got) == ["回答3", "回答0", "回答2", "回答1"]
    assert server.peak == 4


def test_no_more_requests_are_out_than_concurrency_says(model):
    with JudgeServer(lambda body: Reply(echo(body), delay_s=0.02)) as server:
        model(server, concurrency=3).generate_until(requests(*range(20)))
    assert server.peak == 3


def test_text_and_images_stand_in_their_places_and_no_pixel_is_lost(model):
    images = [picture(1), picture(2, "RGBA"), picture(3, "L")]

    def interleaved(doc):
        parts = ["一枚目", images[0], "二枚目", images[1], "三枚目", images[2], "違いは？"]
        content = [{"type": "text", "text": p} if isinstance(p, str) else {"type": "image", "url": p} for p in parts]
        return [
            {"role": "system", "content": [{"type": "text", "text": "短く。"}]},
            {"role": "user", "content": content},
        ]

    with JudgeServer(lambda body: "ok") as server:
        model(server).generate_until(requests(0, to_messages=interleaved))
    system, user = server.requests[0]["messages"]
    assert system == {"role": "system", "content": "短く。"}
    kinds = [part.get("text", "image") for part in user["content"]]
    assert kinds == ["一枚目", "image", "二枚目", "image", "三枚目", "image", "違いは？"]
    for part, image in zip(user["content"][1::2], images, strict=False):
        assert sent_image(part).tobytes() == image.convert("RGB").tobytes()


def test_a_system_prompt_goes_before_what_has_none(model):
    with JudgeServer(echo) as server:
        model(server, system_prompt="日本語で。").generate_until(requests(0))
    assert server.requests[0]["messages"][0] == {"role": "system", "content": "日本語で。"}


def test_what_a_task_states_is_sent_under_the_names_of_the_api(model):
    stated = {"max_new_tokens": 77, "temperature": 0.5, "do_sample": True, "top_p": 0.9, "until": ["\n\n", "Q:"]}
    with JudgeServer(echo) as server:
        model(server).generate_until(requests(0, **stated) + requests(1))
    bodies = {number(body): body for body in server.requests}
    sent = [{k: v for k, v in bodies[n].items() if k not in {"messages", "model"}} for n in (0, 1)]
    assert sent[0] == {"max_tokens": 77, "temperature": 0.5, "top_p": 0.9, "stop": ["\n\n", "Q:"]}
    assert sent[1] == {"max_tokens": 1024, "temperature": 0.0}


def test_a_reasoning_model_gets_no_temperature_and_no_stop_but_is_cut_at_it(model):
    with JudgeServer(lambda body: "白い猫\nQ: 次") as server:
        got = model(server, reasoning=True).generate_until(requests(0, until=["Q:"], max_new_tokens=64))
    assert {k: v for k, v in server.requests[0].items() if k not in {"messages", "model"}} == {
        "max_completion_tokens": 8192
    }
    assert texts(got) == ["白い猫"]


def test_of_many_stop_strings_four_are_sent_and_all_hold(model):
    with JudgeServer(lambda body: "答えE以下") as server:
        got = model(server).generate_until(requests(0, until=list("ABCDE")))
    assert server.requests[0]["stop"] == list("ABCD")
    assert texts(got) == ["答え"]


def test_model_arguments_go_before_what_a_task_states(model):
    given = {"temperature": 0.7, "top_p": 0.8, "max_tokens": 9, "seed": 5, "extra_body": '{"top_k":20}'}
    with JudgeServer(echo) as server:
        model(server, concurrency=1, **given).generate_until(requests(0, 0, temperature=0, do_sample=False))
    keys = ("temperature", "top_p", "max_tokens", "seed", "top_k")
    assert sorted([body[key] for key in keys] for body in server.requests) == [
        [0.7, 0.8, 9, 5, 20],
        [0.7, 0.8, 9, 6, 20],  # a sample of its own, so a seed of its own
    ]


def test_equal_questions_without_chance_are_asked_once(model):
    with JudgeServer(echo) as server:
        got = model(server).generate_until(requests(0, 1, 0))
    assert (texts(got), len(server.requests)) == (["回答0", "回答1", "回答0"], 2)


def test_inside_a_running_event_loop(model):
    async def notebook(server):
        return texts(model(server).generate_until(requests(0)))

    with JudgeServer(echo) as server:
        assert asyncio.run(notebook(server)) == ["回答0"]


def test_azure(model, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    with JudgeServer(echo, require_key=KEY) as server:
        asked = model(server, provider="azure", base_url=server.azure_url, api_version="2024-10-21")
        assert texts(asked.generate_until(requests(0))) == ["回答0"]
    assert server.calls == [("POST", "/openai/deployments/asked/chat/completions?api-version=2024-10-21")]


def test_a_large_image_is_made_smaller_where_that_is_asked_for(model):
    docs = [{"question": "質問0", "image": Image.new("RGB", (400, 100), "red")}]
    with JudgeServer(echo) as server:
        model(server, docs, max_pixels=10_000).generate_until(requests(0))
    assert sent_image(server.requests[0]["messages"][0]["content"][0]).size == (200, 50)


# --- what comes back ---

FILTERED = {"error": {"message": "filtered", "type": "invalid_request_error", "code": "content_filter"}}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(" 白い猫です。\n"), "白い猫です。"),
        (Reply("白\x00い\x00猫"), "白い猫"),
        (Reply("途中で切れ", finish_reason="length"), "途中で切れ"),
        (Reply(None), ""),
        (Reply(""), ""),
        (Reply(None, refusal="お答えできません。"), "お答えできません。"),
    ],
)
def test_answers(model, reply, expected):
    with JudgeServer(lambda body: reply) as server:
        assert texts(model(server).generate_until(requests(0))) == [expected]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply("", finish_reason="length"), "cut at the token limit before any text came (0 tokens)"),
        (Reply(None, finish_reason="tool_calls"), "the reply holds no text (finish_reason: tool_calls)"),
        (Reply("途中", finish_reason="content_filter"), "the provider's content filter"),
        (Reply(None, status=400, body=json.dumps(FILTERED).encode()), "the provider's content filter: HTTP 400"),
        (Reply("overloaded", status=503), "no reply: HTTP 503"),
        (Reply("no such model", status=404), "no reply: HTTP 404"),
        (Reply("", body=b"<html>"), "no reply: unreadable response"),
        (Reply("", close=True), "no reply: APIConnectionError"),
    ],
)
def test_a_request_without_an_answer_is_a_named_failure(model, reply, reason):
    with JudgeServer(lambda body: reply if number(body) == 1 else echo(body)) as server:
        first, second = texts(model(server, deadline_s=2).generate_until(requests(0, 1)))
    assert first == "回答0"
    assert generation_failure(second).startswith(f"t doc_id 1: {reason}")


@pytest.mark.parametrize("fault", [Reply("busy", 429), Reply("down", 503), Reply("", close=True), Reply("", body=b"{")])
def test_a_fault_that_passes_is_asked_again(model, fault):
    with JudgeServer(lambda body: fault if len(server.requests) == 1 else echo(body)) as server:
        assert texts(model(server).generate_until(requests(0))) == ["回答0"]
    assert len(server.requests) == 2


def test_an_image_that_does_not_decode_is_a_named_failure_and_nothing_is_sent(model, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno")
    docs = [DOCS[0], {"question": "質問1", "image": str(tmp_path / "broken.png")}]
    with JudgeServer(echo) as server:
        good, bad = texts(model(server, docs).generate_until(requests(0, 1)))
    assert good == "回答0"
    assert "t doc_id 1: an image that does not decode" in generation_failure(bad)
    assert len(server.requests) == 1


def test_an_image_that_is_too_large_to_be_sent(model, monkeypatch):
    monkeypatch.setattr(api_messages, "LARGEST_BYTES", 10)
    with JudgeServer(echo) as server:
        (failed,) = texts(model(server).generate_until(requests(0)))
    assert "an image of 7 × 5 pixels has 0.0 MB" in generation_failure(failed)
    assert "max_pixels" in generation_failure(failed)
    assert server.requests == []


def test_token_counts(model):
    with JudgeServer(echo) as server:
        (result,) = model(server).generate_until(requests(0))
    assert result.token_counts.to_dict() == {"input_tokens": 3 + 85, "output_tokens": 3}  # 質問0 and an image; 回答0


# --- a server of no use ---


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_key_env": "MY_KEY"}, "does not take the key in MY_KEY"),
        ({"api_key_env": "NO_KEY"}, "wants a key: set NO_KEY"),
        ({}, "wants a key: name its variable in api_key_env=VARIABLE"),
    ],
)
def test_a_rejected_key_stops_at_once(model, monkeypatch, given, said):
    monkeypatch.setenv("MY_KEY", KEY)
    with JudgeServer(echo, require_key="another") as server, pytest.raises(SystemExit, match=said) as stop:
        model(server, concurrency=2, **given).generate_until(requests(*range(40)))
    assert KEY not in str(stop.value)
    assert len(server.requests) <= 2


def test_a_server_that_answers_nothing_is_given_up(model):
    with JudgeServer(lambda body: Reply("no such model", status=404)) as server:
        asked = model(server, concurrency=1, max_failures_in_row=5)
        with pytest.raises(SystemExit, match=r"answered none of 40 documents: HTTP 404.*no such model"):
            asked.generate_until(requests(*range(40)))
    assert len(server.requests) == 5


def test_a_server_that_dies_is_given_up_and_another_run_asks_for_the_rest(model):
    with JudgeServer(lambda body: Reply("gone", status=404) if number(body) >= 10 else echo(body)) as server:
        asked = model(server, concurrency=1, max_failures_in_row=3)
        asked.generate_until(requests(*range(10)))
        first = texts(asked.generate_until(requests(*range(40))))
    assert first[:10] == [f"回答{n}" for n in range(10)]
    reasons = [generation_failure(text) for text in first[10:]]
    assert sum("not asked: the model asked was given up after: HTTP 404" in reason for reason in reasons) == 27
    assert len(server.requests) == 13
    with JudgeServer(echo) as server:
        assert texts(model(server).generate_until(requests(*range(40)))) == [f"回答{n}" for n in range(40)]
    assert sorted(number(body) for body in server.requests) == list(range(10, 40))


# --- answers survive ---


def test_nothing_is_asked_twice(model):
    with JudgeServer(echo) as server:
        first = model(server).generate_until(requests(*range(9)))
        assert model(server).generate_until(requests(*range(9))) == first
        assert model(server, mode="store").generate_until(requests(*range(9))) == first
        assert len(server.requests) == 9
        other_image = [DOCS[0] | {"image": picture(99)}]
        model(server, other_image).generate_until(requests(0))
        model(server, revision="step-2000").generate_until(requests(0))
        model(server).generate_until(requests(0, max_new_tokens=7))
        assert len(server.requests) == 12


def test_mode_store_asks_nobody(model):
    with JudgeServer(echo) as server:
        (failed,) = texts(model(server, mode="store").generate_until(requests(0)))
    assert "nobody is asked (mode 'store')" in generation_failure(failed)
    assert server.calls == []


def test_a_store_that_cannot_be_used(model, tmp_path):
    (tmp_path / "file").touch()
    with JudgeServer(echo) as server, pytest.raises(SystemExit, match="store=FILE or LMMS_EVAL_JA_ANSWER_STORE"):
        model(server, store=str(tmp_path / "file" / "answers.sqlite")).generate_until(requests(0))


def test_the_store_can_be_named_by_a_variable(monkeypatch, tmp_path):
    assert ApiSettings.of({"model": "m"}).store.name == "answers.sqlite"
    monkeypatch.setenv("LMMS_EVAL_JA_ANSWER_STORE", str(tmp_path / "mine.sqlite"))
    assert ApiSettings.of({"model": "m"}).store == tmp_path / "mine.sqlite"


def stored(path: Path) -> set[int]:
    with closing(Store(path)) as store:
        return {number({"messages": json.loads(reply.messages)}) for reply in store}


def test_ten_kills_at_random_moments(tmp_path):
    store, out, n = tmp_path / "answers.sqlite", tmp_path / "out.json", 60
    chance = random.Random(4)  # noqa: S311
    with JudgeServer(lambda body: Reply(echo(body), delay_s=0.05)) as server:
        worker = Forking(WORKER)
        for kills in range(40):
            before = len(server.requests)
            known = stored(store)
            if len(known) > n - 15 or (kills >= 10 and known):
                break  # on a busy machine it may take more than ten until an answer is stored
            pid = worker.start(store, server.base_url, n, 3, out)
            ending = time.monotonic() + 60
            while len(server.requests) == before and time.monotonic() < ending:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.15))
            os.kill(pid, signal.SIGKILL)
            worker.wait(pid)
            assert not known & {number(body) for body in server.requests[before:]}
        assert not out.exists()
        known, before = stored(store), len(server.requests)
        assert kills > 3
        assert 0 < len(known) < n
        assert worker.run(store, server.base_url, n, 3, out) == 0
        worker.end()
    assert json.loads(out.read_text(encoding="utf-8")) == [f"回答{k}" for k in range(n)]
    assert Counter(number(body) for body in server.requests[before:]) == Counter(set(range(n)) - known)


# --- money ---


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="lmms_eval_ja")
    return caplog


def test_cost_is_told_at_the_end(model, log):
    prices = {"price_input": 1000, "price_output": 2000}  # US dollars per million tokens
    with JudgeServer(echo) as server:
        asked = model(server, **prices)
        asked.generate_until(requests(0, 1))
        asked.generate_until(requests(0, 1, 2))
    # 2 × (88 × $0.001 + 3 × $0.002) = $0.188; then one more
    assert "answers: 2 new, 0 from" in log.messages[0]
    assert "served by scripted-judge-2026-01-01; 0 cut at the token limit; 0 failed" in log.messages[0]
    assert "new tokens: 176 in, 6 out; cost: $0.1880" in log.messages[0]
    assert "answers: 1 new, 2 from" in log.messages[1]
    assert "cost: $0.0940" in log.messages[1]


def test_cut_answers_and_failures_are_counted(model, log):
    def reply(body):
        return Reply("途中", finish_reason="length") if number(body) < 3 else Reply("", status=404)

    with JudgeServer(reply) as server:
        model(server, concurrency=1).generate_until(requests(*range(10)))
    assert "3 cut at the token limit; 7 failed" in log.messages[0]
    assert [message for message in log.messages if message.startswith("no answer for t doc_id 3: no reply: HTTP 404")]
    assert log.messages[-1] == "… and for 2 more"


def test_settings_that_have_no_field_are_named_once(model, log):
    stated = {"temperature": 1.0, "do_sample": True, "top_k": 7, "repetition_penalty": 1.1}
    with JudgeServer(echo) as server:
        model(server).generate_until(requests(0, 1, **stated))
    said = [message for message in log.messages if "does not send" in message]
    assert said == ["ja_api does not send top_k, repetition_penalty; what the server takes may stand in extra_body"]


def test_an_unknown_price_is_not_guessed(model, log):
    with JudgeServer(echo) as server:
        model(server).generate_until(requests(0))
    assert log.messages[0].endswith("cost: 91 tokens")


def test_a_budget_stops_cleanly_and_another_run_goes_on(model):
    given = {"price_input": 0, "price_output": 1000, "max_tokens": 10, "concurrency": 1, "budget_usd": 0.035}
    with JudgeServer(lambda body: f"{echo(body):あ<10}") as server:  # 10 tokens, $0.01
        asked = model(server, **given)
        first = texts(asked.generate_until(requests(*range(5))))
        failures = [reason for text in first if (reason := generation_failure(text))]
        assert len(failures) == 2
        assert all("budget: " in reason and "the budget of $0.035 has $0.0050 left" in reason for reason in failures)
        assert all("raise budget_usd in --model_args and run again" in reason for reason in failures)
        asked.generate_until(requests(*range(5)))
        assert len(server.requests) == 3  # the budget is of all that this process asks
        rest = texts(model(server, **given).generate_until(requests(*range(5))))
    assert rest == [f"回答{n}".ljust(10, "あ") for n in range(5)]
    assert len(server.requests) == 5


def test_ranks_share_concurrency_and_budget():
    given = {"model": "m", "concurrency": 64, "budget_usd": 3.0, "price_input": 1, "price_output": 1}
    settings = ApiSettings.of(given, ranks=3)
    assert (settings.server.concurrency, settings.budget_usd) == (21, 1.0)
    assert ApiSettings.of({"model": "m", "concurrency": 2}, ranks=3).server.concurrency == 1


# --- what is refused ---


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "model=NAME is missing"),
        ({"model": "m", "pretrained": "x"}, "unknown model argument pretrained; expected model, base_url"),
        ({"model": "m", "api_key": KEY}, "unknown model argument api_key.*from the environment only: api_key_env"),
        ({"model": "m", "api_key_env": KEY}, "api_key_env: String should match pattern"),
        ({"model": "m", "base_url": f"http:/{KEY}"}, "base_url: Value error, no address"),
        ({"model": "m", "base_url": f"http://me:{KEY}@127.0.0.1/v1"}, "base_url holds a name or password"),
        ({"model": "m", "provider": "transformers"}, "provider=transformers: expected openai or azure"),
        ({"model": "m", "provider": "azure"}, "provider azure needs base_url.*and api_version"),
        ({"model": "m", "mode": "batch"}, "mode=batch: expected live or store"),
        ({"model": "m", "concurrency": 0}, "concurrency: Input should be greater than or equal to 1 .got 0."),
        ({"model": "m", "temperature": "warm"}, "temperature: .*got 'warm'"),
        ({"model": "m", "extra_body": "top_k"}, "extra_body: expected a JSON object"),
        ({"model": "m", "budget_usd": -1}, "budget_usd=-1: expected a number above 0"),
        ({"model": "m", "max_pixels": "big"}, "max_pixels=big: expected a number above 0"),
        ({"model": "m", "price_input": 1}, "price_input is stated without price_output"),
        ({"model": "nobody-knows", "budget_usd": 1}, "no price is known for nobody-knows: state price_input"),
    ],
)
def test_arguments_that_make_no_sense(given, said):
    with pytest.raises(SystemExit, match=said) as stop:
        ApiSettings.of(given)
    assert KEY not in str(stop.value)


def test_what_lmms_eval_passes_to_every_model_is_ignored():
    made = ApiModel.create_from_arg_string(
        "model=m,base_url=http://127.0.0.1:1/v1,concurrency=8",
        {"batch_size": 1, "max_batch_size": None, "device": "cpu"},
    )
    assert (made.settings.server.base_url, made.settings.server.concurrency) == ("http://127.0.0.1:1/v1", 8)
    assert made.is_simple is False


def test_generation_settings_that_make_no_sense(model):
    with JudgeServer(echo) as server, pytest.raises(SystemExit, match="max_new_tokens = 0 makes no sense"):
        model(server).generate_until(requests(0, max_new_tokens=0))


def test_likelihoods_are_refused(model):
    with JudgeServer(echo) as server, pytest.raises(SystemExit, match="no likelihoods; choose a task that generates"):
        model(server).loglikelihood(requests(0))


# --- several rounds ---


def test_rounds(model):
    def rounds(doc, round_idx=0, previous_output=(), previous_round_info=None):
        first = messages(doc)
        if not round_idx:
            return first
        turns = [{"role": "assistant", "content": previous_output[0]}, {"role": "user", "content": "質問9"}]
        return [*first, *turns], round_idx == 2, None, None

    with JudgeServer(lambda body: Reply("", 404) if number(body) == 1 else echo(body)) as server:
        got = model(server).generate_until_multi_round(requests(0, 1, to_messages=rounds))
    assert got[0] == ["回答0", "回答9"]
    assert "no reply: HTTP 404" in generation_failure(got[1][0])
    assert [m["role"] for m in server.requests[-1]["messages"]] == ["user", "assistant", "user"]
