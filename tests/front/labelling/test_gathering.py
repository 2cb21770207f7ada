"""From results to what is rated, by target; and what is said where there is nothing of the kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmms_eval_ja.compare.documents import DocumentsError
from lmms_eval_ja.compare.results import ResultsError
from lmms_eval_ja.judges.rubrics import load_rubric
from lmms_eval_ja.labelling.gathering import Wish, gather
from lmms_eval_ja.labelling.items import LabelError
from lmms_eval_ja.metrics import failed_generation
from support.comparisons import edit_results, edit_samples, facts_of
from support.labelled import HERON, MODELS, WILD, write_results


def test_every_answer_with_what_was_asked(results):
    found, notes = gather(Wish(results))
    assert notes == []
    assert len(found.items) == 2 * 3 * 4
    assert found.scales == {WILD: (1, 5), HERON: (1, 10)}
    item = found.items[0]
    shown = found.shown[item.task, item.doc_id]
    assert shown.question.startswith("写真")
    assert (shown.reference != "", shown.images) == (True, ("picture0.png",))
    assert (found.images / shown.images[0]).is_file()
    assert found.values(item) == [1, 2, 3, 4, 5]
    ten = next(one for one in found.items if one.task == HERON)
    assert found.values(ten) == list(range(1, 11))


def test_parts_scale_and_rubric_that_are_asked_for(results):
    rubric = load_rubric("naturalness")
    wish = Wish(results, tasks=(HERON,), models=MODELS[:2], limit=6, scale=(1, 5), rubric=rubric)
    found, (note,) = gather(wish)
    assert note.startswith("heron_bench_ja is judged 1 to 10 and rated 1 to 5")
    assert [len([one for one in found.items if one.names == (name,)]) for name in MODELS] == [3, 3, 0]
    assert found.scales == {HERON: (1, 5)}
    assert all(one.rubric == rubric.as_doc() for one in found.shown.values())
    with pytest.raises(LabelError, match="describes scores 1 to 5, and heron_bench_ja is judged 1 to 10"):
        gather(Wish(results, tasks=(HERON,), rubric=rubric))
    assert gather(Wish(results, tasks=(WILD,), rubric=rubric, scale=(1, 5)))[1] == []


def test_pairs_are_all_twos_of_models(results):
    found, _ = gather(Wish(results, target="pairs", tasks=(WILD,)))
    assert len(found.items) == 3 * 4
    assert {item.names for item in found.items} == {MODELS[:2], MODELS[1:], MODELS[::2]}
    assert found.values(found.items[0]) == ["left", "tie", "right"]
    with pytest.raises(LabelError, match="need two models"):
        gather(Wish(results, target="pairs", models=MODELS[:1]))


def test_references_stand_among_the_answers_with_recorded_ones(results):
    documents = [{"anchors": {"gpt_4v": f"回答{n}", "gemini": None}} for n in range(4)]
    found, notes = gather(Wish(results, target="references", tasks=(HERON,)), lambda task, revision: documents)
    assert notes == []
    names = [item.names[0] for item in found.items]
    assert (names.count("reference"), names.count("anchor_gpt_4v"), names.count("anchor_gemini")) == (4, 4, 0)
    assert len(names) == 5 * 4

    def not_there(task, revision):
        raise DocumentsError(f"{task}: no internet at revision {revision}")

    found, notes = gather(Wish(results, target="references", tasks=(HERON,)), not_there)
    assert len(found.items) == 4 * 4
    (note,) = notes
    assert note.endswith("recorded answers are not shown: heron_bench_ja: no internet at revision abc")


def test_rubric_and_turns_of_the_documents(tmp_path):
    folder = write_results(tmp_path / "c")
    for model in MODELS:
        edit_results(
            folder, model, lambda record: facts_of(record, WILD)["fingerprint"]["judging"][0].update(protocol="rubric")
        )
    rubric = load_rubric("naturalness").as_doc()
    documents = [{"rubric": rubric, "history": [{"user": "前は？", "assistant": "はい"}]}] * 4
    found, _ = gather(Wish(folder), lambda task, revision: documents)
    shown = found.shown[WILD, 0]
    assert shown.rubric == rubric
    assert shown.history == [{"user": "前は？", "assistant": "はい"}]


def test_a_generation_that_failed_is_not_rated(tmp_path):
    folder = write_results(tmp_path / "c")

    def fail(rows):
        rows[0]["filtered_resps"] = failed_generation("out of memory")
        rows[1]["filtered_resps"] = ""

    edit_samples(folder, MODELS[0], WILD, fail)
    found, _ = gather(Wish(folder, models=MODELS[:1]))
    assert [(item.doc_id, item.texts[0] == "") for item in found.items] == [(1, True), (2, False), (3, False)]


def test_feedback_of_two_judges_on_the_same_answers(tmp_path, results):
    other = write_results(tmp_path / "other")
    for model in MODELS:
        edit_results(
            other, model, lambda record: facts_of(record, WILD)["fingerprint"]["judging"][0].update(judge="another")
        )
    wish = Wish(results, target="feedback", tasks=(WILD,), against=other)
    found, _ = gather(wish)
    assert len(found.items) == 12
    item = found.items[0]
    assert item.names == ("made-judge", "another")
    assert item.of in MODELS
    assert "評点は" in item.texts[0]
    assert item.answer
    with pytest.raises(LabelError, match="no answer has feedback by both judges by protocol original"):
        gather(Wish(results, target="feedback", tasks=(WILD,), against=other, protocol="original"))
    with pytest.raises(LabelError, match="--against"):
        gather(Wish(results, target="feedback"))
    edit_samples(other, MODELS[0], WILD, lambda rows: rows[2].update(filtered_resps="別"))
    with pytest.raises(LabelError, match=f"{MODELS[0]} answered doc_id 2 of {WILD} differently"):
        gather(wish)


def test_judges_of_one_name_are_told_apart_by_folders_however_they_are_typed(tmp_path, results, monkeypatch):
    other = write_results(tmp_path / "other")
    wish = Wish(results, target="feedback", tasks=(WILD,), against=other)
    found, _ = gather(wish)
    assert found.items[0].names == (f"made-judge ({results.resolve()})", f"made-judge ({other.resolve()})")
    monkeypatch.chdir(tmp_path)
    assert gather(replace(wish, against=Path("other")))[0].items == found.items


def test_what_is_not_there_is_named(results, tmp_path):
    with pytest.raises(LabelError, match="no results of task 'nothing'; there are"):
        gather(Wish(results, tasks=("nothing",)))
    with pytest.raises(LabelError, match="no results of model 'nobody'; there are azure, beech, cedar"):
        gather(Wish(results, models=("nobody",)))
    with pytest.raises(ResultsError, match="no results found"):
        gather(Wish(Path(tmp_path)))
