from __future__ import annotations

import json
import pickle
import threading

from lmms_eval_ja.judges import PARSE_FAILURES, PASSING_FAILURES, Verdict
from support.verdicts import WatchedVerdict

CONTENT = {"score": 4.0, "failure": None, "runs": []}


def test_a_verdict_is_pending_until_it_is_finished():
    verdict = Verdict()
    assert verdict == {"pending": True}
    assert not verdict.done
    assert verdict.wait(0) is False
    verdict.finish(CONTENT)
    assert verdict == CONTENT
    assert verdict.done
    assert verdict.wait(0) is True
    assert json.loads(json.dumps(verdict)) == CONTENT


def test_whoever_waits_is_woken():
    verdict, seen = Verdict(), []
    threads = [threading.Thread(target=lambda: seen.append((verdict.wait(30), verdict["score"]))) for _ in range(3)]
    for thread in threads:
        thread.start()
    verdict.finish(CONTENT)
    for thread in threads:
        thread.join(30)
    assert seen == [(True, 4.0)] * 3


def test_pickling_waits_until_it_is_finished():
    verdict, pickled = WatchedVerdict(), []
    thread = threading.Thread(target=lambda: pickled.append(pickle.dumps([verdict, verdict])))
    thread.start()
    assert verdict.waited_for.wait(30)
    assert pickled == []
    verdict.finish(CONTENT)
    thread.join(30)
    one, two = pickle.loads(pickled[0])  # noqa: S301 (our own bytes)
    assert one == CONTENT
    assert one.done
    assert one is two


def test_kinds_of_failures_do_not_overlap():
    assert sorted(PASSING_FAILURES) == ["budget", "generation", "key", "transport"]
    assert sorted(PARSE_FAILURES) == ["parse", "range"]
