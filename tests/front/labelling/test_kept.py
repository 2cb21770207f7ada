"""Labels that were kept meet another scale, other answers, and a file that somebody edited."""

from __future__ import annotations

import contextlib
import csv
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.label import label
from lmms_eval_ja.labelling.gathering import Wish, gather
from lmms_eval_ja.labelling.items import Item, LabelError
from lmms_eval_ja.labelling.store import Entry, LabelStore
from support.comparisons import edit_samples
from support.labelled import MODELS, WILD, write_results

A, B = (Item("t", n, ("model",), ("x",)) for n in (1, 2))
U = Item("u", 1, ("model",), ("x",))
FIVE, TEN = {"t": (1, 5)}, {"t": (1, 10)}


@contextlib.contextmanager
def opened(path, items=(), scales=None, *, read_only=False):
    store = LabelStore(path, "answers", FIVE if scales is None else scales, items, read_only=read_only)
    with contextlib.closing(store):
        yield store


def scores(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["task"], row["doc_id"], row["score"], row["scale"]) for row in csv.DictReader(lines)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels" / "answers.csv"


def test_a_task_is_rated_on_one_scale_whatever_was_rated_before_it(path):
    with opened(path, scales={"u": (1, 10)}) as store:
        store.put("r", U, Entry(10))
    with opened(path, scales=FIVE) as store:
        store.put("r", A, Entry(5))
    said = r"answers\.csv: t was rated on 1-5, and would now be on 1-10: state --scale 1-5, or name another file"
    with pytest.raises(LabelError, match=said), opened(path, scales=TEN):
        pass
    with opened(path, scales=FIVE | {"u": (1, 10)}) as store:
        store.put("r", B, Entry(4))
    assert scores(path) == [("u", "1", "10", "1-10"), ("t", "1", "5", "1-5"), ("t", "2", "4", "1-5")]


def test_a_scale_is_free_as_long_as_nothing_is_rated_on_another(path):
    with opened(path, scales=TEN) as store:
        store.put("r", A, Entry(comment="no score"))
        store.put("r", B, Entry(9))
        store.put("r", B, Entry(8))
        store.undo("r", [B])
    with pytest.raises(LabelError, match="t was rated on 1-10"), opened(path, scales=FIVE):
        pass
    with opened(path, scales=TEN) as store:
        store.undo("r", [B])
    with opened(path, scales=FIVE) as store:
        store.put("r", B, Entry(3))
    assert scores(path) == [("t", "1", "", ""), ("t", "2", "3", "1-5")]


def test_a_scale_to_which_an_undo_goes_back_is_in_use(path):
    with opened(path, scales=TEN) as store:
        store.put("r", B, Entry(9))
        store.put("r", B, Entry(flag=True))
    with pytest.raises(LabelError, match="t was rated on 1-10"), opened(path, scales=FIVE):
        pass


def test_a_label_of_another_text_does_not_count(path, caplog):
    anew = replace(A, texts=("y",))
    with opened(path, [A, B]) as store:
        store.put("r", A, Entry(1, comment="of x"))
        store.put("r", B, Entry(2))
        store.put("s", A, Entry(3))
    assert caplog.messages == []
    with opened(path, [anew, B]) as store:
        assert (store.entry("r", anew), store.entries("r")) == (None, {B: Entry(2)})
        assert store.raters == ["r"]
        # What is said of a text that is gone is not taken back.
        assert store.undo("s", [anew, B]) is None
        assert scores(path) == [("t", "2", "2", "1-5")]
    (said,) = caplog.messages
    assert "labels of texts that have changed since: 2;" in said
    with opened(path, [B]):
        pass
    assert scores(path) == [("t", "2", "2", "1-5")]
    with opened(path, [anew, B]) as store:
        store.put("r", anew, Entry(5))
        assert scores(path) == [("t", "1", "5", "1-5"), ("t", "2", "2", "1-5")]
        assert store.undo("r", [anew]) == anew
        assert store.entry("r", anew) is None
    with opened(path, [A]) as store:  # the former results once more
        assert (store.entry("r", A), store.entry("s", A)) == (Entry(1, comment="of x"), Entry(3))


def test_answers_that_were_generated_anew_are_open_again(tmp_path, path):
    folder = write_results(tmp_path / "c")
    found, _ = gather(Wish(folder, tasks=(WILD,), models=MODELS[:1]))
    with opened(path, found.items, found.scales) as store:
        for item in found.items:
            store.put("A", item, Entry(4))
    edit_samples(folder, MODELS[0], WILD, lambda rows: rows[2].update(filtered_resps="別の回答"))
    done = run(folder, "--task", WILD, "--models", MODELS[0], "--output", path, "--summary", "--no-documents")
    assert done.exit_code == 0, done.output
    assert "A: 3 of 4 rated" in done.output
    again, _ = gather(Wish(folder, tasks=(WILD,), models=MODELS[:1]))
    with opened(path, again.items, found.scales):
        assert [doc_id for _, doc_id, _, _ in scores(path)] == ["0", "1", "3"]


def run(*arguments):
    app = typer.Typer()
    app.command()(label)
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_a_summary_writes_nothing(results, tmp_path, path):
    folder = tmp_path / "elsewhere" / "l.csv"
    done = run(results, "--output", folder, "--summary", "--no-documents")
    assert done.exit_code == 0, done.output
    assert not folder.parent.exists()
    with opened(path) as store:
        store.put("r", A, Entry(4))
        journal = path.with_name(f"{path.name}.journal")
        with journal.open("ab") as file:  # a line that is being written
            file.write(b'{"rater": "r", "it')
        before = {file: file.read_bytes() for file in path.parent.iterdir()}
        with opened(path, [replace(A, texts=("y",)), B], TEN, read_only=True) as read:
            assert read.raters == []
        with opened(path, [A], TEN, read_only=True) as read:
            assert read.entry("r", A) == Entry(4)
        assert {file: file.read_bytes() for file in path.parent.iterdir()} == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace(",2,4,1-5,", ",2,1,1-5,").encode(),
        lambda text: "".join(text.splitlines(keepends=True)[:-2]).encode() + text.splitlines()[-1].encode(),
        lambda text: (text + text.splitlines()[-1] + "\n").encode(),
        lambda text: text.replace("model", "モデル").encode("cp932"),
        lambda text: text.replace("score", "points").encode(),
        lambda text: b"",
    ],
    ids=["a score", "a row gone", "a row twice", "another encoding", "a column", "emptied"],
)
def test_a_file_that_somebody_edited_is_put_aside(path, caplog, edit):
    with opened(path) as store:
        for item, value in ((A, 3), (B, 4), (Item("t", 3, ("model",), ("x",)), 5)):
            store.put("r", item, Entry(value))
    ours = path.read_bytes()
    edited = edit(ours.decode())
    path.write_bytes(edited)
    with opened(path) as store:
        assert path.read_bytes() == ours
        assert path.with_name("answers.csv.edited").read_bytes() == edited
        assert "it is kept as answers.csv.edited" in caplog.text
        path.write_bytes(edited)  # while it runs
        store.put("r", A, Entry(1))
        assert path.with_name("answers.csv.edited1").read_bytes() == edited
    assert [score for _, _, score, _ in scores(path)] == ["1", "4", "5"]


def test_a_file_that_is_behind_or_in_another_order_is_nobodys_edit(path, caplog):
    anew = replace(A, texts=("y",))
    states = []
    with opened(path, [A, B]) as store:
        for act in (
            lambda: store.put("r", A, Entry(3)),
            lambda: store.put("s", A, Entry(5)),
            lambda: store.put("r", B, Entry(4, comment='"a",\n')),
            lambda: store.undo("r", [A, B]),
            lambda: store.put("r", B, Entry(2)),
        ):
            states.append(path.read_bytes())
            act()
    states.append(path.read_bytes())
    with opened(path, [anew, B]):
        states.append(path.read_bytes())
    header, *rows = states[-2].splitlines(keepends=True)
    caplog.clear()
    for state in (*states, header + b"".join(reversed(rows))):
        path.write_bytes(state)
        with opened(path, [B]):
            assert path.read_bytes() == states[-1]
    path.unlink()
    with opened(path, [B]):
        assert path.read_bytes() == states[-1]
    assert caplog.messages == []
    assert len(set(states)) == 6  # one of the seven comes twice, by the undo
    assert not list(path.parent.glob("*.edited*"))
