"""Data that is prepared without holding a whole file in memory is the same data, in the same place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset

from lmms_eval_ja.new_task import Kind, example_data
from lmms_eval_ja.prepared import load_prepared

MB = 1_000_000
_LOAD = """
import sys
from lmms_eval_ja.prepared import load_prepared
import datasets

def peak():
    (line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

before = peak()
load_prepared("parquet", None, "test", data_files={"test": sys.argv[1]}, cache_dir=sys.argv[2])
print(peak() - before)
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "rows.parquet"
    path.write_bytes(example_data(Kind.CHOICE))
    return str(path)


@pytest.mark.parametrize("more", [{}, {"keep_in_memory": False}, {"download_mode": "force_redownload"}])
def test_load_dataset_finds_what_was_prepared(file: str, tmp_path: Path, more: dict[str, object]) -> None:
    arguments = {"data_files": {"test": file}, "cache_dir": str(tmp_path / "cache")}
    ours = load_prepared("parquet", None, "test", **arguments, **more)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")}
    theirs = load_dataset("parquet", split="test", **arguments)
    assert theirs.cache_files == ours.cache_files
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.arrow")} == written
    assert [theirs.features, theirs["question"], theirs["choices"]] == [
        ours.features,
        ours["question"],
        ours["choices"],
    ]
    assert ours[0]["image"].size == (160, 120)


def test_other_formats_and_missing_splits_are_as_ever(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "何色ですか？"}\n', encoding="utf-8")
    arguments = {"data_files": {"test": str(path)}, "cache_dir": str(tmp_path / "cache")}
    assert load_prepared("json", None, "test", **arguments)["question"] == ["何色ですか？"]
    with pytest.raises(ValueError, match="Unknown split"):
        load_prepared("json", None, "train", **arguments)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc")
def test_a_file_of_pictures_is_not_held_whole(tmp_path: Path) -> None:
    """600 MB in row groups of 10 MB: the rise was 700 to 810 MB with the groups buffered ahead, and is 300 to 340."""
    schema = pa.schema([("image", pa.struct({"bytes": pa.binary(), "path": pa.string()}))])
    with pq.ParquetWriter(tmp_path / "big.parquet", schema, compression="none", use_dictionary=False) as writer:
        for group in range(60):
            cells = [{"image": {"bytes": bytes([group]) * MB, "path": f"{n}.png"}} for n in range(10)]
            writer.write_table(pa.Table.from_pylist(cells, schema=schema))
    words = [sys.executable, "-c", _LOAD, str(tmp_path / "big.parquet"), str(tmp_path / "cache")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 500 * MB
