from __future__ import annotations

from pathlib import Path

import pytest

from lmms_eval_ja.exporting.files import differing, written
from lmms_eval_ja.exporting.models import exported_model
from lmms_eval_ja.exporting.modules import ExportError

REGISTRY = (
    'AVAILABLE_SIMPLE_MODELS = {\n    "a": "A",\n}\n\nAVAILABLE_CHAT_TEMPLATE_MODELS = {\n    "b": "B",\n}\nMORE = 1\n'
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "lmms_eval" / "models").mkdir(parents=True)
    (tmp_path / "lmms_eval" / "models" / "__init__.py").write_text(REGISTRY)
    return tmp_path


def test_the_registry_gets_one_entry_once(checkout: Path) -> None:
    path = checkout / "lmms_eval" / "models" / "__init__.py"
    for _ in range(2):
        files = exported_model("llm_jp_vila", checkout)
        path.write_bytes(files["lmms_eval/models/__init__.py"])
    assert path.read_text() == REGISTRY.replace('"b": "B",\n', '"b": "B",\n    "llm_jp_vila": "LlmJpVila",\n')
    module = files["lmms_eval/models/chat/llm_jp_vila.py"].decode()
    for ours in ("lmms_eval_ja", "ja_vlm", "def shorten", "the run goes on"):
        assert ours not in module
    assert '@register_model("llm_jp_vila")\nclass LlmJpVila(lmms):' in module


def test_a_registry_that_changed_elsewhere_is_still_up_to_date(checkout: Path) -> None:
    written(exported_model("llm_jp_vila", checkout), checkout)
    path = checkout / "lmms_eval" / "models" / "__init__.py"
    text = path.read_text().replace('    "a": "A",\n', '    "a": "A",\n    "c": "C",\n')
    text = text.replace(
        '    "b": "B",\n    "llm_jp_vila": "LlmJpVila",\n', '    "llm_jp_vila": "LlmJpVila",\n    "z": "Z",\n'
    )
    path.write_text(text.replace("MORE = 1", "MORE = 2"))
    assert differing(exported_model("llm_jp_vila", checkout), checkout) == []
    path.write_text(path.read_text().replace('    "llm_jp_vila": "LlmJpVila",\n', ""))
    assert differing(exported_model("llm_jp_vila", checkout), checkout) == ["lmms_eval/models/__init__.py"]


@pytest.mark.parametrize(
    ("registry", "message"),
    [
        ("MODELS = {}\n", "not a dict of one entry a line"),
        (REGISTRY.replace('"b": "B"', '"llm_jp_vila": "Other"'), "registered already, as another class"),
    ],
)
def test_a_registry_that_is_not_as_expected(checkout: Path, registry: str, message: str) -> None:
    (checkout / "lmms_eval" / "models" / "__init__.py").write_text(registry)
    with pytest.raises(ExportError, match=message):
        exported_model("llm_jp_vila", checkout)


def test_an_unknown_model(checkout: Path) -> None:
    with pytest.raises(ExportError, match="ja_vlm cannot be exported: expected one of llm_jp_vila"):
        exported_model("ja_vlm", checkout)
