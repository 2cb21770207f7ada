"""As a script: a tiny model that generates, slowly, in a process that is there to be killed; and what it leaves behind.

Words: checkpoint, folder of the answer log, journal (to which the documents that are begun are appended), file for the
answers. It prints a line when it is about to begin.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

DOCS = 36
#: So that a kill has a chance to fall anywhere: in, before and after a batch.
BATCH_S = 0.05


def journalled(path: Path) -> dict[int, list[int]]:
    """By process the documents that it began to generate."""
    begun: dict[int, list[int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        process, *docs = json.loads(line)
        begun.setdefault(process, []).extend(docs)
    return begun


def logged(folder: Path) -> list[int]:
    """The documents in the answer log, as often as they stand there."""
    found = []
    for path in folder.rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            row = json.loads(line)
            found += [row["doc_id"]] if "key" in row else []
    return found


def main(checkpoint: str, log: str, journal: str, answers: str) -> None:
    """Generate and write the answers."""
    import torch

    from lmms_eval_ja.models.chat_vlm import ChatVlm
    from support.vlm_requests import documents, requests

    class Journalling(ChatVlm):
        def generate(self, inputs: Mapping[str, Any], settings: Any, seeds: Sequence[int]) -> Any:
            texts = [self.tokenizer.decode(ids) for ids in inputs["input_ids"]]
            begun = [int(re.search(r"(\d+)番", text)[1]) for text in texts]  # type: ignore[index]  # it stands there
            with Path(self.journal).open("a", encoding="utf-8") as file:
                file.write(json.dumps([os.getpid(), *begun]) + "\n")
            time.sleep(BATCH_S)
            return super().generate(inputs, settings, seeds)

    def model(log: str, journal: str) -> Journalling:
        made = Journalling(checkpoint, batch_size=4, answer_log=log, device="cpu", dtype="float32")
        made.journal = journal
        made.task_dict["t"] = {"test": documents(DOCS)}
        return made

    torch.set_num_threads(1)
    # What transformers imports at the first call is imported here: it would take longer than all batches.
    model("off", os.devnull).generate_until(requests([0, 1]))
    asked = model(log, journal)
    print("ready", flush=True)  # noqa: T201 (what the test waits for)
    texts = [result.text for result in asked.generate_until(requests(range(DOCS)))]
    Path(answers).write_text(json.dumps(texts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
