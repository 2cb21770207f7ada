"""Documents of a comparison: as lmms-eval has them, with pictures as the data holds them, and once only."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from lmms_eval_ja.compare.documents import read_documents
from lmms_eval_ja.compare.results import Document
from lmms_eval_ja.documents import collect, load_documents
from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.jp_tasks.ja_vg_vqa_500.task import all_questions
from lmms_eval_ja.pictures import PictureFolder, split_pictures
from support import benchmarks
from support.benchmarks import placeholder_image

_YAML = """
dataset_path: parquet
dataset_kwargs: {{data_files: {{test: {data}}}}}
task: {task}
test_split: test
output_type: generate_until
doc_to_text: !function lmms_eval_ja.jp_tasks.prompts.doc_to_text
doc_to_target: !function lmms_eval_ja.jp_tasks.prompts.doc_to_target
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
{more}
"""
_FUNCTIONS = '''
def renamed(dataset):
    """Drops a document, and gives the picture another column."""
    return dataset.select([2, 0]).rename_column("image", "photo")


def looking(dataset):
    """Needs the pixels."""
    return dataset.add_column("context", [f"{doc['image'].width} x {doc['image'].height}" for doc in dataset])


def drawn(doc):
    """Pictures that the dataset does not hold."""
    from PIL import Image

    return [Image.new("RGB", (3, 2), "red")]


def failing(doc):
    raise OSError("no picture on this machine")
'''
ROWS = [
    {"question_id": f"q{n}", "question": f"問い{n}", "answer": f"答え{n}", "image": placeholder_image(f"{n % 2}.jpg")}
    for n in range(3)
]
TASKS = ("own_several", "own_renamed", "own_looking", "own_drawn", "own_failing", "own_plain", "own_missing")


@dataclass(frozen=True)
class Collected:
    """What one call gave."""

    out: Path
    notes: list[str]
    documents: dict[str, dict[int, Document]]

    def image(self, name: str) -> bytes:
        return (self.out / "images" / name).read_bytes()


@pytest.fixture(scope="module")
def yamls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tasks of somebody else, with data in local files."""
    folder = tmp_path_factory.mktemp("yamls")
    one = datasets.Features({name: datasets.Value("string") for name in ("question_id", "question", "answer")})
    several = one | {"images": [datasets.Image()]}
    with_lists = [
        {name: row[name] for name in one} | {"images": [other["image"] for other in ROWS[: n + 1]]}
        for n, row in enumerate(ROWS)
    ]
    texts = [{"question": row["question"], "answer": row["answer"]} for row in ROWS]
    datasets.Dataset.from_list(ROWS, features=datasets.Features(one | {"image": datasets.Image()})).to_parquet(
        folder / "one.parquet"
    )
    datasets.Dataset.from_list(with_lists, features=datasets.Features(several)).to_parquet(folder / "several.parquet")
    datasets.Dataset.from_list(texts).to_parquet(folder / "texts.parquet")
    (folder / "functions.py").write_text(_FUNCTIONS, encoding="utf-8")
    more = {
        "own_renamed": "process_docs: !function functions.renamed",
        "own_looking": "process_docs: !function functions.looking",
        "own_drawn": "doc_to_visual: !function functions.drawn",
        "own_failing": "doc_to_visual: !function functions.failing",
    }
    data = {"own_several": "several", "own_renamed": "one", "own_looking": "one", "own_missing": "gone"}
    for task in TASKS:
        text = _YAML.format(task=task, data=folder / f"{data.get(task, 'texts')}.parquet", more=more.get(task, ""))
        (folder / f"{task}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def collected(yamls: Path, tmp_path_factory: pytest.TempPathFactory) -> Collected:
    out = tmp_path_factory.mktemp("comparison") / "documents"
    notes = collect(["ja_sample", "nowhere", *TASKS], out, include_path=yamls)
    return Collected(out, notes, read_documents(out.parent))


def test_our_own_documents(collected: Collected) -> None:
    rows = [json.loads(line) for line in (FOLDER / "ja_sample" / "questions.jsonl").open(encoding="utf-8")]
    own = collected.documents["ja_sample"]
    assert list(own) == list(range(40))
    for row, document in zip(rows, own.values(), strict=True):
        assert document.question_id == row["question_id"]
        assert (document.question, document.reference, document.context) == (
            row["question"], row["answer"], row["context"],
        )  # fmt: skip
        assert (document.category, document.cluster) == (row["category"], row["image_id"])
    originals = {row["bytes"] for row in pq.read_table(FOLDER / "ja_sample" / "ja_sample.parquet")["image"].to_pylist()}
    names = {name for document in own.values() for name in document.images}
    assert {collected.image(name) for name in names} == originals
    assert len(names) == 10
    assert all(name == f"{hashlib.sha256(collected.image(name)).hexdigest()}.png" for name in names)


def test_several_pictures_keep_their_order(collected: Collected) -> None:
    own = collected.documents["own_several"]
    assert [len(document.images) for document in own.values()] == [1, 2, 3]
    assert [collected.image(name) for name in own[2].images] == [row["image"] for row in ROWS]
    assert own[2].images[0].endswith(".jpg")
    assert own[0].cluster == "q0"


def test_documents_are_what_process_docs_makes_of_them(collected: Collected) -> None:
    own = collected.documents["own_renamed"]
    assert [document.question_id for document in own.values()] == ["q2", "q0"]
    assert [collected.image(document.images[0]) for document in own.values()] == [ROWS[2]["image"], ROWS[0]["image"]]
    assert collected.documents["own_looking"][1].context == "32 x 24"
    assert collected.image(collected.documents["own_looking"][1].images[0]) == ROWS[1]["image"]


def test_what_the_data_does_not_hold_is_asked_of_the_task(collected: Collected) -> None:
    plain = collected.documents["own_plain"][2]
    assert (plain.question_id, plain.question, plain.reference, plain.images) == ("2", "問い2", "答え2", ())
    from PIL import Image

    (name,) = collected.documents["own_drawn"][0].images
    with Image.open(io.BytesIO(collected.image(name))) as image:
        assert (image.size, image.getpixel((0, 0))) == ((3, 2), (255, 0, 0))


def test_what_is_missing_is_a_sentence(collected: Collected) -> None:
    by_task = {note.partition(":")[0]: note for note in collected.notes}
    assert by_task.keys() == {"nowhere", "own_missing", "own_failing"}
    assert "lmms-eval finds no task of this name" in by_task["nowhere"]
    assert "its documents are not at hand" in by_task["own_missing"]
    assert "gone.parquet" in by_task["own_missing"]
    assert "no picture on this machine" in by_task["own_failing"]
    assert collected.documents["own_failing"][0].images == ()
    assert "own_missing" not in collected.documents


def test_what_is_there_stays(collected: Collected, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither is lmms-eval asked for its tasks, nor is anything written."""
    table = collected.out / "documents.parquet"
    before = (table.read_bytes(), sorted((collected.out / "images").iterdir()))
    monkeypatch.setattr("lmms_eval_ja.documents._configs", lambda *_: pytest.fail("loaded again"))
    assert collect(["own_several", "ja_sample"], collected.out, include_path=tmp_path) == []
    assert (table.read_bytes(), sorted((collected.out / "images").iterdir())) == before


def test_every_question_of_a_picture_refers_to_one_file(tmp_path: Path) -> None:
    """JA-VG-VQA-500's documents are made by a map over batches: its pictures are neither copied nor encoded again."""
    parts = [data for name, data in sorted(benchmarks.ja_vg_vqa_500().items()) if "/test-" in f"/{name}"]
    paths = [tmp_path / f"{n}.parquet" for n in range(len(parts))]
    for path, data in zip(paths, parts, strict=True):
        path.write_bytes(data)
    dataset = datasets.load_dataset(
        "parquet", data_files=[str(path) for path in paths], split="train", cache_dir=str(tmp_path / "cache")
    )
    texts, source = split_pictures(dataset)
    assert source is not None
    documents = all_questions(texts)
    assert len(documents) == 4000
    folder = PictureFolder(tmp_path)
    for n in (0, 7, 8, 3999):
        (name,) = folder.of_references(source, documents[n])
        assert (tmp_path / name).read_bytes() == source("image", n // 8)[0]["bytes"]
    assert len(list(tmp_path.glob("*.[jp][pn]g"))) == 3


def test_no_task_is_given_the_pictures_of_one_before_it(tmp_path: Path) -> None:
    """A source that is not needed any more goes, and the next one often lies where it lay."""
    texts, _ = split_pictures(datasets.Dataset.from_list(ROWS).cast_column("image", datasets.Image()))
    folder = PictureFolder(tmp_path)
    for n in range(20):
        data = f"picture {n}".encode()
        (name,) = folder.of_references(lambda _column, _row, data=data: [{"bytes": data}], texts[0])
        assert (tmp_path / name).read_bytes() == data


def test_documents_with_all_their_columns() -> None:
    rubrics = load_documents("ja_sample_rubric")
    assert len(rubrics) == 40
    assert len(rubrics[0]["rubric"]["levels"]) == 5


@pytest.mark.slow
def test_documents_of_other_peoples_tasks(yamls: Path) -> None:
    looking = load_documents("own_looking", include_path=yamls)
    assert [doc["question"] for doc in looking] == [row["question"] for row in ROWS]
    assert " x " in looking[0]["context"]
