"""What lmms-eval sees: on tiny checkpoints everywhere, on the reference's where it is at hand."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lmms_eval_ja.metrics import clean_answer, generation_failure
from lmms_eval_ja.models import MANIFESTS
from lmms_eval_ja.models.failures import ModelError
from lmms_eval_ja.models.vila.plugins import LlmJpVila, Vila15
from support.hub import Hub
from support.tiny_vila import edit_json, make_vila
from support.vila_golden import CASES, CHECKPOINT, needs_golden
from support.vlm_requests import GREEDY, documents, messages, picture, requests

PLUGINS = {"mlp2x_gelu": LlmJpVila, "mlp_downsample": Vila15}
each_plugin = pytest.mark.parametrize("projector", PLUGINS)


@pytest.fixture
def vila(tiny_vila: Callable[[str], Path]) -> Callable[..., LlmJpVila]:
    """Loads a tiny checkpoint, with documents of task t."""

    def load(projector: str = "mlp2x_gelu", folder: Path | None = None, docs: Any = 7, **arguments: Any) -> LlmJpVila:
        given = {"answer_log": "off", "device": "cpu"} | arguments
        model = PLUGINS[projector](str(folder or tiny_vila(projector)), **given)
        model.task_dict["t"] = {"test": documents(docs) if isinstance(docs, int) else docs}
        return model

    return load


def answers(model: LlmJpVila, count: int = 7, **settings: Any) -> list[str]:
    return [result.text for result in model.generate_until(requests(range(count), GREEDY | settings))]


def test_the_names_under_which_they_are_registered() -> None:
    for name, cls in (("llm_jp_vila", LlmJpVila), ("vila15", Vila15)):
        assert MANIFESTS[name] == f"{cls.__module__}.{cls.__qualname__}"


@each_plugin
def test_four_at_a_time_answer_as_one_at_a_time(vila: Callable[..., LlmJpVila], projector: str) -> None:
    """Documents with none, one and two images, of several lengths."""
    single = answers(vila(projector, batch_size=1))
    assert answers(vila(projector, batch_size=4)) == single
    assert len(set(single)) >= 5  # the weights tell prompts apart
    assert not any(map(generation_failure, single))


def test_float32_on_the_cpu(vila: Callable[..., LlmJpVila]) -> None:
    assert vila().model.dtype == torch.float32
    assert vila(dtype="bfloat16").model.dtype == torch.bfloat16


def test_256_new_tokens_unless_the_task_says_otherwise(vila: Callable[..., LlmJpVila]) -> None:
    assert vila().settings_of({}).max_new_tokens == 256
    assert vila().settings_of({"max_new_tokens": 9}).max_new_tokens == 9


def test_rows_without_a_token_are_neither_generated_nor_likely(vila: Callable[..., LlmJpVila]) -> None:
    model = vila()
    assert list(model.suppressed_tokens) == [259, 260, 261, 262, 263]
    masked = answers(model)
    model.suppressed_tokens, model.model.generation_config.suppress_tokens = (), None
    assert answers(model) != masked


def test_likelihoods_are_over_the_tokens_only(vila: Callable[..., LlmJpVila]) -> None:
    model = vila()
    doc = model.task_dict["t"]["test"][1]
    request = SimpleNamespace(args=(doc["question"], "赤", lambda doc: doc["images"], 1, "t", "test"))
    ((found, _),) = model.loglikelihood([request])
    prompt = model.prompt_of(messages(doc))
    inputs = model.processor([prompt.text + "赤"], [prompt.images])
    with torch.no_grad():
        logits = model.model(**inputs).logits[0, :, :259]
    target = model.tokenizer("赤", add_special_tokens=False)["input_ids"]
    scores = logits[-len(target) - 1 : -1].log_softmax(-1)
    assert found == pytest.approx(sum(float(scores[n, id_]) for n, id_ in enumerate(target)), abs=1e-3)


def test_a_prompt_longer_than_the_context_is_cut_counted_and_reported(
    vila: Callable[..., LlmJpVila], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Eight images of 25 positions in a context of 190, which ends in one of them: the question is lost."""
    caplog.set_level(logging.WARNING, "lmms_eval_ja")
    folder = make_vila(tmp_path / "vila", context=190)
    images = [picture(n) for n in range(8)]
    docs = [
        {"question": "何色?", "images": images},
        {"question": "短い", "images": []},
        {"question": "形?", "images": images},
    ]
    first, short, second = answers(vila(folder=folder, docs=docs, batch_size=4), 3)
    assert first == second != short
    assert "2 prompts were cut to the context: t doc_id" in caplog.text
    assert "(200 of them image features) is cut to the first 190" in caplog.text


def test_tags_that_do_not_fit_the_images_are_named_failures(vila: Callable[..., LlmJpVila]) -> None:
    docs = [{"question": "<image>と<image>の違いは?", "images": [picture(0)]}, *documents(2)]
    first, *rest = answers(vila(docs=docs, batch_size=4), 3)
    assert (
        generation_failure(first) == "t doc_id 0: 2 <image> tags in the text for 1 images; write one for each or none"
    )
    assert not any(map(generation_failure, rest))


def test_a_text_that_holds_the_images_token_is_a_named_failure(vila: Callable[..., LlmJpVila]) -> None:
    docs = [{"question": "what is <unk>?", "images": []}, *documents(3)]
    first, *rest = answers(vila("mlp_downsample", docs=docs, batch_size=4), 4)
    assert "the prompt holds the token <unk>, which stands for an image" in str(generation_failure(first))
    assert not any(map(generation_failure, rest))


def test_disk_offloading_answers_as_one_device(vila: Callable[..., LlmJpVila], tmp_path: Path) -> None:
    places = {"model.vision_tower": "cpu", "model.multi_modal_projector": "cpu", "lm_head": "cpu"}
    places |= {"model.language_model": "disk"}
    sharded = vila(batch_size=4, device_map=places, offload_folder=str(tmp_path))
    assert answers(sharded) == answers(vila(batch_size=4))


def test_another_layout_ends_the_run_with_the_file_and_the_field(vila: Callable[..., LlmJpVila], broken: Path) -> None:
    edit_json(broken / "config.json", image_aspect_ratio="dynamic")
    with pytest.raises(ModelError, match=r"vila/config\.json: image_aspect_ratio is 'dynamic'; expected 'resize'"):
        vila(folder=broken)


def test_a_name_that_is_neither_folder_nor_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="pretrained=nobody/nothing: no such folder, and not fetched from the hub"):
        LlmJpVila("nobody/nothing", device="cpu", answer_log="off")


@pytest.mark.parametrize("argument", ["max_pixels", "chat_template"])
def test_what_a_checkpoint_fixes_cannot_be_set(vila: Callable[..., LlmJpVila], argument: str) -> None:
    with pytest.raises(ModelError, match=f"{argument}: images and template of a VILA checkpoint are fixed"):
        vila(**{argument: 100})


def test_a_checkpoint_of_the_other_family_is_loaded_with_a_warning(
    tiny_vila: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    LlmJpVila(str(tiny_vila("mlp_downsample")), device="cpu", answer_log="off")
    assert "has the projector mlp_downsample, checkpoints of this plugin have mlp2x_gelu" in caplog.text
    assert "is llmjp_v3 the right prompt?" in caplog.text


@pytest.mark.slow
def test_from_the_hub_the_commit_is_part_of_the_fingerprint(tiny_vila: Callable[[str], Path], tmp_path: Path) -> None:
    """In a process of its own: the hub's client reads its address when it is imported."""
    folder = tiny_vila("mlp2x_gelu")
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    script = (
        "from lmms_eval_ja.models.vila.plugins import LlmJpVila\n"
        "model = LlmJpVila('llm-jp/tiny', device='cpu', answer_log='off')\n"
        "print('commit', model.model.config._commit_hash)\n"
    )
    with Hub() as hub:
        commit = hub.add_model("llm-jp/tiny", files | {"optimizer.bin": b"x"})
        env = hub.environ(tmp_path / "hf")
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert f"commit {commit}" in done.stdout
    assert not list((tmp_path / "hf").rglob("optimizer.bin"))


@needs_golden
def test_the_references_answers_four_at_a_time() -> None:
    model = LlmJpVila(str(CHECKPOINT), device="cpu", batch_size=4, answer_log="off")
    model.task_dict["t"] = {"test": [{"messages": case.messages} for case in CASES]}
    asked = [
        requests([n], GREEDY | {"max_new_tokens": case.max_new_tokens}, build=lambda doc: doc["messages"])[0]
        for n, case in enumerate(CASES)
    ]
    found = [result.text for result in model.generate_until(asked)]
    assert found == [clean_answer(case.facts["output_text"]).strip() for case in CASES]
