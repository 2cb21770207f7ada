"""What of their pictures models are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.images import GREY, PLACE, picture_ids, shown, with_others
from lmms_eval_ja.jp_tasks.prompts import doc_to_visual
from support.benchmarks import placeholder_image
from support.suite.reading import dataset

NAMES = ("a.png", "b.png", "c.png", "d.png", "e.png")


def documents(clusters: Sequence[str] = NAMES) -> Dataset:
    """A document for each cluster; those of a cluster have the same picture."""
    rows = [{"question_id": str(n), "image": name, "image_id": name} for n, name in enumerate(clusters)]
    return dataset({"question_id": "string", "image": "image", "image_id": "string"}, rows)


def pixels(pictures: Sequence[Any]) -> list[bytes]:
    return [picture.tobytes() for picture in pictures]


def own(doc: dict[str, Any]) -> list[bytes]:
    return pixels([doc["image"].convert("RGB")])


def test_given_is_the_picture_itself() -> None:
    docs = with_others(documents())
    assert docs.column_names == ["question_id", "image", "image_id"]
    assert [pixels(doc_to_visual(doc)) for doc in docs] == [own(doc) for doc in docs]


def test_none_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "none")
    assert [doc_to_visual(doc) for doc in with_others(documents())] == [[]] * 5


def test_none_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "none")
    assert shown({}, lambda doc: pytest.fail("decoded")) == []


def test_blank_is_grey_and_as_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "blank")
    rows = [{"image": placeholder_image("a.png", size), "image_id": str(size)} for size in ((30, 20), (8, 64))]
    for doc in with_others(dataset({"image": "image", "image_id": "string"}, rows)):
        (picture,) = doc_to_visual(doc)
        assert picture.size == doc["image"].size
        assert picture.getcolors() == [(picture.width * picture.height, GREY)]


def test_shuffled_is_another_clusters_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    docs = with_others(documents([*NAMES, "a.png", "c.png"]))
    every = {tuple(own(doc)) for doc in docs}
    found = [pixels(doc_to_visual(doc)) for doc in docs]
    assert all(seen != own(doc) and tuple(seen) in every for seen, doc in zip(found, docs, strict=True))
    # Each cluster's picture is shown once, and a cluster's documents are shown the same.
    assert {tuple(seen) for seen in found} == every
    assert (found[0], found[2]) == (found[5], found[6])


def test_shuffled_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    one, two = with_others(documents()), with_others(documents())
    assert list(one[PLACE]) == list(two[PLACE])
    assert [pixels(doc_to_visual(doc)) for doc in one] == [pixels(doc_to_visual(doc)) for doc in two]


def test_shuffled_decodes_only_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture of the data is broken: those who are not shown it do not notice."""
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    rows = [{"image": name, "image_id": name} for name in NAMES] + [{"image": b"no picture", "image_id": "x"}]
    docs = with_others(dataset({"image": "image", "image_id": "string"}, rows)).select(range(5))
    seen, broken = 0, 0
    for doc in docs:
        try:
            seen += len(doc_to_visual(doc))
        except OSError:
            broken += 1
    assert (seen, broken) == (4, 1)


def test_a_document_of_several_pictures_is_shown_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    rows = [
        {"images": ["a.png", "b.png", "c.png"], "image_id": "1"},
        {"images": ["d.png"], "image_id": "2"},
        {"images": [], "image_id": "3"},
        {"images": ["e.png", "a.png"], "image_id": "4"},
        {"images": ["f.png"], "image_id": "5"},
    ]
    docs = with_others(dataset({"images": "images", "image_id": "string"}, rows))
    assert [len(doc_to_visual(doc)) for doc in docs] == [3, 1, 0, 2, 1]


def test_clusters_that_share_a_picture_are_not_shown_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"images": pages, "image_id": "-".join(pages)} for pages in (["p1", "p2"], ["p2", "p3"], ["p3", "p4"])]
    rows = [row | {"images": [f"{page}.png" for page in row["images"]]} for row in rows]
    data = dataset({"images": "images", "image_id": "string"}, rows)
    mine = [pixels(doc_to_visual(doc)) for doc in with_others(data)]
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    found = [pixels(doc_to_visual(doc)) for doc in with_others(data)]
    assert [len(seen) for seen in found] == [2, 2, 2]
    assert not any(set(seen) & set(own_) for seen, own_ in zip(found, mine, strict=True))


def test_too_few_other_pictures_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    rows = [{"images": ["a.png", "b.png"], "image_id": "1"}, {"images": ["b.png", "c.png"], "image_id": "2"}]
    docs = with_others(dataset({"images": "images", "image_id": "string"}, rows))
    with pytest.raises(DatasetError, match="a document has 2 pictures, and the others have only 1 that"):
        doc_to_visual(docs[0])


def test_a_single_picture_has_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    with pytest.raises(DatasetError, match='a single picture, and image = "shuffled" needs another'):
        with_others(documents(["a.png", "a.png"]))


def test_data_that_was_not_prepared_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    with pytest.raises(KeyError, match="process_docs calls no with_others"):
        doc_to_visual(documents()[0])


def test_pictures_are_named_by_their_bytes_which_need_not_decode() -> None:
    rows = [{"image": name} for name in ("a.png", "b.png", "a.png", None, b"no picture", b"no picture")]
    first, second, third, none, broken, same = picture_ids(dataset({"image": "image"}, rows), "image")
    assert first == third != second
    assert (none, broken == same, len(first)) == ("", True, 16)
