from __future__ import annotations

import io
from contextlib import closing

import pytest
from PIL import Image

from lmms_eval_ja.clients import ChatImage, JudgeSettings, Settings
from lmms_eval_ja.judges import PROTOCOLS, Engine, Judge, Sample, judge_samples, sample_of
from lmms_eval_ja.judges.pictures import has_image_column, images_of_doc
from support.judge_server import JudgeServer

DOC = {"question_id": 7, "question": "何色ですか？", "answer": "白色"}
RED, BLUE = (Image.new("RGB", (4, 3), colour) for colour in ("red", "blue"))


def file(format_: str) -> bytes:
    out = io.BytesIO()
    RED.save(out, format_)
    return out.getvalue()


# --- images of documents ---


def test_one_image_or_several():
    red, blue = ChatImage.of_pixels(RED), ChatImage.of_pixels(BLUE)
    assert images_of_doc({"image": RED}) == (red,)
    assert images_of_doc({"images": [RED, BLUE]}) == (red, blue)
    assert images_of_doc({"images": [RED, None]}) == (red,)
    assert images_of_doc({"image": None, "images": [BLUE]}) == (blue,)
    assert images_of_doc({"image": BLUE, "images": [RED]}) == (blue,)


@pytest.mark.parametrize("doc", [{}, {"image": None}, {"images": []}, {"image": "001.jpg"}, {"image_id": 3}])
def test_a_document_without_images(doc):
    assert images_of_doc(doc) == ()


def test_an_undecoded_image_is_sent_as_its_file(tmp_path):
    data = file("JPEG")
    (tmp_path / "x.jpg").write_bytes(data)
    [sent] = images_of_doc({"image": {"bytes": data, "path": None}})
    assert (sent.data, sent.media_type) == (data, "image/jpeg")
    assert images_of_doc({"image": {"bytes": None, "path": str(tmp_path / "x.jpg")}}) == (sent,)


def test_a_file_that_no_judge_reads_is_sent_as_a_png():
    assert images_of_doc({"image": {"bytes": file("BMP"), "path": None}}) == (ChatImage.of_pixels(RED),)


def test_an_image_is_encoded_once_for_all_that_is_judged_of_it():
    image = Image.new("RGB", (4, 3), "green")
    assert images_of_doc({"image": image})[0] is images_of_doc({"image": image})[0]
    assert images_of_doc({"image": image})[0] is not images_of_doc({"image": image.copy()})[0]


def test_columns_that_may_hold_images():
    assert has_image_column(["id", "image"])
    assert has_image_column(["images"])
    assert not has_image_column(["id", "image_id"])


# --- samples with images ---


def test_a_sample_has_images_only_where_they_are_wanted():
    assert sample_of(DOC | {"image": RED}, "白").images == ()
    sample = sample_of(DOC | {"image": RED}, "白", images=True)
    assert sample.images == (ChatImage.of_pixels(RED),)
    assert sample != sample_of(DOC | {"image": BLUE}, "白", images=True)
    assert hash(sample) == hash(sample_of(DOC | {"image": RED.copy()}, "白", images=True))
    assert "images" not in repr(sample)


def test_only_a_judge_that_sees_is_sent_images(tmp_path):
    [image] = images = (ChatImage.of_pixels(RED),)
    sample = Sample("1", "何色？", "赤", "赤色", images=images)
    judged = {}
    with JudgeServer(lambda body: "Score: 5") as server:
        for sees in (False, True):
            judge = Judge(JudgeSettings(base_url=server.base_url, model="m", sees_image=sees))
            [judged[sees]] = judge_samples([sample], "vqa_likert", judge, store=tmp_path / "verdicts.sqlite")
            judge_samples([sample], "vqa_likert", judge, store=tmp_path / "verdicts.sqlite")  # from the store
    blind, seeing = (request["messages"][-1]["content"] for request in server.requests)
    assert isinstance(blind, str)
    assert seeing == [
        {"type": "image_url", "image_url": {"url": image.data_url}},
        {"type": "text", "text": blind},
    ]
    assert [verdict["score"] for verdict in judged.values()] == [5, 5]


def test_the_store_holds_hashes_instead_of_images(tmp_path):
    from lmms_eval_ja.clients import Store

    image = ChatImage.of_pixels(RED)
    path = tmp_path / "verdicts.sqlite"
    with JudgeServer(lambda body: "Score: 5") as server:
        judge = Judge(JudgeSettings(base_url=server.base_url, model="m", sees_image=True))
        judge_samples([Sample("1", "何色？", "赤", "赤色", images=(image,))], "vqa_likert", judge, store=path)
    store = Store(path)
    try:
        [reply] = list(store)
    finally:
        store.close()
    assert image.reference in reply.messages
    assert "base64" not in reply.messages


def test_an_image_that_is_too_large_fails_its_sample_and_says_so(tmp_path, monkeypatch):
    from lmms_eval_ja.clients import images

    monkeypatch.setattr(images, "LARGEST_BYTES", 10)
    samples = [
        Sample("1", "何色？", "赤", "赤色", images=(ChatImage.of_pixels(RED),)),
        Sample("2", "何色？", "赤", "赤色"),
    ]
    with JudgeServer(lambda body: "Score: 5") as server:
        judge = Judge(JudgeSettings(base_url=server.base_url, model="m", sees_image=True))
        failed, scored = judge_samples(samples, "vqa_likert", judge, store=tmp_path / "verdicts.sqlite")
    assert (failed["score"], failed["failure"]) == (None, "transport")
    assert "are not sent: make the data's image smaller" in failed["reason"]
    assert scored["score"] == 5


def test_an_image_has_its_place_in_the_budget(tmp_path):
    # Text and reply take some hundred tokens, an image up to 50,000: $0.05 at a dollar a million.
    image = ChatImage.of_pixels(RED)
    failures = []
    with JudgeServer(lambda body: "Score: 5") as server:
        fields = {"base_url": server.base_url, "model": "m", "price_input": 1.0, "price_output": 0.0}
        judge = Judge(JudgeSettings(**fields, sees_image=True))
        for images in ((), (image,)):
            with closing(Engine(judge, tmp_path / "verdicts.sqlite", budget_usd=0.04)) as engine:
                verdict = engine.submit(Sample("1", "何色？", "赤", "赤色", images=images), PROTOCOLS["vqa_likert"])
                assert verdict.wait(60)
                failures.append(verdict["failure"])
    assert failures == [None, "budget"]


# --- judges that see ---


def test_that_a_judge_sees_is_part_of_its_fingerprint():
    likert = PROTOCOLS["vqa_likert"]
    blind = Judge(JudgeSettings(model="m")).fingerprint(likert)
    seeing = Judge(JudgeSettings(model="m", sees_image=True)).fingerprint(likert)
    assert "sees_image" not in blind
    assert seeing == blind | {"sees_image": True}
    assert "sees_image" not in Judge(JudgeSettings(model="m", sees_image=True)).fingerprint(PROTOCOLS["critic"])


def test_a_jury_sees_when_one_of_it_does():
    jury = JudgeSettings(provider="jury", members=("a", "b"))
    blind, seeing = JudgeSettings(), JudgeSettings(sees_image=True)

    def made(**members: JudgeSettings) -> Judge:
        return Judge.of(Settings(judge_name="j", judge=jury, store="x", members=members))

    assert not made(a=blind, b=blind).sees_image
    assert made(a=blind, b=seeing).sees_image
    assert Judge(seeing).sees_image
