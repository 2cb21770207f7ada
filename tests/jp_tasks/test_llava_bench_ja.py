"""LLaVA-Bench in Japanese: texts from files, pictures from the hub, and the rules of LLaVA."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from lmms_eval_ja.jp_tasks.dataset import DatasetError, spec_of
from lmms_eval_ja.jp_tasks.llava_bench_ja.task import coco, in_the_wild
from lmms_eval_ja.judges import PROTOCOLS, anchors_of, sample_of
from support.benchmarks import SHARED, needs_shared
from support.suite import llava
from support.suite.reading import dataset
from support.suite.repository import Features

BOTH = {"wild": in_the_wild, "coco": coco}
DATA = {"wild": (llava.WILD_FEATURES, llava.hub_rows), "coco": (llava.COCO_FEATURES, llava.coco_rows)}
FOLDERS = {"wild": ("llava_bench_itw_ja", llava.TASKS[0]), "coco": ("llava_bench_coco_ja", llava.TASKS[1])}


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Texts of our own in place of the real ones."""
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "1")
    llava.place(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("which", BOTH)
def test_texts_are_joined_with_pictures_by_the_number_of_the_question(which: str) -> None:
    docs = BOTH[which](dataset(*_made(which)))
    assert list(docs["question_id"]) == [str(n) for n in range(llava.ROWS)]
    sample = sample_of(docs[4], "湖")
    assert sample.question == "002.jpgの写真の4番目の問いです。何が見えますか？"
    assert (sample.reference, sample.cluster) == (llava.reference(4), "002.jpg")
    assert sample.category == {"wild": "llava_bench_detail", "coco": "detail"}[which]
    assert (
        sample.context
        == {
            "wild": "002.jpgの写真。",
            "coco": "A tub.\nSome bamboo.\n\ntub: [0.37, 0.5, 0.75, 1.0]\ntree: [0]",
        }[which]
    )


@pytest.mark.usefixtures("texts")
def test_recorded_answers_stand_beside_the_questions_in_the_wild() -> None:
    wild = in_the_wild(dataset(*_made("wild")))
    assert anchors_of(wild[4]) == {"claude_3": llava.reference(4), "gemini": llava.WRONG}
    assert anchors_of(coco(dataset(*_made("coco")))[4]) == {}


def _made(which: str) -> tuple[Features, list[dict[str, Any]]]:
    features, rows = DATA[which]
    return features, rows()


@pytest.mark.usefixtures("texts")
def test_pictures_of_other_questions_are_refused() -> None:
    rows = [row | {"question_id": row["question_id"] + 1} for row in llava.hub_rows()]
    with pytest.raises(
        DatasetError, match="the numbers of the questions differ: 12 with a picture, 12 in questions_ja"
    ):
        in_the_wild(dataset(llava.WILD_FEATURES, rows))


@pytest.mark.usefixtures("texts")
@pytest.mark.parametrize("column", ["question_id", "image"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(DatasetError, match=f"column '{column}' is missing"):
        coco(dataset(llava.COCO_FEATURES, llava.coco_rows()).remove_columns(column))


@pytest.mark.usefixtures("texts")
def test_other_texts_are_refused_where_they_are_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LMMS_EVAL_JA_ALLOW_CHANGED_DATA", "0")
    with pytest.raises(DatasetError, match=r"questions_ja.jsonl is not the expected file \(sha256"):
        in_the_wild(dataset(llava.WILD_FEATURES, llava.hub_rows()))


def test_without_texts_the_message_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from lmms_eval_ja.clients import assets

    name = "llava_bench_in_the_wild_ja/questions_ja.jsonl"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("LMMS_EVAL_JA_ASSETS", raising=False)
    nowhere = assets._Asset("http://127.0.0.1:1/questions_ja.jsonl", "0" * 64, "llava_bench_in_the_wild_ja")
    monkeypatch.setitem(assets.ASSETS, name, nowhere)
    with pytest.raises(DatasetError, match="run `lmms-eval-ja fetch --tasks llava_bench_in_the_wild_ja`"):
        in_the_wild(dataset(llava.WILD_FEATURES, llava.hub_rows()))


# --- with the real texts ---


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert SHARED is not None
    for shared, own in FOLDERS.values():
        shutil.copytree(SHARED / "data" / shared, tmp_path / own)
    shutil.copytree(SHARED / "data" / "heron_bench", tmp_path / "heron_bench")
    monkeypatch.setenv("LMMS_EVAL_JA_ASSETS", str(tmp_path))
    monkeypatch.setattr(PROTOCOLS["original"], "_rules", {})


@needs_shared
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize(("which", "n", "pictures"), [("wild", 60, 24), ("coco", 90, 30)])
def test_the_real_texts_have_the_known_checksum_and_a_rule_for_every_question(
    which: str, n: int, pictures: int
) -> None:
    columns = {"question_id": [str(k) for k in range(n)], "image": [None] * n}
    docs = BOTH[which](Dataset.from_dict(columns | {"question": [""] * n, "category": [""] * n}))
    assert (len(docs), len(set(docs["image_id"]))) == (n, pictures)
    assert spec_of(BOTH[which]).texts_sha256 is not None
    assert all(all(anchors_of(doc).values()) for doc in docs)
    rules = json.loads((SHARED / "data" / "heron_bench" / "rule.json").read_text(encoding="utf-8"))
    original = PROTOCOLS["original"]
    for doc in docs:
        prompt = original.messages(sample_of(doc, "答え"))[1]["content"]
        assert f"\n\n[System]\n{rules[doc['category']]['prompt']}\n\n" in prompt
        assert prompt.startswith(f"[Context]\n{doc['context']}\n\n[Question]\n{doc['question']}\n\n[Assistant 1]\n")


@needs_shared
def test_ninety_real_replies_of_a_judge_are_read_as_their_authors_read_them() -> None:
    path = SHARED / "data" / "llava_bench_coco_ja" / "sample_reviews.json"
    replies = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(replies) == 90
    for reply in replies:
        score = PROTOCOLS["original"].parse(reply["content"])
        assert [score.reference, score.score] == reply["tuple"]
