"""Ways to break a task's folder as `lmms-eval-ja new-task` makes it, each with where it is found and what helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lmms_eval_ja.new_task import Kind

NAME = "my_bench_ja"
YAML = f"{NAME}.yaml"
Break = Callable[[Path], None]


def swap(file: str, old: str, new: str) -> Break:
    """Put a text in the place of one that stands there once or more."""

    def change(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return change


#: How to break the files: what is done, where the finding is, and what it says to do.
OF_FILES: Mapping[str, tuple[Break, str, str]] = {
    "no until": (swap(YAML, "  until: []", "  top_p: 1"), "YAML: until", "write until: [] under generation_kwargs"),
    "another until": (swap(YAML, "until: []", 'until: ["\\n"]'), "YAML: until", "write until: []"),
    "no score_key": (swap(YAML, "score_key: influence\n", ""), "YAML: score_key", "write score_key: influence"),
    "another cluster_key": (
        swap(YAML, "cluster_key: cluster", "cluster_key: image_id"),
        "YAML: cluster_key",
        "write cluster_key: cluster",
    ),
    "no visual": (
        swap(YAML, "doc_to_visual: !function lmms_eval_ja.jp_tasks.prompts.doc_to_visual\n", ""),
        "YAML: doc_to_visual",
        "write doc_to_visual: !function lmms_eval_ja.jp_tasks.prompts.doc_to_visual",
    ),
    "no split": (swap(YAML, "test_split: test\n", ""), "YAML: test_split", "write test_split"),
    "another output type": (swap(YAML, "generate_until", "loglikelihood"), "YAML: output_type", "generate_until"),
    "a misspelt function": (
        swap(YAML, "scoring.score_choice", "scoring.score_choise"),
        "YAML: process_results",
        "is not in scoring.py: define score_choise there, or correct the name",
    ),
    "a module that is not there": (
        swap(YAML, "task.process_docs", "tasks.process_docs"),
        "YAML: process_docs",
        "expected tasks.py beside the YAML",
    ),
    "a function without a module": (
        swap(YAML, "task.process_docs", "process_docs"),
        "YAML: process_docs",
        "write the file's name before it",
    ),
    "no function": (
        swap(YAML, "!function task.process_docs", "task.process_docs"),
        "YAML: process_docs",
        "write process_docs: !function",
    ),
    "Python that is none": (
        swap("task.py", "def process_docs(", "def process_docs"),
        "YAML: process_docs",
        "cannot be imported: task.py, line",
    ),
    "an aggregation that knows no failures": (
        swap(YAML, "metric: accuracy, aggregation: mean_ja", "metric: accuracy, aggregation: mean"),
        "metric accuracy",
        "write aggregation: one of mean_ja",
    ),
    "no direction": (
        swap(
            YAML,
            "metric: unparsed, aggregation: mean_ja, higher_is_better: false",
            "metric: unparsed, aggregation: mean_ja",
        ),
        "metric unparsed",
        "write higher_is_better",
    ),
    "no version": (
        swap(YAML, "  version: 1.0  # raise it whenever a score can move\n", ""),
        "metadata: version",
        "write version: a number, raised",
    ),
    "rows in words": (swap(YAML, "rows: 3", "rows: three"), "metadata: rows", "write rows: the number of questions"),
    "another headline": (
        swap(YAML, "headline: accuracy", "headline: score"),
        "metadata: headline",
        "accuracy_parsed, unparsed, accuracy",
    ),
    "no licence": (swap(YAML, "  licence: CC0-1.0\n", ""), "metadata: licence", "write licence: of texts and pictures"),
    "no source": (
        swap(YAML, "source: example data of lmms-eval-ja new-task", "source:"),
        "metadata: source",
        "write source: where the data is from",
    ),
    "no README": (lambda folder: (folder / "README.md").unlink(), "README.md", "write it, with the headings Source"),
    "a heading less": (swap("README.md", "## Deviations\n", ""), "README.md", 'write the heading "## Deviations"'),
    "headings in another order": (
        swap("README.md", "## Metrics", "## Checklist\n\n## Metrics"),
        "README.md",
        'put "## How to run" before "## Checklist"',
    ),
    "no licence in the README": (
        swap("README.md", "| Licence | CC0-1.0 |", "| Licence | |"),
        "README.md: licence",
        'write a line "| Licence | … |"',
    ),
    "a name of lmms-eval's": (swap(YAML, f"task: {NAME}", "task: jmmmu"), "name", "choose another, such as jmmmu_ja"),
    "a name of ours": (swap(YAML, f"task: {NAME}", "task: mecha_ja"), "name", "taken by a task of lmms-eval-ja"),
    "no name": (swap(YAML, f"task: {NAME}\n", ""), "YAML: task", "write task: the name of the folder"),
}


def _twice(folder: Path) -> None:
    table = pq.read_table(folder / "example.parquet")
    ids = pa.array(["q0", "q0", "q2"])
    pq.write_table(
        table.set_column(table.column_names.index("question_id"), "question_id", ids), folder / "example.parquet"
    )


def _own_scoring(code: str) -> Break:
    def change(folder: Path) -> None:
        (folder / "own.py").write_text(code, encoding="utf-8")
        swap(YAML, "lmms_eval_ja.jp_tasks.scoring.score_choice", "own.process_results")(folder)

    return change


_FIRST_LETTER = """
from lmms_eval_ja.jp_tasks.scoring import Mark, marked_by
def mark(doc, answer):
    letter = next((c for c in answer if c in "ABC"), None)
    return Mark(letter, right=letter == doc["reference"])
process_results = marked_by(mark)
"""
_A_NUMBER = """
def process_results(doc, results):
    return dict.fromkeys(("accuracy_parsed", "unparsed", "accuracy"), 0.0)
"""
_OWN_PICTURES = "\n\ndef pictures(doc):\n    return [doc['image'].convert('RGB')]\n"


def _own_pictures(folder: Path) -> None:
    path = folder / "task.py"
    path.write_text(path.read_text("utf-8") + _OWN_PICTURES, encoding="utf-8")
    swap(YAML, "lmms_eval_ja.jp_tasks.prompts.doc_to_visual", "task.pictures")(folder)


#: How to break what only a trial sees.
OF_TRIALS: Mapping[str, tuple[Kind, Break, str, str]] = {
    "other rows": (Kind.CHOICE, swap(YAML, "rows: 3", "rows: 4"), "rows", "write rows: 3 under metadata"),
    "no data": (Kind.CHOICE, lambda f: (f / "example.parquet").unlink(), "data", "a path is relative to the YAML"),
    "other rows in SPEC": (
        Kind.CHOICE,
        swap("task.py", "rows=3", "rows=5"),
        "process_docs",
        "correct SPEC or process_docs in task.py",
    ),
    "a column that is not there": (
        Kind.SHORT,
        swap("task.py", '"answer"),', '"answer", "hint"),'),
        "process_docs",
        "found are columns question_id, image_id",
    ),
    "data that is not checked": (
        Kind.CHOICE,
        swap("task.py", "load_checked(dataset, SPEC))", "dataset)"),
        "row count",
        "begin process_docs with load_checked(dataset, SPEC)",
    ),
    "no id": (
        Kind.SHORT,
        swap("task.py", "load_checked(dataset, SPEC))", 'load_checked(dataset, SPEC).remove_columns("question_id"))'),
        "columns",
        "name them so in process_docs",
    ),
    "an id twice": (Kind.CHOICE, _twice, "ids", "give each document an id of its own"),
    "the first letter": (
        Kind.CHOICE,
        _own_scoring(_FIRST_LETTER),
        "parser",
        "scoring.score_choice, or marked_by(…) with parse_choice",
    ),
    "a failure that is a number": (
        Kind.CHOICE,
        _own_scoring(_A_NUMBER),
        "scoring",
        "with marked_by(…) of jp_tasks/scoring.py, where a failure is no number",
    ),
    "another protocol": (
        Kind.CHOICE,
        swap(YAML, "protocol: choice", "protocol: vqa_likert"),
        "scoring",
        "write process_results: !function lmms_eval_ja.judges.score_vqa_likert",
    ),
    "pictures of one's own": (Kind.CHOICE, _own_pictures, "pictures", "write doc_to_visual: !function"),
    "references that are not right": (
        Kind.SHORT,
        swap("task.py", 'open_match(doc["answer"], answer)', "False"),
        "run of 3 documents",
        "until each reference is a right answer",
    ),
    "a prompt that fails": (
        Kind.CHOICE,
        swap(YAML, "prompts.choice_to_text", "vqa.process_results"),
        "run of 3 documents",
        "correct the function that the message names",
    ),
}


def _part(folder: Path) -> None:
    """What the YAML loads holds a row that is not the benchmark's, and stands last."""
    part = 'lambda data: data.select([row for row, id_ in enumerate(data["question_id"]) if id_ != "q2"])'
    swap("task.py", "rows=3,", f"rows=2,\n    whole={part},")(folder)
    swap(YAML, "rows: 3", "rows: 2")(folder)


def _within_bounds(folder: Path) -> None:
    swap("task.py", "rows=3", "rows=range(3, 6)")(folder)
    swap(YAML, "rows: 3", "rows: 5")(folder)


def _several_a_row(folder: Path) -> None:
    """Twelve questions in three rows, stated as eleven."""
    swap("task.py", "DatasetSpec, load_checked", "DatasetSpec, load_checked, with_columns")(folder)
    ids = '{"question_id": [f"q{n}" for n in range(12)]}'
    several = f"with_columns(load_checked(dataset, SPEC).select([0, 1, 2] * 4), {ids})"
    swap("task.py", "load_checked(dataset, SPEC))", f"{several})")(folder)
    swap(YAML, "rows: 3", "rows: 11")(folder)


_FIRST_IS_ANOTHER = """
from lmms_eval_ja.jp_tasks.scoring import score_choice
def process_results(doc, results):
    given = score_choice(doc, results)
    return {"unparsed": given["unparsed"]} if doc["question_id"] == "q0" else given
"""
#: Changes after which nothing is broken.
HARMLESS: Mapping[str, Break] = {
    "a part of what is loaded": _part,
    "rows within bounds": _within_bounds,
    "several questions a row, roughly stated": _several_a_row,
    "a first document that the headline is not over": _own_scoring(_FIRST_IS_ANOTHER),
}
