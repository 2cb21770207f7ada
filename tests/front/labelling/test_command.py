"""`lmms-eval-ja label`: the command itself, as a process that is ended by Ctrl+C, and its complaints."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request

import pytest
import typer
from typer.testing import CliRunner

from lmms_eval_ja.compare.disputed import read_disputed, without_disputed
from lmms_eval_ja.compare.results import load_results
from lmms_eval_ja.judge_eval import judge_eval
from lmms_eval_ja.label import _listening, _opened_in_browser, label
from lmms_eval_ja.labelling.gathering import Wish, gather
from lmms_eval_ja.labelling.items import LabelError
from lmms_eval_ja.labelling.server import LabelServer
from lmms_eval_ja.labelling.session import Session
from lmms_eval_ja.labelling.store import Entry, LabelStore
from support.labelled import HERON, MODELS, WILD

app = typer.Typer()
app.command()(label)
judging = typer.Typer()
judging.command()(judge_eval)


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


def test_pairs_are_summed_up_with_an_interval(results, tmp_path):
    # Ratings of the pair azure, beech on four documents by A: azure, azure, tie, beech; by B on the first: beech.
    # The first document is worth (1 + 0) / 2, so azure has (50 + 100 + 50 + 0) / 4 = 50 % with ties as half,
    # and wins (50 + 100 + 0 + 0) / 4 = 37.5 %. Left stood azure every time: of four without a tie it won two.
    file = tmp_path / "pairs.csv"
    found, _ = gather(Wish(results, target="pairs", tasks=(WILD,), models=MODELS[:2]))
    store = LabelStore(file, "pairs", {})
    for item, value in zip(found.items, ("azure", "azure", "tie", "beech"), strict=True):
        store.put("A", item, Entry(value, left="azure"))
    store.put("B", found.items[0], Entry("beech", left="azure"))
    store.close()
    done = run(
        results,
        "--pairwise",
        "--task",
        WILD,
        "--models",
        "azure,beech",
        "--output",
        file,
        "--summary",
        "--no-documents",
    )
    assert done.exit_code == 0, done.output
    assert "A: 4 of 4 rated" in done.output
    assert "B: 1 of 4 rated" in done.output
    (row,) = (line for line in done.output.splitlines() if "azure" in line and "beech" in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:7] == ["azure", "beech", "4", "2", "1", "2", "37.5"]
    assert cells[7].startswith("50.0 (")
    assert cells[8] == "50.0"


def test_marked_references_are_what_disputed_reads_and_judge_eval_passes_over(results, tmp_path):
    file = tmp_path / "references.csv"
    found, _ = gather(Wish(results, target="references", tasks=(HERON,)))
    store = LabelStore(file, "references", found.scales)
    for item in found.items:
        is_wrong = item.doc_id in {1, 2} and item.names[0] in {"reference", "azure"}
        store.put("A", item, Entry(1 + item.doc_id, cultural_error=is_wrong and item.doc_id == 1))
    store.close()
    ids = read_disputed(file)
    assert ids == {HERON: [1]}
    assert [row.after.documents for row in without_disputed(load_results(results), ids).rows] == [3, 3, 3]
    judged = CliRunner().invoke(judging, [str(file), str(results), "--protocol", "original", "--partial"])
    assert judged.exit_code == 0, judged.output


def test_the_address_is_opened_by_a_file_of_its_owner(monkeypatch, tmp_path):
    launched = []
    monkeypatch.setattr(typer, "launch", launched.append)
    with _opened_in_browser("http://127.0.0.1:1/token/?rater=a&lang=ja", tmp_path, wanted=True):
        (page,) = tmp_path.iterdir()
        assert page.stat().st_mode & 0o077 == 0
        assert 'url=http://127.0.0.1:1/token/?rater=a&amp;lang=ja"' in page.read_text()
    assert launched == [page.as_uri()]
    assert not page.exists()


def test_the_table_is_of_what_is_asked_for(results, tmp_path):
    # A rated all pairs of one task, and one pair of the other.
    file = tmp_path / "pairs.csv"
    store = LabelStore(file, "pairs", {})
    for item in gather(Wish(results, target="pairs", tasks=(WILD,)))[0].items:
        store.put("A", item, Entry("tie", left=item.names[0]))
    for item in gather(Wish(results, target="pairs", tasks=(HERON,), models=MODELS[:2]))[0].items:
        store.put("A", item, Entry("azure", left="azure"))
    store.close()
    words = [results, "--pairwise", "--output", file, "--summary", "--no-documents", "--models"]
    done = run(*words, "azure,beech", "--task", HERON)
    assert "A: 4 of 4 rated" in done.output
    (row,) = (line for line in done.output.splitlines() if line.startswith("│"))
    assert [cell.strip() for cell in row.strip("│").split("│")][:6] == ["azure", "beech", "4", "4", "0", "0"]
    done = run(*words, "azure,beech", "--limit", 5)
    assert "A: 5 of 5 rated" in done.output
    (row,) = (line for line in done.output.splitlines() if line.startswith("│"))
    assert [cell.strip() for cell in row.strip("│").split("│")][2] == "5"


def test_only_the_usual_port_is_left_for_another(results):
    session = Session(gather(Wish(results, tasks=(WILD,)))[0], None)
    with LabelServer(session) as other:
        taken = other.server_address[1]
        with pytest.raises(LabelError, match=f"--host 127.0.0.1 --port {taken}: cannot listen there: Address already"):
            _listening(LabelServer, session, "127.0.0.1", taken, lambda: None)
    with pytest.raises(LabelError, match=r"--host 192\.0\.2\.1: cannot listen there"):
        _listening(LabelServer, session, "192.0.2.1", None, lambda: None)
    asked = []

    def busy(session, host, port, changed):
        asked.append(port)
        if port:
            raise OSError(98, "Address already in use")
        return "server"

    assert _listening(busy, session, "127.0.0.1", None, None) == "server"
    assert asked == [8571, 0]
    with pytest.raises(LabelError, match="--port 8571"):
        _listening(busy, session, "127.0.0.1", 8571, None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--against", "."], "--against goes with --target feedback only"),
        (["--protocol", "original"], "--protocol goes with --target feedback only"),
        (["--scale", "1-5", "--pairwise"], "--scale 1-5: of two texts the better one is named"),
        (["--output", "labels.jsonl"], "--output labels.jsonl: labels are written as CSV"),
        (["--host", ""], "--host is empty"),
        (["--target", "nonsense"], "expected answers, feedback or references"),
        (["--target", "references", "--pairwise"], "does not go with it"),
        (["--scale", "0-100"], "two to ten whole numbers"),
        (["--scale", "five"], "expected two numbers"),
        (["--rubric", "nonsense"], "unknown rubric"),
        (["--models", "nobody"], "no results of model 'nobody'"),
        (["--target", "feedback"], "--against"),
    ],
)
def test_what_stands_in_the_way_is_an_error_in_a_line(results, tmp_path, more, said):
    done = run(results, "--output", tmp_path / "l.csv", "--no-documents", "--summary", *more)
    assert done.exit_code == 1
    assert "error: " in done.output
    assert said in done.output.replace("\n", "")


def test_a_folder_without_results_says_what_is_expected(tmp_path):
    done = run(tmp_path)
    assert done.exit_code == 1
    assert "results that lmms-eval wrote with --log_samples" in done.output.replace("\n", "")


@pytest.mark.slow
def test_it_serves_until_it_is_interrupted_and_goes_on_later(results, tmp_path):
    script = "import typer; from lmms_eval_ja.label import label; typer.run(label)"
    file = tmp_path / "labels.csv"
    words = [sys.executable, "-c", script, str(results), "--task", WILD, "--limit", "6", "--rater", "佐藤"]
    words += ["--port", "0", "--no-browser", "--output", str(file)]
    for round_ in (1, 2):
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                lines = iter(process.stdout.readline, "")
                address = next(line for line in lines if line.startswith("Open ")).split()[1]
                base, _, query = address.partition("?")
                assert query == "rater=%E4%BD%90%E8%97%A4"
                with urllib.request.urlopen(f"{base}api/overview?{query}", timeout=10) as reply:
                    items = json.load(reply)["items"]
                assert [one["state"] for one in items].count("done") == round_ - 1
                open_ = next(one["id"] for one in items if one["state"] == "open")
                body = json.dumps({"rater": "佐藤", "id": open_, "value": 4}).encode()
                urllib.request.urlopen(
                    urllib.request.Request(f"{base}api/rate", body, {"Content-Type": "application/json"}), timeout=10
                ).close()
            finally:
                process.send_signal(signal.SIGINT)
                rest, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors
        assert f"佐藤: {round_} of 6 rated" in rest
        assert errors == ""
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3
