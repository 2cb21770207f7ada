"""The hub repositories of the three benchmarks: real schemas, drawn placeholder images, texts of our own.

Schemas are those of the repositories' cards (``dataset_info``); for Silviase/Japanese-Heron-Bench, whose card could not
be read, those of its documented columns. In SakanaAI/JA-VG-VQA-500 ``a_objects`` and ``q_objects`` are lists of nulls
(always empty), ``coco_id`` and ``flickr_id`` floats. The real Heron-Bench texts are read from the shared folder, where
there is one.

Written with pyarrow alone: importing this module does not import ``datasets``, which reads HF_ENDPOINT at its import.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw

HERON_ID = "Silviase/Japanese-Heron-Bench"
JA_VLM_ID = "SakanaAI/JA-VLM-Bench-In-the-Wild"
JA_VG_ID = "SakanaAI/JA-VG-VQA-500"

_CANDIDATE = Path(__file__).resolve().parents[2].parent / "shared"
SHARED: Path | None = _CANDIDATE if (_CANDIDATE / "data" / "heron_bench").is_dir() else None
needs_shared = pytest.mark.skipif(SHARED is None, reason="needs the project's shared folder beside the repository")

HERON_ANSWERS = {
    "claude-3-opus-20240229": "claude3_0404_ja.jsonl",
    "gemini-1.0-pro-vision-latest": "gemini_0404_ja.jsonl",
    "gpt-4-0125-preview": "answers_gpt4.jsonl",
    "gpt-4-vision-preview": "gpt4v_0404_ja.jsonl",
}

# Image category, what the picture shows, what stands in front, its number, what is behind. As in the real benchmark: 21
# images, and the fifth and the seventeenth have one complex question instead of two.
HERON_SCENES: tuple[tuple[str, str, str, int, str], ...] = (
    ("anime", "赤いマントを着た猫の騎士", "銀色の盾", 2, "石造りの城"),
    ("anime", "提灯につかまって空を飛ぶ少女", "紙の鶴", 5, "満月"),
    ("art", "墨で描かれた竜の掛け軸", "香炉", 1, "障子"),
    ("art", "波と小舟の版画", "小舟", 3, "雪をかぶった山"),
    ("art", "金箔の地に松を描いた屏風", "燭台", 2, "床の間"),
    ("art", "青い壺と柿の油絵", "柿", 4, "白い布"),
    ("culture", "炉端でお茶を点てる人", "茶碗", 2, "坪庭"),
    ("culture", "七夕の短冊を結ぶ子どもたち", "短冊", 6, "竹林"),
    ("culture", "夏祭りの太鼓の奏者", "太鼓", 3, "櫓"),
    ("food", "土鍋で炊いた栗ご飯", "箸置き", 2, "湯気の立つ急須"),
    ("food", "縁日の屋台のたこ焼き", "竹串", 8, "のれん"),
    ("landmark", "朱塗りの五重塔", "石灯籠", 2, "杉の森"),
    ("landmark", "水上に建つ大きな鳥居", "鹿", 3, "対岸の島"),
    ("landmark", "港町の赤い煉瓦倉庫", "ベンチ", 4, "観覧車"),
    ("landmark", "白い天守閣のある城", "松の木", 5, "石垣"),
    ("landscape", "朝霧の棚田", "かかし", 2, "なだらかな丘"),
    ("landscape", "流氷の浮かぶ海岸", "カモメ", 7, "灯台"),
    ("landscape", "紅葉に囲まれた渓谷", "吊り橋", 1, "滝"),
    ("landscape", "菜の花畑と単線の線路", "踏切", 1, "桜並木"),
    ("traffic", "雨の交差点を渡る路面電車", "傘をさした人", 4, "信号機"),
    ("traffic", "雪道を走る除雪車", "カラーコーン", 6, "トンネルの入口"),
)
_ONE_COMPLEX = (4, 16)
_HERON_QUESTIONS = {
    "complex": (
        "{scene}の画像から、どの季節のどのような場面だと推測できますか？理由も述べてください。",
        "{scene}の画像に{front}が置かれているのはなぜだと考えられますか？",
    ),
    "conv": (
        "{scene}の画像の手前に{front}はいくつありますか？",
        "{scene}の画像の奥には何が見えますか？",
    ),
    "detail": ("{scene}の画像を詳しく説明してください。",),
}

_VLM_SUBJECTS = (
    "神社の狛犬",
    "路地の自動販売機",
    "駅のホームの時計",
    "川辺の屋形船",
    "商店街のアーケード",
    "庭園の池の鯉",
)
_VLM_QUESTIONS = (
    "{n}枚目の写真にある{subject}は、どのような場所にありますか？",
    "{n}枚目の写真の{subject}の周りには、ほかに何が写っていますか？",
)
_VLM_ANSWERS = (
    "{subject}は、人通りの少ない静かな通りの角にあります。後ろには看板が{count}枚見えます。",
    "{subject}の周りには、植木鉢が{count}つと、青い自転車が1台写っています。",
)

_COLOURS = ("赤", "青", "白", "黒", "緑", "黄色", "茶色", "灰色")
_THINGS = ("車", "犬", "傘", "椅子", "鞄", "皿", "窓", "木")
_VG_QAS: tuple[tuple[str, str], ...] = (
    ("{n}番の写真の{thing}は何色ですか？", "{colour}"),
    ("{n}番の写真には{thing}がいくつありますか？", "{count}つ"),
    ("{n}番の写真の手前には何がありますか？", "{thing}です。"),
    ("{n}番の写真はいつ撮られましたか？", "日中"),
    ("{n}番の写真の{thing}はどこにありますか？", "{colour}い壁の前"),
    ("{n}番の写真の人は何をしていますか？", "{thing}を見ている"),
    ("{n}番の写真の背景は何色ですか？", "{colour}です。"),
    ("{n}番の写真の天気はどうですか？", "晴れ"),
)


@functools.cache
def placeholder_image(key: str, size: tuple[int, int] = (32, 24)) -> bytes:
    """A small drawn picture, distinct per key: JPEG if the key ends in .jpg, PNG otherwise."""
    digest = hashlib.sha256(key.encode()).digest()
    image = Image.new("RGB", size, (digest[0], digest[1], digest[2]))
    draw = ImageDraw.Draw(image)
    width, height = size
    left, top = digest[3] % (width // 2), digest[4] % (height // 2)
    box = (left, top, left + width // 3, top + height // 3)
    fill = (digest[5], digest[6], digest[7])
    (draw.ellipse if digest[8] % 2 else draw.rectangle)(box, fill=fill)
    draw.line((0, digest[9] % height, width, digest[10] % height), fill=(digest[11], digest[12], digest[13]))
    out = io.BytesIO()
    if key.endswith(".jpg"):
        image.save(out, "JPEG", quality=90)
    else:
        image.save(out, "PNG")
    return out.getvalue()


def real_heron_rows() -> list[dict[str, Any]]:
    """The 103 real rows in the order of their ids, from the shared folder; ``image`` is the picture's name.

    Raises:
        RuntimeError: if there is no shared folder (mark the test with ``needs_shared``).
    """
    if SHARED is None:
        raise RuntimeError("there is no shared folder beside the repository")
    folder = SHARED / "data" / "heron_bench"
    answers = {
        model: {line["question_id"]: line["text"] for line in _jsonl(folder / name)}
        for model, name in HERON_ANSWERS.items()
    }
    questions = sorted(_jsonl(folder / "questions_ja.jsonl"), key=lambda line: line["question_id"])
    return [
        row | {"answer": {model: by_id[row["question_id"]] for model, by_id in answers.items()}} for row in questions
    ]


def synthetic_heron_rows() -> list[dict[str, Any]]:
    """103 made-up rows with the real benchmark's counts per category; ``image`` is the picture's name."""
    rows: list[dict[str, Any]] = []
    for number, (image_category, scene, front, count, behind) in enumerate(HERON_SCENES):
        context = f"{scene}の画像です。手前には{front}が{count}つあり、奥には{behind}が見えます。"
        for category, templates in _HERON_QUESTIONS.items():
            kept = templates[:1] if category == "complex" and number in _ONE_COMPLEX else templates
            for template in kept:
                text = template.format(scene=scene, front=front)
                answer = f"画像には{scene}が写っています。手前に{front}が{count}つあり、奥に{behind}があります。"
                rows.append(
                    {
                        "question_id": len(rows),
                        "image": f"{number + 1:03d}.jpg",
                        "category": category,
                        "image_category": image_category,
                        "context": context,
                        "text": text,
                        "answer": {model: f"{answer}（{model}の回答{len(rows)}）" for model in HERON_ANSWERS},
                    }
                )
    return rows


def heron_bench(rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, bytes]:
    """The files of Silviase/Japanese-Heron-Bench: split ``train``, the synthetic rows if none are given.

    A row's ``image`` is a picture's name (a placeholder is drawn) or the bytes of one.
    """
    features = {
        "question_id": "int64",
        "image": "image",
        "category": "string",
        "image_category": "string",
        "context": "string",
        "text": "string",
        "answer": dict.fromkeys(HERON_ANSWERS, "string"),
    }
    return _repository(features, {"train": synthetic_heron_rows() if rows is None else rows})


def ja_vlm_rows() -> list[dict[str, Any]]:
    """50 made-up rows on 42 pictures: the first eight pictures have two questions, as there are more questions."""
    rows: list[dict[str, Any]] = []
    for number in range(1, 43):
        subject, count = _VLM_SUBJECTS[number % len(_VLM_SUBJECTS)], number % 5 + 1
        for question, answer in list(zip(_VLM_QUESTIONS, _VLM_ANSWERS, strict=True))[: 2 if number <= 8 else 1]:
            rows.append(
                {
                    "page_url": f"https://example.invalid/photos/{number:02d}",
                    "image_url": f"https://example.invalid/photos/{number:02d}.jpg",
                    "image": f"vlm-{number:02d}.jpg",
                    "question": question.format(n=number, subject=subject),
                    "answer": answer.format(subject=subject, count=count),
                }
            )
    return rows


def ja_vlm_bench(rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, bytes]:
    """The files of SakanaAI/JA-VLM-Bench-In-the-Wild: split ``test``, the 50 made-up rows if none are given."""
    features = {"page_url": "string", "image_url": "string", "image": "image", "question": "string", "answer": "string"}
    return _repository(features, {"test": ja_vlm_rows() if rows is None else rows})


def ja_vg_rows(images: int = 500) -> list[dict[str, Any]]:
    """Made-up rows of eight questions each, every question unique; every third has no ``coco_id``, as upstream."""
    rows: list[dict[str, Any]] = []
    for number in range(1, images + 1):
        words = {
            "n": number,
            "thing": _THINGS[number % len(_THINGS)],
            "colour": _COLOURS[number // len(_THINGS) % len(_COLOURS)],
            "count": number % 4 + 1,
        }
        qas = [
            {
                "a_objects": [],
                "answer": answer.format(**words),
                "q_objects": [],
                "qa_id": 986_000 + 8 * number + k,
                "question": question.format(**words),
            }
            for k, (question, answer) in enumerate(_VG_QAS)
        ]
        rows.append(
            {
                "image_id": 2_300_000 + number,
                "url": f"https://example.invalid/VG_100K/{2_300_000 + number}.jpg",
                "width": 32,
                "height": 24,
                "coco_id": None if number % 3 == 0 else 100_000.0 + number,
                "flickr_id": 4_000_000_000.0 + number,
                "qas": qas,
                "image": f"vg-{number:03d}.png",
            }
        )
    return rows


def ja_vg_vqa_500(rows: Sequence[Mapping[str, Any]] | None = None) -> dict[str, bytes]:
    """The files of SakanaAI/JA-VG-VQA-500: split ``test``, 500 images with 4,000 questions if no rows are given.

    The real repository has a split ``train`` too; here it holds two rows, of other questions' ids.
    """
    features = {
        "image_id": "int64",
        "url": "string",
        "width": "int64",
        "height": "int64",
        "coco_id": "float64",
        "flickr_id": "float64",
        "qas": [{"a_objects": [], "answer": "string", "q_objects": [], "qa_id": "int64", "question": "string"}],
        "image": "image",
    }
    test = ja_vg_rows() if rows is None else rows
    train = ja_vg_rows(502)[500:]
    return _repository(features, {"test": test, "train": train})


def _jsonl(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


# A schema is written once, as a dict of columns: a dtype's name, "image", a dict (struct), [dict] (list of structs) or
# [] (list of nulls). Three forms follow from it: Arrow types, the metadata that ``datasets`` puts into Parquet, and the
# YAML of a card; the latter two as ``datasets`` wrote them when the real repositories were uploaded (2024).


def _arrow(spec: Any) -> pa.DataType:
    if spec == "image":
        return pa.struct({"bytes": pa.binary(), "path": pa.string()})
    if spec == []:
        return pa.list_(pa.null())
    if isinstance(spec, list):
        return pa.list_(_arrow(spec[0]))
    if isinstance(spec, dict):
        return pa.struct({name: _arrow(inner) for name, inner in spec.items()})
    return {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}[spec]


def _metadata(spec: Any) -> Any:
    if spec == "image":
        return {"_type": "Image"}
    if spec == []:
        return {"feature": {"dtype": "null", "_type": "Value"}, "_type": "Sequence"}
    if isinstance(spec, list):
        return [_metadata(spec[0])]
    if isinstance(spec, dict):
        return {name: _metadata(inner) for name, inner in spec.items()}
    return {"dtype": spec, "_type": "Value"}


def _card_feature(name: str, spec: Any) -> dict[str, Any]:
    if spec == []:
        return {"name": name, "sequence": "null"}
    if isinstance(spec, list):
        return {"name": name, "list": [_card_feature(inner, value) for inner, value in spec[0].items()]}
    if isinstance(spec, dict):
        return {"name": name, "struct": [_card_feature(inner, value) for inner, value in spec.items()]}
    return {"name": name, "dtype": spec}


def _repository(features: Mapping[str, Any], splits: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, bytes]:
    """A repository's files: one Parquet file per split under data/; a card with ``dataset_info`` and ``configs``."""
    files = {f"data/{name}-00000-of-00001.parquet": _parquet(features, rows) for name, rows in splits.items()}
    sizes = [len(data) for data in files.values()]
    card = {
        "language": ["ja"],
        "dataset_info": {
            "features": [_card_feature(name, spec) for name, spec in features.items()],
            "splits": [
                {"name": name, "num_bytes": size, "num_examples": len(rows)}
                for (name, rows), size in zip(splits.items(), sizes, strict=True)
            ],
            "download_size": sum(sizes),
            "dataset_size": sum(sizes),
        },
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": name, "path": f"data/{name}-*"} for name in splits],
            }
        ],
    }
    # JSON is YAML: no writer is needed.
    files["README.md"] = (
        f"---\n{json.dumps(card, ensure_ascii=False, indent=1)}\n---\n\nA stand-in for tests.\n".encode()
    )
    return files


def _parquet(features: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bytes:
    info = json.dumps({"info": {"features": {name: _metadata(spec) for name, spec in features.items()}}})
    schema = pa.schema([(name, _arrow(spec)) for name, spec in features.items()], metadata={"huggingface": info})
    table = pa.Table.from_pylist([{name: _cell(name, row[name]) for name in features} for row in rows], schema=schema)
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def _cell(name: str, value: Any) -> Any:
    if name != "image" or value is None:
        return value
    if isinstance(value, bytes):
        return {"bytes": value, "path": None}
    return {"bytes": placeholder_image(value), "path": value}
