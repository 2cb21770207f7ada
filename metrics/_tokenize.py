"""MeCab with unidic-lite: one tagger for the process, made when it is first needed."""

import os
import shlex
import threading
from importlib.metadata import version
from pathlib import Path

import fugashi
import unidic_lite

from lmms_eval_ja.metrics._normalize import normalize as normalize_text


class _SharedTagger:
    """A tagger that threads share and that survives a fork.

    MeCab's tagger is not thread-safe, so a lock is held for each text (0.1 µs beside 5 µs of work). A forked child gets
    a new lock and a new tagger, since the parent's may have been held or half-way through a text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tagger: fugashi.GenericTagger | None = None
        self._watches_forks = False

    def words(self, text: str) -> list[str]:
        """Split a text, shape of the result (words,)."""
        with self._lock:
            if self._tagger is None:
                self._tagger = self._make()
            parsed: str = self._tagger.parse(text)
        return parsed.split()

    def _make(self) -> fugashi.GenericTagger:
        """Make a tagger for unidic-lite, whatever MECABRC or ~/.mecabrc say."""
        if not self._watches_forks and hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)
            self._watches_forks = True
        dictionary = Path(unidic_lite.DICDIR)
        resources = dictionary / "mecabrc"
        return fugashi.GenericTagger(f"-Owakati -r {shlex.quote(str(resources))} -d {shlex.quote(str(dictionary))}")

    def _renew(self) -> None:
        """Forget the parent's lock and tagger."""
        self._lock = threading.Lock()
        self._tagger = None


_SHARED = _SharedTagger()


def tokenize(text: str, normalize: str = "nfkc") -> list[str]:
    """Split a Japanese text into the short units of unidic-lite.

    Args:
        text: Any text. NUL characters, at which MeCab would stop, separate words; lone surrogates, which UTF-8
            cannot hold, become "?".
        normalize: One of `VARIANTS`; see `lmms_eval_ja.metrics.normalize`.

    Returns:
        The surfaces in order, shape (words,); empty for a text of white space.

    Raises:
        ValueError: The normalisation is not known.
        ImportError: The normalisation needs a package that is not installed.
    """
    return words(normalize_text(text, normalize))


def words(normalized: str) -> list[str]:
    """Split a text that is normalised already into the short units of unidic-lite.

    NUL characters, at which MeCab would stop, separate words; lone surrogates, which UTF-8 cannot hold, become "?".
    """
    if "\x00" in normalized:
        normalized = normalized.replace("\x00", " ")
    try:
        return _SHARED.words(normalized)
    except UnicodeEncodeError:
        return _SHARED.words(normalized.encode("utf-8", "replace").decode("utf-8"))


def dictionary_version() -> str:
    """Name the dictionary that the tokens come from, to be recorded beside a score.

    Returns:
        Package and UniDic version, for example "unidic-lite 1.0.8 (UniDic 2.1.2)".
    """
    return f"unidic-lite {version('unidic-lite')} (UniDic {unidic_lite.VERSION})"
