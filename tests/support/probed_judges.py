"""Two scripted judges of `ja_sample` by `ja_pairwise`: one fair, and one with planted biases.

Each answer has a hidden quality of 4 to 7, one that says nothing has 2, and now and then a score is a point off. The
fair judge gives 2 to whatever it is shown without the image of its question. The planted one does not look at the
image, gives 2 points more to what stands first, and 3 more to what is padded.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from lmms_eval_ja.jp_tasks import FOLDER
from lmms_eval_ja.judges.probes.injecting import BAD_ANSWER
from support.judge_server import user_text
from support.scored_sample import ROWS, recorded_answers

ANSWERS = "verbose"
_PADDED = 100  # characters beyond the recorded answer


class ScriptedJudge:
    """Replies to requests of `ja_pairwise`."""

    def __init__(self, *, position: float = 0, image_blind: bool = False, verbosity: float = 0) -> None:
        self.position, self.image_blind, self.verbosity = position, image_blind, verbosity
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, body: Mapping[str, Any]) -> str:
        """The two scores as JSON."""
        text = user_text(body)
        row = next(n for n, one in enumerate(ROWS) if f"\n{one['question']}\n" in text)
        with self._lock:
            self._seen[text] += 1
            turn = self._seen[text]
        reference, answer = _between(text, "参照回答"), _between(text, "評価対象の回答")
        answer_first = text.index("【評価対象の回答 ここから") < text.index("【参照回答 ここから")
        is_right = self.image_blind or _shown(body) == _images()[row]
        scores = {
            "score_gpt": self._score(ROWS[row]["answer"], reference, is_right) + self.position * (not answer_first),
            "score": self._score(recorded_answers(ANSWERS)[row], answer, is_right) + self.position * answer_first,
        }
        noise = {name: _noise(f"{name}{turn}{_shown(body)}{text}") for name in scores}
        return json.dumps({name: min(10, max(1, round(score + noise[name]))) for name, score in scores.items()})

    def _score(self, recorded: str, given: str, is_right: bool) -> float:
        if given.startswith(BAD_ANSWER) or not is_right:
            return 2
        quality = 4 + hashlib.sha256(recorded.encode()).digest()[0] % 4
        return quality + self.verbosity * (len(given) > len(recorded) + _PADDED)


def fair() -> ScriptedJudge:
    """Without a bias."""
    return ScriptedJudge()


def planted() -> ScriptedJudge:
    """With a bias for what stands first and for what is long, and blind to the image."""
    return ScriptedJudge(position=2, image_blind=True, verbosity=3)


def _between(text: str, name: str) -> str:
    return text.split(f"【{name} ここから】\n")[1].split(f"\n【{name} ここまで】", maxsplit=1)[0]


def _noise(text: str) -> int:
    """-1, 1 or, three times out of four, 0."""
    return (-1, 1, 0, 0, 0, 0, 0, 0)[hashlib.sha256(text.encode()).digest()[1] % 8]


def _shown(body: Mapping[str, Any]) -> str:
    """The digest of the pixels of the image of a request; "" where there is none."""
    content = body["messages"][-1]["content"]
    parts = content if isinstance(content, list) else []
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    return _pixels(base64.b64decode(urls[0].split(",", 1)[1])) if urls else ""


@cache
def _pixels(file: bytes) -> str:
    return hashlib.sha256(Image.open(io.BytesIO(file)).convert("RGB").tobytes()).hexdigest()


@cache
def _images() -> list[str]:
    rows = pq.read_table(FOLDER / "ja_sample" / "ja_sample.parquet", columns=["image"]).to_pylist()
    return [_pixels(row["image"]["bytes"]) for row in rows]
