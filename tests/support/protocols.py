"""A sample, and the delimiters that stand around its texts in each protocol's prompt."""

from __future__ import annotations

from lmms_eval_ja.judges import PROTOCOLS, Rubric, Sample

SAMPLE = Sample(
    sample_id="7",
    question="何色ですか？",
    answer="白色です。",
    reference="車は白色です。",
    context="白い車の写真です。",
    category="conv",
    rubric=Rubric("色の正しさ。", ("違う。", "近い。", "半ば合う。", "ほぼ合う。", "合う。"), "colour"),
)
#: Protocols whose judge is told nothing of the picture but question and reference.
WITHOUT_CONTEXT = ("vqa_likert", "ja_binary", "ja_graded", "rubric", "critic")
#: The delimiters whole, as they stand in the prompts.
MARKS = {
    "original": PROTOCOLS["original"].delimiters,
    "vqa_likert": PROTOCOLS["vqa_likert"].delimiters,
    "rubric": (
        "###Task Description:",
        "###The instruction to evaluate:",
        "###Response to evaluate:",
        "###Reference Answer (Score 5):",
        "###Score Rubrics:",
        "###Feedback:",
        "[RESULT]",
    ),
} | {
    name: tuple(f"【{block} ここ{end}】" for block in blocks for end in ("から", "まで"))
    for name, blocks in {
        "ja_pairwise": ("画像の説明", "質問", "参照回答", "評価対象の回答"),
        "ja_binary": ("質問", "正解", "評価対象の回答"),
        "ja_graded": ("質問", "模範回答", "評価対象の回答"),
        "critic": ("対話の履歴", "質問", "課題の種類", "参照回答", "評価対象の回答"),
    }.items()
}
