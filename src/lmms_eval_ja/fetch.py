"""What a run needs from the network, fetched beforehand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lmms_eval_ja.clients import AssetError, SettingsError, cache_folder
from lmms_eval_ja.jp_tasks.catalogue import opened
from lmms_eval_ja.judges import protocol, protocols_of


class FetchError(Exception):
    """Something could not be fetched; the message names it."""


def fetch_tasks(names: list[str]) -> Iterator[str]:
    """Fetch data and assets of tasks and groups, and check them; yields a line for each thing that is there.

    Raises:
        FetchError: an unknown name, data that cannot be loaded or is not what it should be, a missing asset.
    """
    import datasets  # noqa: F401 (so that its first import is not counted to the first task)
    from lmms_eval.tasks import TaskManager

    from lmms_eval_ja.plugin import install
    from lmms_eval_ja.run_data import CheckFailedError, check_data

    install()
    try:
        tasks = opened(names)
    except ValueError as error:
        raise FetchError(str(error)) from None
    manager = TaskManager("ERROR")
    for name in tasks:
        config: dict[str, Any] = manager._get_config(name)  # noqa: SLF001 (the manager has no public way to a YAML)
        try:
            facts = check_data(config)
            yield f"{name}: {facts['rows']:,} rows of {facts['name']}, {_origin(facts, config)}"
            if "fetched" in facts:
                yield f"{name}: {facts['fetched']}"
            for used in protocols_of(config.get("process_results")):
                protocol(used).check()
                yield f"{name}: everything for protocol {used}"
        except (CheckFailedError, AssetError, SettingsError, SystemExit) as error:
            raise FetchError(str(error)) from None


def _origin(facts: dict[str, Any], config: dict[str, Any]) -> str:
    if config["dataset_path"] == "parquet":
        return "shipped with the package"
    return f"revision {facts['revision'] or 'not readable'}"


def offline_advice() -> str:
    """What to copy and set on a node without internet."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    return (
        f"On the node without internet: copy {home} and {cache_folder()}, and set\n"
        f"  export HF_HOME=<copy of {home.name}> HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1\n"
        f"  export LMMS_EVAL_JA_ASSETS=<copy of {cache_folder().name}>"
    )
