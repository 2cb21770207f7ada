"""What the whole runs share: a hub with the three benchmarks, caches that are filled once, a warm process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.judging import RULES
from e2e.worker import Worker
from support import benchmarks
from support.hub import Hub
from support.suite import suite_environ


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """The benchmarks in their schemas, with made-up texts."""
    with Hub() as hub:
        hub.add_dataset(benchmarks.HERON_ID, benchmarks.heron_bench())
        hub.add_dataset(benchmarks.JA_VLM_ID, benchmarks.ja_vlm_bench())
        hub.add_dataset(benchmarks.JA_VG_ID, benchmarks.ja_vg_vqa_500())
        yield hub


@pytest.fixture(scope="session")
def hub_env(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For runs against `hub`, whose Heron-Bench is not the real one, with the judge that asks nobody."""
    folder = tmp_path_factory.mktemp("hub")
    return (
        hub.environ(folder / "hf")
        | suite_environ(folder)
        | {
            "LMMS_EVAL_JA_JUDGE": "overlap",
            "LMMS_EVAL_JA_ALLOW_CHANGED_DATA": "1",
            "LMMS_EVAL_JA_ANCHORS": "0",
            "LMMS_EVAL_JA_STORE": str(folder / "verdicts.sqlite"),
        }
    )


@pytest.fixture(scope="session")
def real_hub() -> Iterator[Hub]:
    """Heron-Bench with its real texts; skips where they are not there."""
    if benchmarks.SHARED is None:
        pytest.skip("needs the project's shared folder beside the repository")
    with Hub() as hub:
        hub.add_dataset(benchmarks.HERON_ID, benchmarks.heron_bench(benchmarks.real_heron_rows()))
        yield hub


@pytest.fixture(scope="session")
def real_env(real_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For runs against `real_hub`; the judge is still to be named."""
    return real_hub.environ(tmp_path_factory.mktemp("real") / "hf") | {
        "LMMS_EVAL_JA_ASSETS": str(RULES.parents[1]),
        "LMMS_EVAL_JA_ANCHORS": "0",
    }


@pytest.fixture(scope="session")
def worker(hub_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """The warm process, in the environment `hub_env`."""
    with Worker(hub_env, tmp_path_factory.mktemp("worker") / "empty") as worker:
        yield worker


@pytest.fixture
def heron_answers(tmp_path: Path) -> Path:
    """Answers to the made-up Heron-Bench: each the first half of GPT-4V's."""
    from e2e.runner import write_answers

    rows = benchmarks.synthetic_heron_rows()
    texts = {row["question_id"]: row["answer"]["gpt-4-vision-preview"] for row in rows}
    return write_answers(tmp_path / "heron.jsonl", {id_: text[: len(text) // 2] for id_, text in texts.items()})
