"""Checks of loaded data, and what each benchmark makes of its rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import (
    DatasetError,
    DatasetSpec,
    check_dataset,
    checksum,
    loaded_revision,
    spec_of,
    with_siblings,
)
from lmms_eval_ja.jp_tasks.heron_bench_ja import task as heron
from lmms_eval_ja.jp_tasks.ja_vg_vqa_500 import task as vg
from lmms_eval_ja.jp_tasks.ja_vlm_bench_in_the_wild import task as vlm
from support import benchmarks

ROWS = [{"question": "何色？", "answer": "白"}, {"question": "幾つ？", "answer": "三"}]
SPEC = DatasetSpec("Org/Name", 2, ("question", "answer"), lambda d: d["question"], checksum(["何色？", "幾つ？"]))


Loaded = Callable[[dict[str, bytes], str], Dataset]


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Gives a split as `datasets` has it, without a hub."""

    def load(files: dict[str, bytes], split: str) -> Dataset:
        (data,) = [data for path, data in files.items() if path.startswith(f"data/{split}-")]
        (tmp_path / "split.parquet").write_bytes(data)
        return Dataset.from_parquet(str(tmp_path / "split.parquet"), cache_dir=str(tmp_path / "cache"))

    return load


@pytest.fixture
def _any_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")


def test_the_benchmarks_data_passes() -> None:
    facts = check_dataset(Dataset.from_list(ROWS), SPEC)
    assert (facts.name, facts.rows, facts.revision, facts.changed) == ("Org/Name", 2, None, ())
    assert facts.texts_sha256 == SPEC.texts_sha256


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS[:1], "1 rows, expected 2"),
        ([ROWS[0], ROWS[1] | {"question": "いくつ？"}], "texts have sha256 "),
        (ROWS[::-1], "texts have sha256 "),
    ],
)
def test_other_data_is_refused_unless_allowed(
    rows: list[dict[str, str]], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError) as caught:
        check_dataset(Dataset.from_list(rows), SPEC)
    assert message in str(caught.value)
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    assert any(change.startswith(message) for change in check_dataset(Dataset.from_list(rows), SPEC).changed)


@pytest.mark.usefixtures("_any_data")
def test_a_missing_column_is_refused_in_any_case() -> None:
    with pytest.raises(DatasetError, match="column 'answer' is missing; found question, reply"):
        check_dataset(Dataset.from_list([{"question": "何色？", "reply": "白"}]), SPEC)


def test_the_checksum_is_sha256_over_texts_ended_by_nul() -> None:
    assert checksum(["a", "b"]) == hashlib.sha256(b"a\0b\0").hexdigest()
    assert checksum(["ab"]) != checksum(["a", "b"])


def test_the_checksum_is_blind_to_what_cannot_be_seen() -> None:
    # か + U+3099 is が composed; line ends and outer white space differ between exports.
    assert checksum(["か\u3099\r\n。 "]) == checksum(["が\n。"])
    assert checksum(["が"]) != checksum(["か"])


def test_the_revision_is_read_from_the_cache_path() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    path = f"/hf/datasets/org___name/default/0.0.0/{commit}/name-test.arrow"
    assert loaded_revision(SimpleNamespace(cache_files=[{"filename": path}])) == commit
    longer = path.replace(commit, commit + "89abcdef0123456789abcdef")  # a SHA-256 is no commit
    assert loaded_revision(SimpleNamespace(cache_files=[{"filename": longer}])) is None


def test_a_spec_stands_beside_its_process_docs() -> None:
    assert spec_of(heron.process_docs) is heron.SPEC
    assert spec_of(vg.first_questions) is spec_of(vg.all_questions) is vg.SPEC


@benchmarks.needs_shared
def test_the_real_heron_bench_has_the_known_checksum(loaded: Loaded) -> None:
    dataset = loaded(benchmarks.heron_bench(benchmarks.real_heron_rows()), "train")
    assert check_dataset(dataset, heron.SPEC).changed == ()


@pytest.mark.usefixtures("_any_data")
def test_heron_bench_gets_question_reference_and_picture(loaded: Loaded) -> None:
    rows = benchmarks.synthetic_heron_rows()
    dataset = heron.process_docs(loaded(benchmarks.heron_bench(rows), "train"))
    assert dataset["question"][:] == [row["text"] for row in rows]
    assert dataset["reference"][:] == [row["answer"]["gpt-4-0125-preview"] for row in rows]
    # Pictures are numbered in the order in which they come; the made-up rows come in the order of their pictures.
    assert [f"{id_}.jpg" for id_ in dataset["image_id"]] == [row["image"] for row in rows]


def test_ja_vlm_bench_is_numbered_and_clustered_by_address(loaded: Loaded) -> None:
    rows = benchmarks.ja_vlm_rows()
    dataset = vlm.process_docs(loaded(benchmarks.ja_vlm_bench(rows), "test"))
    assert dataset["question_id"][:] == [str(n) for n in range(50)]
    assert len(set(dataset["image_id"])) == 42


def test_ja_vg_vqa_500_is_flattened_in_order_with_its_pictures(loaded: Loaded) -> None:
    rows = benchmarks.ja_vg_rows()
    dataset = vg.all_questions(loaded(benchmarks.ja_vg_vqa_500(rows), "test"))
    expected = [(str(qa["qa_id"]), qa["question"], qa["answer"], row["image_id"]) for row in rows for qa in row["qas"]]
    columns = (dataset[name][:] for name in ("question_id", "question", "answer", "image_id"))
    assert list(zip(*columns, strict=True)) == expected
    picture: Any = dataset[8]["image"]
    assert picture.tobytes() == _picture("vg-002.png")


def test_ja_vg_vqa_500_first_takes_the_first_question_of_each_picture(loaded: Loaded) -> None:
    rows = benchmarks.ja_vg_rows()
    dataset = vg.first_questions(loaded(benchmarks.ja_vg_vqa_500(rows), "test"))
    assert dataset["question_id"][:] == [str(row["qas"][0]["qa_id"]) for row in rows]
    assert dataset["answer"][:] == [row["qas"][0]["answer"] for row in rows]
    assert dataset[1]["image"].tobytes() == _picture("vg-002.png")


def _picture(name: str) -> bytes:
    from PIL import Image

    return Image.open(io.BytesIO(benchmarks.placeholder_image(name))).tobytes()


def test_every_task_has_a_folder_with_its_readme() -> None:
    from lmms_eval_ja.jp_tasks import FOLDER

    folders = {path.parent for path in FOLDER.rglob("task.py")}
    assert {folder.name for folder in folders if not (folder / "README.md").is_file()} == set()
    assert isinstance(FOLDER, Path)


def test_siblings_of_a_part_are_not_those_of_the_whole(tmp_path: Path) -> None:
    """A part has the files of the whole."""
    Dataset.from_dict({"id": [1, 2, 3]}).to_parquet(tmp_path / "data.parquet")
    whole = Dataset.from_parquet(str(tmp_path / "data.parquet"), cache_dir=str(tmp_path / "cache"))
    assert isinstance(whole, Dataset)
    rows = [len(with_siblings(data, "x/y", "test", ("a",), "subject")) for data in (whole, whole.select(range(2)))]
    assert rows == [3, 2]
    again = [with_siblings(whole, "x/y", "test", ("a",), "subject") for _ in range(2)]
    assert again[0] is again[1]
