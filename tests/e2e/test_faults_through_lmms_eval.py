"""Three faults of a judge through lmms-eval's command line, once and for ever, in one process and on two ranks."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from e2e.runner import Ended, evaluate
from e2e.sample_judging import ANSWERS, REQUESTS, ROWS, TASK, grade, judged_by, points, question, reply, scores
from support.judge_server import JudgeServer, Reply, user_text

pytestmark = pytest.mark.slow

WAYS = ("lmms-eval", "torchrun")
ALL = range(len(ROWS))
REASKS = 2
TOO_MANY = Reply("too many requests", status=429, headers={"Retry-After": "1"})
LOGIN_PAGE = Reply(None, body=b"<html>login</html>", headers={"Content-Type": "text/html"})
NO_CONTENT = Reply(None)
#: For each run the questions that meet a fault, and how often each of the three requests about them does.
ONCE, ALWAYS = 1, 10**9
RUNS: dict[str, tuple[dict[int, Reply], int]] = {
    "each once": ({4: TOO_MANY, 17: LOGIN_PAGE, 30: NO_CONTENT}, ONCE),
    "no reply": ({4: TOO_MANY, 17: LOGIN_PAGE}, ALWAYS),
    "no content": ({30: NO_CONTENT}, ALWAYS),
}
#: Of a request, in seconds: where faults pass, longer than a busy machine holds one up.
DEADLINES = {"each once": 60, "no reply": 6, "no content": 60}


class Judge:
    """The scripted judge, which answers the first requests of some questions with a fault."""

    def __init__(self, faults: Mapping[int, Reply], times: int) -> None:
        self._faults, self._times = faults, times
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> str | Reply:
        with self._lock:
            self._seen[user_text(body)] += 1
            met = self._seen[user_text(body)] <= self._times
        return self._faults[question(body)] if met and question(body) in self._faults else reply(body)


Run = tuple[Ended, dict[int, list[int]]]


@pytest.fixture(scope="module")
def runs(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Run]:
    """All runs, two at a time; with each, how often the three requests about each question were sent."""

    def run(key: tuple[str, str]) -> Run:
        name, way = key
        folder = tmp_path_factory.mktemp("faults")
        with JudgeServer(Judge(*RUNS[name])) as server:
            settings = {"judge_deadline_s": DEADLINES[name], "judge_reasks": REASKS}
            env = hub_env | judged_by(server.base_url, folder / "verdicts.sqlite", **settings)
            done = evaluate(folder, TASK, ANSWERS, env, way=way)
        assert server.errors == []
        sent = Counter((question(body), user_text(body)) for body in server.requests)
        return done, {n: [count for (number, _), count in sent.items() if number == n] for n in ALL}

    keys = [(name, way) for way in WAYS for name in RUNS]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(keys, pool.map(run, keys), strict=True))


def good(name: str) -> list[int]:
    """The questions that meet no fault in a run."""
    return [n for n in ALL if n not in RUNS[name][0]]


def hit(name: str) -> set[str]:
    """Their categories are too small to miss one answer: 1 of 10 to 16 is above 5 %."""
    return {ROWS[n]["category"] for n in RUNS[name][0]}


@pytest.mark.parametrize("way", WAYS)
def test_faults_that_pass_move_no_score(runs: dict[tuple[str, str], Run], way: str) -> None:
    done, sent = runs["each once", way]
    assert done.returncode == 0, done.output[-4000:]
    shown, expected = done.scores(TASK), scores(ALL)
    assert {metric: shown[metric] for metric in expected} == pytest.approx(expected, abs=1e-9)
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (1, 0, 0)
    assert done.results["lmms_eval_ja"]["tasks"][TASK]["failures"] == {}
    assert sent == {n: [1, 1, 1] if n in good("each once") else [2, 2, 2] for n in ALL}
    assert sum(map(sum, sent.values())) == REQUESTS + 3 * 3


@pytest.mark.parametrize("way", WAYS)
def test_without_a_reply_there_is_no_headline(runs: dict[tuple[str, str], Run], way: str) -> None:
    done, sent = runs["no reply", way]
    assert done.returncode == 1, done.output[-4000:]
    assert "to resume, run the same command again" in done.output
    shown, facts = done.scores(TASK), done.results["lmms_eval_ja"]["tasks"][TASK]
    expected = scores(ALL)
    whole = {"judge_mean", "model_mean", "reference_mean", "overall"}
    lost = whole | hit("no reply")
    assert {metric for metric in expected if math.isnan(shown[metric])} == lost
    rest = {metric: value for metric, value in expected.items() if metric not in lost}
    assert {metric: shown[metric] for metric in rest} == pytest.approx(rest, abs=1e-9)
    # Both protocols miss both samples.
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (38 / 40, 4, 0)
    assert (facts["failures"].keys(), facts["failures"]["transport"]["count"]) == ({"transport"}, 4)
    for metric in whole:
        assert facts["scores"][metric]["value"] is None
        assert facts["scores"][metric]["why_none"] == "38 of 40 samples have a score; failures: 2 transport"
    most = 2 * DEADLINES["no reply"]  # between two tries are half a second and more, until the deadline
    for n in ALL:
        assert sent[n] == [1, 1, 1] if n in good("no reply") else all(2 <= count <= most for count in sent[n])


@pytest.mark.parametrize("way", WAYS)
def test_a_reply_that_stays_empty_is_missing_in_every_mean(runs: dict[tuple[str, str], Run], way: str) -> None:
    done, sent = runs["no content", way]
    assert done.returncode == 0, done.output[-4000:]
    shown, facts = done.scores(TASK), done.results["lmms_eval_ja"]["tasks"][TASK]
    lost = hit("no content")
    expected = {metric: value for metric, value in scores(good("no content")).items() if metric not in lost}
    assert {metric: shown[metric] for metric in expected} == pytest.approx(expected, abs=1e-9)
    assert all(math.isnan(shown[category]) for category in lost)
    assert (shown["coverage"], shown["judge_failures"], shown["parse_failures"]) == (39 / 40, 0, 2)
    assert (facts["failures"].keys(), facts["failures"]["parse"]["count"]) == ({"parse"}, 2)
    assert facts["failures"]["parse"]["samples"] == [ROWS[30]["question_id"]]
    # Both orders of the comparison are asked for, each with its re-asks.
    assert sent == {n: [1, 1, 1] if n in good("no content") else [1 + REASKS] * 3 for n in ALL}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no reply", {4: ("transport", "HTTP 429"), 17: ("transport", "unreadable response")}),
        ("no content", {30: ("parse", "no ")}),
    ],
)
def test_the_samples_hold_scores_and_named_failures(
    runs: dict[tuple[str, str], Run], name: str, says: dict[int, tuple[str, str]], way: str
) -> None:
    samples = runs[name, way][0].samples(TASK)
    assert [sample["doc_id"] for sample in samples] == list(ALL)
    for protocol, score in (("vqa_likert", grade), ("ja_pairwise", points)):
        verdicts = [sample[f"verdict_{protocol}"] for sample in samples]
        found = [(verdict["score"], verdict["failure"]) for verdict in verdicts]
        assert found == [(None, says[n][0]) if n in says else (score(n), None) for n in ALL]
        for n, (_, reason) in says.items():
            assert verdicts[n]["reference_score"] is None
            assert verdicts[n]["reason"].startswith(reason)
    for metric in ("judge_mean", "overall"):
        assert [n for n, sample in enumerate(samples) if "influence" not in sample[metric]] == list(says)
