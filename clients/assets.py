"""Files of other projects that are fetched at a pinned commit and checked by SHA-256, never shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

from lmms_eval_ja.clients.settings import PREFIX, Settings, load_settings


class AssetError(Exception):
    """An asset that is missing or not what it should be; the message says how to get it."""


@dataclass(frozen=True)
class _Asset:
    url: str
    sha256: str


ASSETS = {
    # Heron-Bench's judging rules; github.com/turingmotors/heron at 883cd7c.
    "heron_bench/rule.json": _Asset(
        url=(
            "https://raw.githubusercontent.com/turingmotors/heron/883cd7c6e99d6d22343d6d62bb35520daf8ac92a/"
            "playground/data/llava-bench-ja/rule.json"
        ),
        sha256="7e69345798d3ca406a50c1364828b1988c2ef37ad559e46e88aec47c0db565f0",
    ),
}


def cache_folder() -> Path:
    """Where fetched assets are kept; may be copied and named by `LMMS_EVAL_JA_ASSETS` elsewhere."""
    return platformdirs.user_cache_path("lmms-eval-ja") / "assets"


def asset(name: str, settings: Settings | None = None, *, fetch: bool = True) -> Path:
    """The path of an asset: pre-placed in `LMMS_EVAL_JA_ASSETS`, or cached, or fetched now.

    A pre-placed file is never overwritten: if its SHA-256 differs, that is an error.

    Args:
        name: one of `ASSETS`.
        settings: where pre-placed files are; those of the environment by default.
        fetch: whether the network may be asked.

    Raises:
        AssetError: unknown name, wrong checksum, or no way to fetch it.
    """
    if name not in ASSETS:
        raise AssetError(f"unknown asset {name!r}; expected one of {', '.join(sorted(ASSETS))}")
    known = ASSETS[name]
    settings = settings or load_settings()
    if settings.assets is not None and (placed := settings.assets / name).is_file():
        return _checked(placed, known)
    cached = cache_folder() / name
    if cached.is_file():
        return _checked(cached, known)
    if not fetch:
        raise AssetError(f"{name} was not fetched yet: {_how(name, known)}")
    return _fetched(name, known, cached)


def _checked(path: Path, known: _Asset) -> Path:
    import pooch

    found = pooch.file_hash(str(path), alg="sha256")
    if found != known.sha256:
        raise AssetError(f"{path} is not the expected file (sha256 {found}, expected {known.sha256}); get {known.url}")
    return path


def _how(name: str, known: _Asset) -> str:
    return (
        "on a machine with internet run `lmms-eval-ja fetch --tasks heron_bench_ja`, or download "
        f"{known.url} and place it as {name} in a folder named by {PREFIX}ASSETS"
    )


def _fetched(name: str, known: _Asset, cached: Path) -> Path:
    import pooch

    cached.parent.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    try:
        # pooch downloads beside the target and renames, so that two processes at once do no harm.
        path = pooch.retrieve(
            known.url, known_hash=f"sha256:{known.sha256}", fname=cached.name, path=cached.parent, progressbar=False
        )
    except Exception as error:  # pooch raises bare `requests` errors, ValueError and OSError
        raise AssetError(f"{name} could not be fetched ({type(error).__name__}): {_how(name, known)}") from error
    return Path(path)
