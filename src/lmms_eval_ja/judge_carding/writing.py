"""card.md and card.html. The page loads nothing and runs nothing; every text of a judge or a file is escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from lmms_eval_ja.judge_carding.blocks import Block, blocks
from lmms_eval_ja.judge_carding.content import as_json
from lmms_eval_ja.judge_carding.words import LANGUAGES, WORDS, word

#: What Markdown would take for markup.
_MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def write_card(card: Mapping[str, Any], folder: Path) -> None:
    """Write card.json, card.md and card.html into a folder.

    Raises:
        OSError: they cannot be written.
    """
    for name, text in (("card.json", as_json(card)), ("card.md", as_markdown(card)), ("card.html", as_html(card))):
        (folder / name).write_text(text, encoding="utf-8", errors="replace")


def as_markdown(card: Mapping[str, Any]) -> str:
    """The card in English, then in Japanese."""
    parts = []
    for language in LANGUAGES:
        parts.append(f"# {word(WORDS, 'title', language)}: {_plain(card['judge'])}")
        parts += [_markdown(block) for block in blocks(card, language)]
    return "\n\n".join(parts) + "\n"


def _markdown(block: Block) -> str:
    if block.kind == "heading":
        return f"## {_plain(block.text)}"
    if block.kind == "warning":
        return f"> ⚠ {_plain(block.text)}"
    if block.kind == "text":
        return _plain(block.text)
    header, *rows = [[_plain(cell) for cell in row] for row in block.rows]
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def as_html(card: Mapping[str, Any]) -> str:
    """The card as one page, in English and Japanese, light or dark as the reader's system is."""
    style = (files("lmms_eval_ja.judge_carding") / "card.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    links = " · ".join(f'<a href="#{one}" lang="{one}">{word(WORDS, "language", one)}</a>' for one in LANGUAGES)
    sections = []
    for language in LANGUAGES:
        title = f"{word(WORDS, 'title', language)}: {card['judge']}"
        body = "\n".join(_html(block) for block in blocks(card, language))
        sections.append(f'<section id="{language}" lang="{language}">\n<h1>{escape(title)}</h1>\n{body}\n</section>')
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(word(WORDS, 'title', 'en'))}: {escape(card['judge'])}</title>\n"
        f"<style>{style}</style>\n</head>\n<body>\n<nav>{links}</nav>\n<main>\n" + "\n".join(sections) + "\n</main>\n"
        "</body>\n</html>\n"
    )


def _html(block: Block) -> str:
    if block.kind == "heading":
        return f"<h2>{escape(block.text)}</h2>"
    if block.kind == "warning":
        return f'<p class="warning" role="note">⚠ {escape(block.text)}</p>'
    if block.kind == "text":
        return f"<p>{escape(block.text)}</p>"
    header, *rows = block.rows
    marks = block.marks or [""] * len(rows)
    head = f"<thead>{_row('th', header)}</thead>" if any(header) else ""
    body = "\n".join(_row("td", row, mark) for row, mark in zip(rows, marks, strict=True))
    return f'<div class="wide"><table>{head}<tbody>\n{body}\n</tbody></table></div>'


def _row(tag: str, cells: Iterable[str], mark: str = "") -> str:
    inner = []
    for at, cell in enumerate(cells):
        name, scope = ("th", ' scope="row"') if at == 0 and tag == "td" else (tag, ' scope="col"' * (tag == "th"))
        inner.append(f"<{name}{scope}>{escape(cell)}</{name}>")
    attribute = f' class="{mark}"' if mark else ""
    return f"<tr{attribute}>{''.join(inner)}</tr>"
