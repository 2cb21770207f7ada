"""MangaVQA: the user's own pages, and the benchmark's system message."""

from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.clients import load_settings
from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.manga_vqa.task import doc_to_messages, process_docs
from support.suite import manga
from support.suite.reading import dataset


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    monkeypatch.setenv("LMMS_EVAL_JA_MANGA109", str(tmp_path))
    manga.place(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("pages")
def test_the_model_gets_the_system_message_the_page_and_the_question() -> None:
    docs = process_docs(dataset(manga.FEATURES, manga.rows()))
    system, user = doc_to_messages(docs[2])
    said = "日本の漫画のページについて質問を受け、そのページの画像をもとに答えるアシスタントです。"
    assert system == {"role": "system", "content": [{"type": "text", "text": said}]}
    picture, question = user["content"]
    assert (picture["type"], picture["url"].mode, picture["url"].size) == ("image", "RGB", (32, 24))
    assert question == {"type": "text", "text": "漫画の図1の2番目に示されているものは何ですか？"}
    assert docs[2]["image_id"] == "NekoNoTabi/4"


@pytest.mark.usefixtures("pages")
def test_without_pictures_the_message_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "none")
    docs = process_docs(dataset(manga.FEATURES, manga.rows()))
    assert [part["type"] for part in doc_to_messages(docs[0])[1]["content"]] == ["text"]


def test_without_a_folder_the_message_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LMMS_EVAL_JA_MANGA109", raising=False)
    with pytest.raises(DatasetError) as caught:
        process_docs(dataset(manga.FEATURES, manga.rows()))
    message = str(caught.value)
    assert message.startswith("no folder of Manga109 is named.")
    for part in ("apply for it at http://www.manga109.org/", "LMMS_EVAL_JA_MANGA109", "manga109 in judge.toml"):
        assert part in message


def test_a_page_that_is_not_there_is_named(pages: Path) -> None:
    gone = pages / "images" / "YamaNoEki" / "003.jpg"
    gone.unlink()
    with pytest.raises(DatasetError) as caught:
        process_docs(dataset(manga.FEATURES, manga.rows()))
    assert str(caught.value).startswith(f"1 of 12 pages are not there, the first of them {gone}. ")


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("column", ["title", "image_number", "question", "answer"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DatasetError, match=f"hal-utokyo/MangaVQA: column '{column}' is missing"):
        process_docs(dataset(manga.FEATURES, manga.rows()).remove_columns(column))


def test_another_number_of_rows_is_refused(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "0")
    assert load_settings().manga109 == pages
    with pytest.raises(DatasetError, match="12 rows, expected 526"):
        process_docs(dataset(manga.FEATURES, manga.rows()))
