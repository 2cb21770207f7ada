"""Speed of scoring the Japanese suite's answers: `python benchmarks/suite_scoring.py`.

One process, one thread, half a minute. Answers are made from patterns with a fixed seed; most are short, as models
write them, some reason before they answer. Each kind is measured beside a plain implementation, as evaluations commonly
have it: a letter by a few searches; a match by normalised substring; an edit distance by two rows in Python; BLEU by a
new scorer and tagger for every pair. Methods take turns, and the best of the rounds counts. Time is the process's own
(CPU seconds), which on an idle machine is the time that passes, and which other work on the machine changes less.
"""

from __future__ import annotations

import argparse
import json
import random
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fugashi
from sacrebleu.metrics.bleu import BLEU

from lmms_eval_ja.metrics import (
    accuracy,
    bleu,
    cer_similarity,
    character_f1,
    jdocqa_score,
    open_match,
    parse_choice,
    peer_choice,
    receipt_f1,
)
from machine import machine

COUNT, ROUNDS = 10_000, 5
Row = tuple[Any, ...]

# What the answers of this benchmark are made of; written for it.
PLACES = ["東京", "大阪", "京都", "名古屋", "札幌", "福岡", "仙台", "広島", "金沢", "那覇", "神戸", "横浜"]
LETTERS = [
    *["{letter}"] * 8,
    *["{letter}. {text}"] * 4,
    *[
        "答えは{letter}です。",
        "正解は「{letter}」です。",
        "Answer: {letter}",
        "**{letter}**",
        "({letter})",
        "{text}",
        "{text}です。",
    ],
    *["{letter}\n理由: {other}ではなく、看板に{text}とあるからです。"] * 2,
    "写真の奥に塔が見え、手前には川が流れています。看板の文字から{other}ではないと分かります。したがって、答えは{letter}です。",
    "<think>まず{other}を考える。塔の形が違う。次に{text}を考える。川の位置が合う。</think>{letter}",
    "わかりません。",
]
NUMBERS = [
    "{n:,}円",
    "{n}円",
    "約{n}円",
    "{n}円です。",
    "合計は{n:,}円になります。",
    "{other}円",
    "資料によると、{n}円ではなく{other}円です。",
]
FACTS = [
    "{text}",
    "{text}です。",
    "答えは{text}です。",
    "{text}の写真です。",
    "これは{other}です。",
    "2024年に{text}で開催されました。",
]
SENTENCES = [
    "{text}の駅前には大きな広場があり、多くの人が行き交っています。",
    "{text}では夏に祭りが開かれます。",
    "人口は{n}人です。",
]


def choices(random_numbers: random.Random) -> list[Row]:
    """Answers to multiple-choice questions with their options."""
    rows = []
    for _ in range(COUNT):
        options = random_numbers.sample(PLACES, 4)
        right, wrong = random_numbers.sample(range(4), 2)
        pattern = random_numbers.choice(LETTERS)
        rows.append((pattern.format(letter="ABCD"[right], text=options[right], other=options[wrong]), options))
    return rows


def open_answers(random_numbers: random.Random) -> list[Row]:
    """JDocQA's answer type, reference, answer: of ten, one yes or no, three facts, three numbers, three sentences."""
    rows: list[Row] = []
    for number in range(COUNT):
        text, other = random_numbers.sample(PLACES, 2)
        n, m = random_numbers.randrange(100, 10**6), random_numbers.randrange(100, 10**6)
        kind = (0, 1, 1, 1, 2, 2, 2, 3, 3, 3)[number % 10]
        if kind == 0:
            yes = random_numbers.choice(["はい", "いいえ"])
            rows.append((0, yes, random_numbers.choice([yes, f"{yes}、そうです。", "はい、含まれています。"])))
        elif kind == 1:
            rows.append((1, text, random_numbers.choice(FACTS).format(text=text, other=other)))
        elif kind == 2:
            rows.append((2, f"{n:,}円", random_numbers.choice(NUMBERS).format(n=n, other=m)))
        else:
            pair = [
                random_numbers.choice(SENTENCES).format(text=place, n=n)
                for place in (text, random_numbers.choice(PLACES))
            ]
            rows.append((3, *pair))
    return rows


def read_texts(random_numbers: random.Random) -> list[Row]:
    """References of ten lines and what was read, one character in twenty wrong."""
    rows = []
    for _ in range(COUNT // 10):
        text = "\n".join(
            random_numbers.choice(SENTENCES).format(text=random_numbers.choice(PLACES), n=7) for _ in range(10)
        )
        read = "".join(
            random_numbers.choice("あいうえお") if random_numbers.random() < 0.05 else letter for letter in text
        )
        rows.append((text, read))
    return rows


def receipts(random_numbers: random.Random) -> list[Row]:
    """Receipts of 12 items, and the same with the items in another order and one price in five wrong."""
    rows = []
    for _ in range(COUNT // 10):
        items = [
            {"item_name": random_numbers.choice(PLACES), "item_price": str(random_numbers.randrange(900))}
            for _ in range(12)
        ]
        given = [
            item | ({"item_price": "0"} if random_numbers.random() < 0.2 else {})
            for item in random_numbers.sample(items, len(items))
        ]
        head = {"store_name": "山田商店", "date": "2024/05/03", "total_amount": "¥1,080"}
        rows.append((json.dumps(head | {"line_items": items}), json.dumps(head | {"line_items": given})))
    return rows


def plain_choice(answer: str, options: Sequence[str]) -> str | None:
    """Read a letter as evaluations commonly do."""
    return peer_choice(answer, options, variant="evalmm").letter


def plain_open(kind: int, reference: str, answer: str) -> float:
    """Score an open answer as evaluations commonly do."""
    if kind != 3:
        texts = (
            unicodedata.normalize("NFKC", text.replace("です", "").replace("。", "")) for text in (reference, answer)
        )
        return float(next(texts) in next(texts))
    tagger = fugashi.Tagger("-Owakati")
    return float(
        BLEU(tokenize="none", effective_order=True)
        .sentence_score(tagger.parse(answer), [tagger.parse(reference)])
        .score
    )


def plain_cer(reference: str, prediction: str) -> float:
    """Edit distance by two rows in Python."""
    row = list(range(len(prediction) + 1))
    for i, wanted in enumerate(reference, 1):
        above, row = row, [i]
        for j, read in enumerate(prediction, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted != read)))
    return 1 - row[-1] / len(reference)


def paired_receipt(reference: str, answer: str) -> object:
    """Score a receipt with its items paired."""
    return receipt_f1(reference, answer, variant="paired")


#: What is measured: its rows, our function, the plain one, of how many rows the plain one takes one, seconds allowed.
MEASURED: dict[
    str,
    tuple[Callable[[random.Random], list[Row]], Callable[..., object], Callable[..., object] | None, int, float | None],
] = {
    "multiple choice (parse_choice)": (choices, parse_choice, plain_choice, 1, 1.0),
    "open answers (jdocqa_score)": (open_answers, jdocqa_score, plain_open, 20, 5.0),
    "match alone (open_match)": (lambda r: [row[1:] for row in open_answers(r)], open_match, None, 1, None),
    "BLEU alone (bleu)": (lambda r: [row[1:] for row in open_answers(r)], bleu, None, 1, None),
    "CER, 300 characters (cer_similarity)": (read_texts, cer_similarity, plain_cer, 50, None),
    "character F1, 300 characters (character_f1)": (read_texts, character_f1, None, 1, None),
    "receipts, 12 items (receipt_f1, paired)": (receipts, paired_receipt, receipt_f1, 1, None),
}


def rate(function: Callable[..., object], rows: list[Row]) -> float:
    """Answers a second."""
    start = time.process_time()
    for row in rows:
        function(*row)
    return len(rows) / (time.process_time() - start)


def measure() -> dict[str, dict[str, float]]:
    """CPU seconds for 10,000 answers of every kind, ours and plain: the best of rounds that take turns."""
    results = {}
    for name, (make, ours, plain, share, allowed) in MEASURED.items():
        rows = make(random.Random(0))  # noqa: S311  no secret
        best: dict[str, float] = {}
        for _ in range(ROUNDS):
            best["ours"] = max(best.get("ours", 0.0), rate(ours, rows))
            if plain is not None:
                best["plain"] = max(best.get("plain", 0.0), rate(plain, rows[: len(rows) // share]))
        results[name] = {method: round(COUNT / speed, 3) for method, speed in best.items()}
        if allowed is not None:
            results[name]["allowed"] = allowed
    return results


def read_share() -> dict[str, float]:
    """How many of the multiple-choice answers are read at all, in percent."""
    rows = choices(random.Random(0))  # noqa: S311  no secret
    ours = accuracy([True if parse_choice(*row).letter else None for row in rows])
    plain = accuracy([True if plain_choice(*row) else None for row in rows])
    return {"ours": round(100 - ours.failure_rate, 1), "plain": round(100 - plain.failure_rate, 1)}


def main() -> None:
    """Measure, print the table and write the results where asked."""
    parser = argparse.ArgumentParser(description="Speed of scoring the Japanese suite's answers")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results here")
    arguments = parser.parse_args()
    device = machine("rapidfuzz", "sacrebleu", "fugashi", "scipy")
    print(f"{device['cpu']}, {device['cores']} cores, one used; Python {device['python']}; {device['date']}\n")
    results = measure()
    print(f"{'CPU seconds for 10,000 answers':46}{'ours':>8}{'plain':>9}{'allowed':>9}")
    for name, seconds in results.items():
        columns = [f"{seconds[key]:.2f}" if key in seconds else "" for key in ("ours", "plain", "allowed")]
        print(f"{name:46}{columns[0]:>8}{columns[1]:>9}{columns[2]:>9}")
    shares = read_share()
    print(f"\nanswers of which a letter is read: ours {shares['ours']} %, plain {shares['plain']} %")
    if arguments.json:
        report = {"device": device, "cpu_seconds_per_10000": results, "answers_read_percent": shares, "rounds": ROUNDS}
        arguments.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
