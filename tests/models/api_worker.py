"""Asks a server for answers in processes of their own; the words are STORE URL N CONCURRENCY OUT.

The answers are written to OUT as JSON when all are there; see `support.forking`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import openai  # noqa: F401 (imported before the fork, so that a start takes milliseconds)

from lmms_eval_ja.models.api_answers import ApiAnswers
from lmms_eval_ja.models.api_settings import ApiSettings
from lmms_eval_ja.models.generation import GenerationSettings
from lmms_eval_ja.models.questions import Question
from support.forking import serve


def messages(number: int) -> list[dict[str, Any]]:
    return [{"role": "user", "content": f"質問{number}"}]


def answer(store: str, url: str, n: str, concurrency: str, out: str) -> None:
    answers = ApiAnswers(ApiSettings.of({"model": "m", "base_url": url, "store": store, "concurrency": concurrency}))
    questions = [Question("t", k, GenerationSettings(max_new_tokens=16), partial(messages, k)) for k in range(int(n))]
    texts = [getattr(one, "text", None) for one in answers.answer(questions)]
    Path(out).write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    serve(answer)
