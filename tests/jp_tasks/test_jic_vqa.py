"""JIC-VQA: domains, options, names, and pictures that are gone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError
from lmms_eval_ja.jp_tasks.jic_vqa import task
from lmms_eval_ja.jp_tasks.jic_vqa.names import domain_of, named_in
from lmms_eval_ja.jp_tasks.jic_vqa.task import doc_to_visual, mark, process_docs, process_results
from lmms_eval_ja.judges.scores import mean_ja
from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite import jic


@pytest.fixture(scope="module")
def rows() -> Iterator[list[dict[str, Any]]]:
    """The rows of all domains, with a hub that has their pictures."""
    with Hub() as hub:
        jic.add(hub)
        base = f"{hub.endpoint}/datasets/{jic.PICTURES}/resolve/main"
        yield [row for domain in jic.DOMAINS for row in jic.rows(domain, base)]


@pytest.fixture
def documents(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Dataset:
    """What becomes of them."""
    cache: Path = tmp_path_factory.getbasetemp() / "jic-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    return process_docs(Dataset.from_list(rows))


@pytest.mark.parametrize(
    ("question", "domain"),
    [
        ("この画像の花は何ですか？", "jaflower30"),
        ("どの食べ物ですか？選択肢：花巻そば、施設飯", "jafood101"),
        ("ランドマークの名前は？", "jalandmark10"),
        ("この施設は何ですか？花屋、食べ物屋", "jafacility20"),
    ],
)
def test_the_domain_is_that_of_the_word_that_comes_first(question: str, domain: str) -> None:
    assert domain_of(question) == domain


def test_a_question_of_no_domain_is_refused() -> None:
    with pytest.raises(DatasetError, match="expected one of the words 花, 食べ物, ランドマーク, 施設"):
        domain_of("これは何ですか？")


def test_names_are_found_in_their_order_and_a_part_of_a_longer_one_is_not() -> None:
    names = ["天ぷら", "天ぷらうどん", "寿司", "ＡＢＣ"]
    assert named_in("寿司と天ぷらうどん", names) == ["寿司", "天ぷらうどん"]
    assert named_in("天ぷらうどん、天ぷら", names) == ["天ぷらうどん", "天ぷら"]
    assert named_in("abc", names) == ["ＡＢＣ"]
    assert named_in("そば", names) == []


def test_options_stand_in_the_order_of_the_question(documents: Dataset) -> None:
    assert documents[1]["choices"] == ["ヤマザクラ", "ユリ", "キク", "サクラ"]
    assert documents[1]["listed"]
    unlisted = documents[2 * jic.ROWS]
    assert (unlisted["category"], unlisted["listed"]) == (jic.UNLISTED, False)
    assert sorted(unlisted["choices"]) == sorted(["東京タワー", "金閣寺", "姫路城", "厳島神社"])


@pytest.mark.parametrize(
    ("answer", "read"),
    [("ユリ", "ユリ"), ("これはヤマザクラです。", "ヤマザクラ"), ("Ａ", "ヤマザクラ"), ("わかりません。", None)],
)
def test_an_answer_names_an_option(documents: Dataset, answer: str, read: str | None) -> None:
    found = mark(documents[1], answer)
    assert (found.read, found.right) == (read, read == "ヤマザクラ")


def test_where_no_options_are_listed_the_one_name_of_the_domain_counts(documents: Dataset) -> None:
    doc = documents[2 * jic.ROWS]
    assert mark(doc, "東京タワーです。").right
    assert mark(doc, "東京タワーか姫路城です。").reason == "ambiguous"
    assert mark(doc, "A").reason == "none"


def test_a_document_whose_picture_is_gone_is_asked_with_a_grey_one_and_not_counted(documents: Dataset) -> None:
    gone = [n for n, why in enumerate(documents["picture_failure"]) if why]
    assert [n % jic.ROWS for n in gone] == list(jic.GONE) * len(jic.DOMAINS)
    (picture,) = doc_to_visual(documents[gone[0]])
    assert len(picture.getcolors()) == 1
    assert process_results(documents[gone[0]], ["サクラ"])["accuracy"].failed() == "picture"


@pytest.fixture
def offline(rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The rows where no picture is in the cache and none can be had."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(task, "SPEC", replace(task.SPEC, rows=len(rows)))
    return Dataset.from_list(rows)


def test_where_pictures_were_not_reached_there_is_no_score(offline: Dataset) -> None:
    docs = process_docs(offline)
    assert set(docs["picture_failure"]) == {"transport"}
    score = mean_ja([process_results(doc, [doc["reference"]])["accuracy"] for doc in docs])
    assert (math.isnan(score), score.report.incomplete) == (True, True)
    assert score.report.why_none == "0 of 48 samples have a score; failures: 48 transport"


def test_where_changed_data_is_allowed_they_count_as_gone(offline: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    assert set(process_docs(offline)["picture_failure"]) == {"picture"}


@pytest.mark.parametrize(
    ("answer", "read", "reason"),
    [
        ("<think>東京タワーかもしれない", None, "unfinished"),
        ("<think>姫路城か。</think>東京タワーです。", "東京タワー", None),
        ("東京タワーではありません。", None, "none"),
        ("「姫路城」ではなく、東京タワーです。", "東京タワー", None),
        ("姫路城じゃない。東京タワーだ。", "東京タワー", None),
        ("東京タワーではないでしょうか。", "東京タワー", None),
        ("東京タワーではありませんか。", "東京タワー", None),
        ("東京タワーではないと思われがちですが、東京タワーです。", "東京タワー", None),
    ],
)
def test_a_thought_and_a_rejected_name_are_no_answer(
    documents: Dataset, answer: str, read: str | None, reason: str | None
) -> None:
    found = mark(documents[2 * jic.ROWS], answer)
    assert (found.read, found.reason) == (read, reason)


def test_the_picture_is_that_of_the_address(documents: Dataset) -> None:
    from io import BytesIO

    from PIL import Image

    (picture,) = doc_to_visual(documents[0])
    expected = Image.open(BytesIO(placeholder_image("jaflower30-0.jpg"))).convert("RGB")
    assert picture.tobytes() == expected.tobytes()


def test_ablations_of_pictures_from_the_web(documents: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = jic.GONE[0]
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "none")
    assert [doc_to_visual(documents[n]) for n in (0, gone)] == [[], []]
    plain = documents.remove_columns(["question_id", "choices", "listed", "reference", "image_id", "parts"])
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    names = {"category": list(documents["reference"])}
    shuffled = process_docs(
        plain.remove_columns(["category", "picture_failure"]).add_column("category", names["category"])
    )
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "given")
    own = [doc_to_visual(doc)[0].tobytes() for doc in documents.select(range(5))]
    monkeypatch.setenv("LMMS_EVAL_JA_IMAGE", "shuffled")
    other = [[picture.tobytes() for picture in doc_to_visual(doc)] for doc in shuffled.select(range(5))]
    assert all(len(pictures) == 1 and pictures[0] != mine for pictures, mine in zip(other, own, strict=True))


def test_the_number_of_rows_is_known_to_three_digits(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(DatasetError, match="48 rows, expected 7645 to 7654"):
        process_docs(Dataset.from_list(rows))
