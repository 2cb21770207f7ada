"""The judged benchmarks of the suite with a scripted judge on a real connection: what it is sent and what it gives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.runner import write_answers
from e2e.worker import Worker
from support.hub import Hub
from support.judge_server import JudgeServer, user_text
from support.suite import STAND_OF, board, manga, short
from support.suite.judged import WRONG, percent_right


@pytest.fixture(scope="module", autouse=True)
def _suite(hub: Hub) -> None:
    for task in ("jammeval_heron_bench", "jawildtext_board_vqa", "llava_bench_in_the_wild_ja", "manga_vqa"):
        STAND_OF[task].add(hub)


def block(prompt: str, name: str) -> str:
    (found,) = re.findall(f"【{name} ここから】\n(.*)\n【{name} ここまで】", prompt, re.DOTALL)
    return found


def judged(
    worker: Worker, server: JudgeServer, folder: Path, task: str, answers: Mapping[str, str], **more: object
) -> Any:
    env = {"judge": "openai", "judge_base_url": server.base_url, "judge_deadline_s": 30, "judge_reasks": 0}
    env |= {"store": folder / "verdicts.sqlite"} | more
    stated = {f"LMMS_EVAL_JA_{name.upper()}": str(value) for name, value in env.items()}
    done = worker.evaluate([task], write_answers(folder / "answers" / f"{task}.jsonl", answers), stated)
    assert server.errors == []
    return done


def yes_or_no(body: dict[str, Any]) -> str:
    """Right if the answer holds the reference."""
    prompt = user_text(body)
    said = "yes" if block(prompt, "正解") in block(prompt, "評価対象の回答") else "no"
    return f'{{"extracted": "…", "reasoning": "…", "correct": "{said}"}}'


def test_a_binary_judge_gives_a_share_in_percent(worker: Worker, tmp_path: Path) -> None:
    answers = STAND_OF["jammeval_heron_bench"].answers("jammeval_heron_bench")
    longer = {id_: text if text == WRONG else f"写っているのは{text}です。" for id_, text in answers.items()}
    with JudgeServer(yes_or_no) as server:
        done = judged(worker, server, tmp_path, "jammeval_heron_bench", longer, judge_repeats=2)
    shown, facts = done.scores("jammeval_heron_bench"), done.facts("jammeval_heron_bench")
    # two of three are right, in each of the two runs
    assert shown["accuracy_judged"] == pytest.approx(percent_right())
    assert facts["scores"]["accuracy_judged"]["runs"] == pytest.approx([percent_right()] * 2)
    assert len(server.requests) == 2 * short.ROWS
    assert [entry["protocol"] for entry in facts["fingerprint"]["judging"]] == ["ja_binary"]
    # by category in percent, too: of the even rows 4 of 6 are right, of the odd ones as many
    assert {name: own["value"] for name, own in facts["by_category"].items()} == pytest.approx(
        {"food": 100 * 4 / 6, "art": 100 * 4 / 6}
    )
    first = done.samples("jammeval_heron_bench")[0]
    assert (first["verdict_ja_binary"]["score"], first["accuracy_judged"]["influence"]) == (1, 100)
    asked = user_text(server.requests[0])
    assert "上記の質問に対して" not in asked  # that is for the model
    assert block(asked, "質問").startswith("Heron-Bench-Refinedの図")


def test_a_judge_that_does_not_say_yes_or_no_is_missing_and_never_wrong(worker: Worker, tmp_path: Path) -> None:
    answers = STAND_OF["jammeval_heron_bench"].answers("jammeval_heron_bench")

    def unsure(body: dict[str, Any]) -> str:
        text = block(user_text(body), "質問")
        return '{"extracted": "", "reasoning": "不明", "correct": "maybe"}' if "の3番目" in text else yes_or_no(body)

    with JudgeServer(unsure) as server:
        done = judged(worker, server, tmp_path, "jammeval_heron_bench", answers)
    shown = done.scores("jammeval_heron_bench")
    # 11 of 12 are below 95 %: there is no headline
    assert str(shown["accuracy_judged"]) == "nan"
    assert (shown["coverage"], shown["parse_failures"]) == (pytest.approx(11 / 12), 1)


def test_the_judge_is_sent_what_stands_in_the_box(worker: Worker, tmp_path: Path) -> None:
    with JudgeServer(yes_or_no) as server:
        done = judged(worker, server, tmp_path, "jawildtext_board_vqa", board.STAND.answers("jawildtext_board_vqa"))
    shown = done.scores("jawildtext_board_vqa")
    assert (shown["accuracy_judged"], shown["unparsed"]) == (50, 25)
    # a quarter of the answers has no box, and nobody is asked about them
    sent = [block(user_text(body), "評価対象の回答") for body in server.requests]
    assert len(sent) == 9
    assert set(sent) <= {WRONG, *(row["answer"] for row in board.rows())}
    assert done.facts("jawildtext_board_vqa")["unreadable_answers"]["no box"]["count"] == 3


def test_a_grading_judge_gives_a_mean_of_1_to_10(worker: Worker, tmp_path: Path) -> None:
    def grade(body: dict[str, Any]) -> str:
        right = block(user_text(body), "模範回答") == block(user_text(body), "評価対象の回答")
        return f'{{"reasoning": "…", "score": {9 if right else 2}}}'

    with JudgeServer(grade) as server:
        done = judged(worker, server, tmp_path, "manga_vqa", manga.STAND.answers("manga_vqa"))
    # 8 of 12 are right: (8 · 9 + 4 · 2) / 12
    assert done.scores("manga_vqa")["judge_mean"] == pytest.approx(80 / 12)


def test_anchors_say_what_a_score_in_the_wild_means(worker: Worker, tmp_path: Path) -> None:
    task = "llava_bench_in_the_wild_ja"
    answers = write_answers(tmp_path / f"{task}.jsonl", STAND_OF[task].answers(task))
    done = worker.evaluate([task], answers, {"LMMS_EVAL_JA_ANCHORS": "1"})
    shown = done.scores(task)
    # the one recorded what GPT-4 answers, the other nothing to the point: 10 / 10 and 1 / 10
    assert (shown["anchor_claude_3"], shown["anchor_gemini"]) == (pytest.approx(100), pytest.approx(10))
    assert shown["overall"] == pytest.approx(STAND_OF[task].expected(task)["overall"])
