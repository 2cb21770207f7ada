"""JIC-VQA: four CSV files with the addresses of pictures, which are served by the stand-in hub itself; some are gone.

How the questions list their options was not read from the data: here they do in one way, and in one domain not at all.
"""

from __future__ import annotations

import csv
import io
from statistics import fmean
from typing import Any

from support.benchmarks import placeholder_image
from support.hub import Hub
from support.suite.stand import Stand

NAME, PICTURES = "line-corporation/JIC-VQA", "pictures/jic"
ROWS = 12
_NAMES = {
    "jaflower30": ("花", ("サクラ", "ヤマザクラ", "ユリ", "キク")),
    "jafood101": ("食べ物", ("天ぷら", "天ぷらうどん", "寿司", "花巻そば")),
    "jalandmark10": ("ランドマーク", ("東京タワー", "金閣寺", "姫路城", "厳島神社")),
    "jafacility20": ("施設", ("神社", "温泉", "水族館", "動物園")),
}
DOMAINS = tuple(_NAMES)
#: Of each domain, the rows whose picture is gone.
GONE = (5, 10)
#: The domain whose questions list no options.
UNLISTED = "jalandmark10"


def rows(domain: str, base: str) -> list[dict[str, Any]]:
    """Made-up rows; `base` is the address under which the pictures are."""
    word, names = _NAMES[domain]
    first = 100 * DOMAINS.index(domain)
    found = []
    for n in range(ROWS):
        order = [names[(n + k) % len(names)] for k in range(len(names))]
        options = "" if domain == UNLISTED else f"次の四つから選んでください：{'、'.join(order)}"
        found.append(
            {
                "id": first + n,
                "url": f"{base}/{domain}-{n}.jpg",
                "category": names[n % len(names)],
                "question": f"この画像に写っている{word}の名前は何ですか？{options}",
            }
        )
    return found


def add(hub: Hub) -> None:
    """Put the repository on a hub, and those of its pictures that are not gone; one file there is no picture."""
    base = f"{hub.endpoint}/datasets/{PICTURES}/resolve/main"
    files = {f"{domain}.csv": _csv(rows(domain, base)) for domain in DOMAINS}
    files["README.md"] = b"---\nlicense: apache-2.0\nlanguage:\n- ja\n---\n\nA stand-in for tests.\n"
    hub.add_dataset(NAME, files)
    pictures = {
        f"{d}-{n}.jpg": placeholder_image(f"{d}-{n}.jpg") for d in DOMAINS for n in range(ROWS) if n not in GONE
    }
    hub.add_dataset(PICTURES, pictures | {f"{DOMAINS[0]}-{GONE[0]}.jpg": b"<html>not here any more</html>"})


def _csv(content: list[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(content[0]))
    writer.writeheader()
    writer.writerows(content)
    return out.getvalue().encode()


def answers(task: str) -> dict[str, str]:
    """Answers by question id, in turn: the name, a sentence with it, another name, nothing, the name in quotes."""
    del task
    found = {}
    for domain in DOMAINS:
        names = _NAMES[domain][1]
        for n, row in enumerate(rows(domain, "")):
            right, other = row["category"], names[(n + 1) % len(names)]
            forms = (
                right,
                f"これは{right}です。",
                f"{other}だと思います。",
                "写真が暗くて判断できません。",
                f"「{right}」",
            )
            found[str(row["id"])] = forms[n % 5]
    return found


def expected(task: str) -> dict[str, float]:
    """In each domain the same: the rows 5 and 10 are gone, of the others n % 5 decides."""
    del task
    there = [n for n in range(ROWS) if n not in GONE]
    right = [100.0 * (n % 5 in {0, 1, 4}) for n in there]
    read = [value for n, value in zip(there, right, strict=True) if n % 5 != 3]
    own = dict.fromkeys(DOMAINS, fmean(right))
    return own | {
        "accuracy": fmean(right),
        "accuracy_parsed": fmean(read),
        "unparsed": 100 * sum(n % 5 == 3 for n in there) / len(there),
        "coverage": len(there) / ROWS,
    }


STAND = Stand(("jic_vqa",), add, answers, expected)
