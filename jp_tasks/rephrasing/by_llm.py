"""Variants of questions that an LLM writes, asked through the judge client: a reply is stored and never paid twice."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from lmms_eval_ja.clients import ChatError, ChatRequest, Settings, Store, StoredReply
from lmms_eval_ja.clients.budget import Budget
from lmms_eval_ja.jp_tasks.rephrasing.checks import fault_of
from lmms_eval_ja.jp_tasks.rephrasing.variant_file import Variant, VariantsError, question_hash
from lmms_eval_ja.judges import Judge, ReplyError
from lmms_eval_ja.judges.asking import Asker
from lmms_eval_ja.judges.checkpoint import asked_model
from lmms_eval_ja.judges.protocols.reading import last_object
from lmms_eval_ja.metrics import strip_reasoning

#: Stored with each reply: what it was asked for.
LABEL = "rephrase/1"
STANDARD, KANSAI = "標準語", "関西の方言"
_PROMPT = Path(__file__).with_name("prompt.txt")
#: Of a reply, at the least, and for each wording.
_MAX_TOKENS, _TOKENS_EACH = 1024, 200


@dataclass(frozen=True)
class Question:
    """What is put in other words: the task's name, and id, text and reference of a question."""

    task: str
    question_id: str
    text: str
    answer: str


@dataclass
class Made:
    """Variants, how many were refused for which reason, and how many replies were asked for now."""

    variants: list[Variant] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    asked: int = 0


@dataclass(frozen=True)
class _Wordings:
    wordings: list[str]
    reply: StoredReply


def messages(question: str, count: int, dialect: str | None = None) -> list[dict[str, str]]:
    """What is sent: the question stands in JSON, whose marks no text in it can close."""
    text = _PROMPT.read_text(encoding="utf-8").format(
        count=count, language=KANSAI if dialect == "kansai" else STANDARD, question=_quoted(question)
    )
    return [{"role": "user", "content": text}]


def prompt_hash() -> str:
    """The first 16 digits of the prompt's SHA-256."""
    return hashlib.sha256(_PROMPT.read_bytes()).hexdigest()[:16]


def variants_by_llm(questions: Sequence[Question], settings: Settings, count: int, dialect: str | None = None) -> Made:
    """Ask for other wordings of each question, and keep those in which a program finds no fault.

    Args:
        questions: what is asked about.
        settings: who is asked, one judge that is an LLM; the store; what may be spent.
        count: of wordings for each question.
        dialect: "kansai", or None for standard Japanese.

    Raises:
        VariantsError: the judge is a jury, no LLM, or asked by batches; or a question has no reply, though no content
            filter stopped it. Those that came are stored.
    """
    judge = Judge.of(settings)
    if judge.members or judge.is_overlap or judge.by_batch:
        raise VariantsError(
            f"the judge {settings.judge_name} writes no questions: name one LLM that is asked at once (mode live), "
            "such as openai or one of judge.toml"
        )
    return asyncio.run(_asked(questions, judge, settings, count, dialect))


async def _asked(
    questions: Sequence[Question], judge: Judge, settings: Settings, count: int, dialect: str | None
) -> Made:
    with closing(Store(settings.store)) as store:
        asker = Asker(judge, store, Budget(settings.budget_usd))
        slots = asyncio.Semaphore(judge.settings.concurrency)

        async def one(question: Question) -> _Wordings | str:
            async with slots:
                try:
                    return await _wordings(question, asker, count, dialect)
                except ChatError as error:
                    if error.kind == "filter":
                        return "stopped by the provider's filter"
                    raise

        try:
            found = await asyncio.gather(*map(one, questions), return_exceptions=True)
        finally:
            await asker.close()
        made = Made(asked=len(asker.asked))
    for question, result in zip(questions, found, strict=True):
        if isinstance(result, ChatError):
            raise VariantsError(
                f"{question.task}, question {question.question_id}: {judge.label} gave no reply ({result}); run it "
                "again: replies that came are stored"
            ) from None
        if isinstance(result, BaseException):
            raise result
    for question, answer in zip(questions, found, strict=True):
        if isinstance(answer, str):
            made.refused[answer] += 1
        elif not isinstance(answer, BaseException):
            _take(made, question, answer, dialect)
    return made


async def _wordings(question: Question, asker: Asker, count: int, dialect: str | None) -> _Wordings | str:
    """The wordings of the first reply that can be read; why there are none where none can."""
    settings = asker.judge.settings
    sampling = settings.sampling({"temperature": 0, "max_tokens": max(_MAX_TOKENS, _TOKENS_EACH * count)})
    first = ChatRequest(asked_model(settings), messages(question.text, count, dialect), sampling)
    for reask in range(settings.reasks + 1):
        reply = await asker.ask(replace(first, reask=reask), LABEL)
        try:
            wordings = last_object(strip_reasoning(reply.content or ""), "variants")["variants"]
        except ReplyError:
            wordings = None
        if isinstance(wordings, list) and all(isinstance(wording, str) for wording in wordings):
            return _Wordings(wordings, reply)
        if reply.finish_reason == "length":  # as it would be again
            return "cut at max_tokens; ask for fewer"
    return "no reply that can be read"


def _take(made: Made, question: Question, found: _Wordings, dialect: str | None) -> None:
    made_by = f"llm{'' if dialect is None else f'-{dialect}'}:{found.reply.model}"
    kept: list[str] = []
    for wording in found.wordings:
        if fault := fault_of(wording, question.text, question.answer, kept):
            made.refused[fault] += 1
            continue
        kept.append(wording.strip())
        made.variants.append(made_variant(question, kept[-1], made_by, prompt_hash()))


def made_variant(question: Question, wording: str, made_by: str, version: str) -> Variant:
    """A variant made now."""
    return Variant(
        task=question.task,
        question_id=question.question_id,
        question=question.text,
        variant=wording,
        made_by=made_by,
        version=version,
        date=datetime.now(timezone.utc).date().isoformat(),
        question_sha256=question_hash(question.text),
        answer=question.answer,
    )


def _quoted(question: str) -> str:
    return json.dumps({"question": question}, ensure_ascii=False)
