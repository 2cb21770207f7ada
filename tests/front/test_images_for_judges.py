"""What a run does before it for a judge that sees."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from lmms_eval_ja.run import keep_images
from lmms_eval_ja.run_data import CheckFailedError, check_images


class Fixed(NamedTuple):
    """Arguments that cannot be changed."""

    process_with_media: bool


def test_the_command_is_told_to_keep_images():
    arguments = argparse.Namespace(process_with_media=False)
    keep_images(arguments)
    assert arguments.process_with_media is True
    keep_images(arguments)
    assert arguments.process_with_media is True


def test_without_arguments_images_are_kept_anyway():
    keep_images(None)


@pytest.mark.parametrize("value", [Fixed(process_with_media=False), MappingProxyType({})])
def test_arguments_that_cannot_be_changed_are_to_say_it(value):
    with pytest.raises(CheckFailedError, match="pass --process_with_media"):
        keep_images(value)


def test_arguments_that_say_it_need_no_change():
    keep_images(Fixed(process_with_media=True))


def _config(tmp_path: Path, **columns: Any) -> dict[str, Any]:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": ["1"], **columns}), path)
    files = {"data_files": {"test": str(path)}}
    return {"task": "own", "dataset_path": "parquet", "dataset_kwargs": files, "test_split": "test"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("columns", [{}, {"image": ["001.jpg"]}, {"picture": ["x"]}])
def test_a_judge_that_sees_needs_documents_with_images(tmp_path, columns):
    config = _config(tmp_path, **columns)
    with pytest.raises(CheckFailedError) as caught:
        check_images(config)
    said = str(caught.value)
    assert "task own: the judge sees images (sees_image = true)" in said
    assert f"expected a column image or images, found {', '.join(['id', *columns])}" in said


@pytest.mark.parametrize("several", [False, True])
def test_documents_with_images_will_do(tmp_path, several):
    out = io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    file = {"bytes": out.getvalue(), "path": None}
    config = _config(tmp_path, **({"images": [[file, file]]} if several else {"image": [file]}))
    check_images(config)


def test_documents_are_looked_at_as_the_task_makes_them(tmp_path):
    config = _config(tmp_path, picture=[{"bytes": b"x", "path": None}])
    config["process_docs"] = lambda dataset: dataset.rename_column("picture", "image")
    check_images(config)


def test_data_that_cannot_be_looked_at_is_left_to_lmms_eval(tmp_path):
    config = _config(tmp_path)
    config["dataset_kwargs"] = {"data_files": {"test": str(tmp_path / "nowhere.parquet")}}
    check_images(config)
