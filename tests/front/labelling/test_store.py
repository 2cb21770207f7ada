"""The file of labels: whole at any time, the same after a restart, of one process at a time."""

from __future__ import annotations

import contextlib
import csv
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lmms_eval_ja.labelling.items import Item, LabelError
from lmms_eval_ja.labelling.store import Entry, LabelStore
from lmms_eval_ja.trusted import TrustedError, read_scores

SCALES = {"t": (1, 5)}
BOTH = A, B = tuple(Item("t", n, ("model",), ("x",), category="conv", image=f"p{n}") for n in (1, 2))


@contextlib.contextmanager
def opened(path, target="answers", scales=None):
    store = LabelStore(path, target, SCALES if scales is None else scales)
    try:
        yield store
    finally:
        store.close()


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels" / "answers.csv"


def test_a_rating_is_a_row_that_others_read(path):
    with opened(path) as store:
        store.put("佐藤", A, Entry(4, comment='"引用", と\n改行', seconds=3.14, at="2026-01-01T00:00:00+00:00"))
        (row,) = rows_of(path)
    assert row == {
        "model": "model",
        "task": "t",
        "doc_id": "1",
        "score": "4",
        "scale": "1-5",
        "rater": "佐藤",
        "category": "conv",
        "image": "p1",
        "comment": '"引用", と\n改行',
        "seconds": "3.1",
        "at": "2026-01-01T00:00:00+00:00",
        "flag": "0",
    }
    (scored,) = read_scores(path)
    assert (scored.score, scored.category, scored.image, scored.scale) == (4, "conv", "p1", (1, 5))


def test_the_last_word_counts_and_undo_goes_back_step_by_step_also_after_a_restart(path):
    with opened(path) as store:
        for item, value in ((A, 2), (B, 5), (A, 3)):
            store.put("r", item, Entry(value))
        assert [row["score"] for row in rows_of(path)] == ["3", "5"]
    with opened(path) as store:
        assert store.undo("r", BOTH) == A
        assert store.entry("r", A) == Entry(2)
        assert store.undo("r", BOTH) == B
        assert store.entry("r", B) is None
        assert [row["score"] for row in rows_of(path)] == ["2"]
        assert store.undo("other", BOTH) is None
    with opened(path) as store:
        assert store.undo("r", BOTH) == A
        assert store.undo("r", BOTH) is None
        assert rows_of(path) == []


def test_passing_over_leaves_no_row_and_a_comment_alone_has_no_score(path):
    with opened(path) as store:
        store.put("r", A, Entry())
        store.put("r", B, Entry(comment="?", flag=True))
        (row,) = rows_of(path)
    assert [row[name] for name in ("doc_id", "score", "scale", "seconds", "flag")] == ["2", "", "", "", "1"]
    (scored,) = read_scores(path)
    assert scored.score is None


def test_raters_at_once_lose_nothing(path):
    items = [Item("t", n, ("model",), ("x",)) for n in range(25)]
    with opened(path) as store, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda rater: [store.put(rater, item, Entry(3)) for item in items], "ABCD"))
    assert len(rows_of(path)) == 100
    assert len({(row["rater"], row["doc_id"]) for row in rows_of(path)}) == 100
    assert {len(one.by_rater) for one in read_scores(path)} == {4}


def test_a_line_that_was_broken_off_is_cut_away(path):
    with opened(path) as store:
        store.put("r", A, Entry(4))
        journal = store._journal.path
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"rater": "r", "item"')
    path.unlink()
    with opened(path) as store:
        assert store.entry("r", A) == Entry(4)
        store.put("r", B, Entry(1))
    assert [row["score"] for row in rows_of(path)] == ["4", "1"]
    assert all(json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines())
    journal.write_bytes(b"{}x\n" + whole)
    with pytest.raises(LabelError, match="line 1: no JSON"), opened(path):
        pass


def test_a_second_server_another_kind_and_a_strangers_file_are_refused(path, tmp_path):
    with opened(path) as store:
        with pytest.raises(LabelError, match="written by another `lmms-eval-ja label`"), opened(path):
            pass
        store.put("r", A, Entry(4))
    with pytest.raises(LabelError, match="labels of another kind"), opened(path, "references"):
        pass
    journal = path.with_name(f"{path.name}.journal")
    later = path.with_name("later.csv.journal")
    later.write_text(journal.read_text(encoding="utf-8").replace('"version": 2', '"version": 3'), encoding="utf-8")
    said = r"later.csv.journal holds labels by another version of this command \(lines of version 3, here 2\): name "
    with pytest.raises(LabelError, match=said), opened(later.with_suffix("")):
        pass
    own = tmp_path / "own.csv"
    own.write_text("model,task\n")
    with pytest.raises(LabelError, match="not written by this command"), opened(own):
        pass
    assert own.read_text() == "model,task\n"


def test_two_texts_are_written_with_the_one_that_is_preferred(path):
    pair = Item("t", 1, ("a", "b"), ("x", "y"), of="m", image="p")
    with opened(path, "pairs", {}) as store:
        store.put("r", pair, Entry("b", left="b"))
    (row,) = rows_of(path)
    assert [row[name] for name in ("first", "second", "preferred", "left")] == ["a", "b", "b", "b"]
    with pytest.raises(TrustedError, match="holds preferences"):
        read_scores(path)


RATE_FOR_EVER = """
import sys
from pathlib import Path
from lmms_eval_ja.labelling.items import Item
from lmms_eval_ja.labelling.store import Entry, LabelStore
store = LabelStore(Path(sys.argv[1]), "answers", {"t": (1, 5)})
for n in range(10_000):
    store.put("r", Item("t", n, ("model",), ("x",)), Entry(1 + n % 5))
    print(n + 1, flush=True)
"""


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_acknowledged(path):
    words = [sys.executable, "-c", RATE_FOR_EVER, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= 30:
                break
        process.kill()
        said = int([line, *process.stdout.read().split()][-1])
    with opened(path) as store:
        kept = store.entries("r")
    assert len(kept) in {said, said + 1}
    assert [int(row["score"]) for row in rows_of(path)] == [1 + n % 5 for n in range(len(kept))]


def test_a_rating_counts_once_where_the_file_cannot_be_written(path):
    with opened(path) as store:
        store.put("r", A, Entry(2))
        blocked = path.with_name(f".{path.name}.partial")
        blocked.mkdir()  # no file can take its place
        store.put("r", A, Entry(3))
        store.put("r", B, Entry(4))
        assert store.undo("r", BOTH) == B
        assert store.undo("r", BOTH) == A
        assert store.entry("r", A) == Entry(2)
        store.put("r", B, Entry(5))
        blocked.rmdir()
    assert [(row["doc_id"], row["score"]) for row in rows_of(path)] == [("1", "2"), ("2", "5")]


@pytest.mark.parametrize("line", ['{"rater": "r", "undo": true}', '{"rater": "r"}', '{"rater": "r", "item": 1}'])
def test_a_line_of_somebody_elses_is_named(path, line):
    with opened(path) as store:
        store.put("r", A, Entry(2))
        store.undo("r", BOTH)
    journal = path.with_name(f"{path.name}.journal")
    journal.write_text(journal.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(LabelError, match=r"answers\.csv\.journal, line 4: no rating of"), opened(path):
        pass


ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from lmms_eval_ja.labelling.items import Item
from lmms_eval_ja.labelling.store import Entry, LabelStore
path = Path(sys.argv[1])
store = LabelStore(path, "answers", {"t": (1, 5)})
items = [Item("t", n, ("model",), ("x",)) for n in range(4)]
store.put("r", items[0], Entry(1))
journal = path.with_name(f"{path.name}.journal")
whole = journal.read_bytes()
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for more, length in ((0, 9), (100, 9), (100, 100_000)):  # bytes that there is room for
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + more, most))
    try:
        store.put("r", items[1], Entry(5, comment="x" * length))
    except OSError as error:
        print(error.strerror, journal.read_bytes() == whole, store.entry("r", items[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store.put("r", items[2], Entry(2))
store.put("r", items[3], Entry(3))
store.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files is not limited there")
def test_a_full_disk_leaves_nothing_of_what_it_refused_and_takes_what_comes_later(path):
    words = [sys.executable, "-c", ON_A_FULL_DISK, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["File too large True None"] * 3
    with opened(path) as store:
        assert {item.doc_id: entry.value for item, entry in store.entries("r").items()} == {0: 1, 2: 2, 3: 3}
    assert [row["score"] for row in rows_of(path)] == ["1", "2", "3"]
