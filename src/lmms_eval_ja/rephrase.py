"""`lmms-eval-ja rephrase`: questions of a task in other words, written to a file for a person to go through."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from lmms_eval_ja.console import console

if TYPE_CHECKING:
    from lmms_eval_ja.jp_tasks.rephrasing.by_llm import Made, Question

#: Tasks that ask each question of another task in several wordings.
ROBUST = "_robust"
#: How many wordings the LLM is asked for, a question.
_COUNT = 4


class RephraseError(Exception):
    """No variants can be made or written; the message says why."""


@dataclass(frozen=True)
class Wish:
    """How variants are made: by which rules, by whom beside them, how many of those, in which dialect."""

    rules: tuple[str, ...] | None = None
    by: str = "rules"
    judge: str | None = None
    count: int | None = None
    dialect: str | None = None


@dataclass(frozen=True)
class Rephrased:
    """What was made: the number of questions, variants by who made them, questions without any, and refused ones."""

    questions: int
    made_by: Counter[str]
    without: Sequence[str]
    refused: Counter[str]
    asked: int


def rephrased(task: str, output: Path, wish: Wish) -> Rephrased:
    """Put the questions of a task in other words, and write them to a new file.

    Raises:
        RephraseError: an unknown task, rule, dialect or judge; a wish without anybody to make variants; data that
            cannot be loaded; no reply; no variant; a file that is there already or cannot be written.
    """
    from lmms_eval_ja.clients import SettingsError
    from lmms_eval_ja.jp_tasks.rephrasing.variant_file import check_new, write_variants

    _check(wish)
    if output.exists():  # before the data is loaded
        raise RephraseError(f"{output} exists, and somebody may have gone through it; name another file")
    try:
        questions = questions_of(task)
        check_new(output)
        made = _made(questions, wish)
        if not made.variants:
            raise RephraseError(
                f"no variant of any question of {task} (refused: {_told(made.refused) or 'none'}); nothing was written"
            )
        write_variants(output, made.variants)
    except (ValueError, KeyError, SettingsError, SystemExit) as error:
        text = error.args[0] if isinstance(error, KeyError) else error
        raise RephraseError(str(text).removeprefix("lmms-eval-ja: ")) from None
    with_any = {variant.question_id for variant in made.variants}
    return Rephrased(
        questions=len(questions),
        made_by=Counter(variant.made_by for variant in made.variants),
        without=[question.question_id for question in questions if question.question_id not in with_any],
        refused=made.refused,
        asked=made.asked,
    )


def _check(wish: Wish) -> None:
    if wish.by not in {"rules", "llm"}:
        raise RephraseError(f"unknown --by {wish.by!r}; expected rules or llm")
    if wish.by == "rules" and (wish.judge is not None or wish.count is not None):
        raise RephraseError("--judge and --variants say which LLM is asked, and for how many: add --by llm")
    if wish.by == "rules" and wish.rules == () and wish.dialect is None:
        raise RephraseError("nothing makes variants: name a rule with --rules, or add --by llm")


def questions_of(task: str) -> list[Question]:
    """The questions of a task of ours, each once; of a task in several wordings, those of the task behind it.

    Raises:
        ValueError: an unknown task.
        KeyError, TypeError: documents without the columns of a sample.
        SystemExit: the data cannot be loaded or is not the benchmark's.
    """
    from lmms_eval.tasks import TaskManager

    from lmms_eval_ja.jp_tasks import FOLDER
    from lmms_eval_ja.jp_tasks.catalogue import opened
    from lmms_eval_ja.jp_tasks.rephrasing.by_llm import Question
    from lmms_eval_ja.judges import sample_of
    from lmms_eval_ja.judges.results import FIELDS
    from lmms_eval_ja.run_data import documents

    (name, *more) = opened([task.removesuffix(ROBUST)])
    if more:
        raise ValueError(f"{task} is a group; name one of its tasks: {', '.join([name, *more])}")
    manager = TaskManager("ERROR", include_path=str(FOLDER), include_defaults=False)
    docs = documents(manager._get_config(name))  # noqa: SLF001 (the manager has no public way to a YAML)
    columns = {column for names in FIELDS.values() for column in names}
    docs = docs.select_columns([column for column in docs.column_names if column in columns])  # decodes no picture
    samples = [sample_of(doc, "") for doc in docs]
    return list({s.sample_id: Question(name, s.sample_id, s.question, s.reference) for s in samples}.values())


def _made(questions: Sequence[Question], wish: Wish) -> Made:
    """The variants, one question after another: those by rules, and then those of the LLM."""
    from lmms_eval_ja.clients import load_settings
    from lmms_eval_ja.jp_tasks.rephrasing.by_llm import Made, made_variant, variants_by_llm
    from lmms_eval_ja.jp_tasks.rephrasing.rules import RULES, RULES_VERSION, variants_by_rules

    rules = tuple(RULES) if wish.rules is None else wish.rules
    by_rules = {
        question.question_id: [
            made_variant(question, text, f"rule:{name}", str(RULES_VERSION))
            for name, text in variants_by_rules(question.text, rules, wish.dialect).items()
        ]
        for question in questions
    }
    made = Made()
    if wish.by == "llm":
        values = {} if wish.judge is None else {"LMMS_EVAL_JA_JUDGE": wish.judge}
        made = variants_by_llm(questions, load_settings(os.environ | values), wish.count or _COUNT, wish.dialect)
    for variant in made.variants:
        own = by_rules[variant.question_id]
        if variant.variant in {other.variant for other in own}:
            made.refused["no other wording"] += 1
        else:
            own.append(variant)
    made.variants = [variant for own in by_rules.values() for variant in own]
    return made


def rephrase(
    task: Annotated[str, typer.Argument(help="A task; see `lmms-eval-ja tasks`.", show_default=False)],
    *,
    output: Annotated[Path, typer.Option(help="The new file, JSONL.", show_default=False)],
    rules: Annotated[
        str | None, typer.Option(help='Names of rules, with commas (style, soften, request, order, kana); "" for none.')
    ] = None,
    by: Annotated[str, typer.Option(help="rules, or llm: an LLM is asked beside the rules.")] = "rules",
    judge: Annotated[str | None, typer.Option(help="The LLM: a judge of judge.toml, or openai.")] = None,
    variants: Annotated[
        int | None, typer.Option(min=1, max=20, help="How many the LLM is asked for, a question: 4 unless said.")
    ] = None,
    dialect: Annotated[str | None, typer.Option(help="kansai: in this dialect, too.")] = None,
) -> None:
    """Put a task's questions in other words of the same meaning, for a person to go through.

    A `_robust` task reads the file when `LMMS_EVAL_JA_VARIANTS` names it. For example:

    `lmms-eval-ja rephrase heron_bench_ja --output heron_bench_ja.jsonl --by llm --judge openai`
    """
    from lmms_eval_ja.quiet import quiet

    quiet()
    named = None if rules is None else tuple(name.strip() for name in rules.split(",") if name.strip())
    try:
        found = rephrased(task, output, Wish(named, by, judge, variants, dialect))
    except RephraseError as error:
        typer.secho(f"error: {error}", fg="red", err=True)
        raise typer.Exit(1) from None
    for line in _lines(found, output):
        console.print(escape(line), highlight=False, soft_wrap=True)


def _told(refused: Counter[str]) -> str:
    return ", ".join(f"{count:,} {why}" for why, count in refused.most_common())


def _lines(found: Rephrased, output: Path) -> list[str]:
    total = sum(found.made_by.values())
    lines = [
        f"{output}: {total:,} variants of {found.questions - len(found.without):,} of {found.questions:,} questions"
    ]
    lines += [f"  {who}: {count:,}" for who, count in found.made_by.items()]
    if found.refused:
        lines.append(f"refused: {_told(found.refused)}")
    if found.without:
        lines.append(f"without a variant: {', '.join(found.without[:10])}{' …' if len(found.without) > 10 else ''}")  # noqa: PLR2004
    return [*lines, "Read it line by line: accepted = false takes a variant out."]
