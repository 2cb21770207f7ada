"""A sample, and the delimiters that stand around its texts in each protocol's prompt."""

from __future__ import annotations

from lmms_eval_ja.judges import PROTOCOLS, Sample

SAMPLE = Sample(
    sample_id="7",
    question="何色ですか？",
    answer="白色です。",
    reference="車は白色です。",
    context="白い車の写真です。",
    category="conv",
)
#: The delimiters whole, as they stand in the prompts.
MARKS = {
    "original": PROTOCOLS["original"].delimiters,
    "vqa_likert": PROTOCOLS["vqa_likert"].delimiters,
    "ja_pairwise": tuple(
        f"【{name} ここ{end}】"
        for name in ("画像の説明", "質問", "参照回答", "評価対象の回答")
        for end in ("から", "まで")
    ),
}
