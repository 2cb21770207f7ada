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
    #: A task that needs it.
    task: str = "heron_bench_ja"


_HERON = "https://raw.githubusercontent.com/turingmotors/heron/883cd7c6e99d6d22343d6d62bb35520daf8ac92a/playground/data"
_WILD, _COCO = "llava_bench_in_the_wild_ja", "llava_bench_coco_ja"

ASSETS = {
    # Heron-Bench's judging rules; github.com/turingmotors/heron at 883cd7c.
    "heron_bench/rule.json": _Asset(
        url=f"{_HERON}/llava-bench-ja/rule.json",
        sha256="7e69345798d3ca406a50c1364828b1988c2ef37ad559e46e88aec47c0db565f0",
    ),
    # The texts of LLaVA-Bench in Japanese, of the same commit.
    f"{_WILD}/questions_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-in-the-wild/ja/questions_ja.jsonl",
        sha256="5b1331a961951eb4a628c64a58731b8036ef57bc1a9a795c9c3b2301cddade56",
        task=_WILD,
    ),
    f"{_WILD}/context_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-in-the-wild/ja/context_ja.jsonl",
        sha256="80edf4a4472c6aab8681197a7e0d21b6b1b211ea9280c518e8ef6445b7dccc11",
        task=_WILD,
    ),
    f"{_WILD}/answers_gpt4_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-in-the-wild/ja/answers_gpt4_ja.jsonl",
        sha256="b3b9c7b17636030ab5838eeb070d368b7722d13dea1c416c30ce25b2fb12fcfd",
        task=_WILD,
    ),
    f"{_WILD}/claude3_0314_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-in-the-wild/ja/claude3_0314_ja.jsonl",
        sha256="cd59e7691a3d6a50bb5b0d85ff08175addd80d4d15a63f04c46b664b9468bae6",
        task=_WILD,
    ),
    f"{_WILD}/gemini_0314_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-in-the-wild/ja/gemini_0314_ja.jsonl",
        sha256="3f8d160a327f1b09b0369c5443905dbb9538bd212a63240c42036e13d6645465",
        task=_WILD,
    ),
    f"{_COCO}/qa90_questions_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-ja/qa90_questions_ja.jsonl",
        sha256="47dd7d8fd579c1f8dfcda89dddbab7930183f72c745ab69bd6fbbd49cbf78e7e",
        task=_COCO,
    ),
    f"{_COCO}/qa90_gpt4_answers_ja.jsonl": _Asset(
        url=f"{_HERON}/llava-bench-ja/qa90_gpt4_answers_ja.jsonl",
        sha256="94dcc49fb06f66def8687807daf0fbd325ff4c4793d1225d708d06cba56dd384",
        task=_COCO,
    ),
    # Captions and boxes of COCO's pictures, kept by LLaVA with Git LFS; its pointer states the same checksum.
    f"{_COCO}/captions_boxes_coco2014_val_80.jsonl": _Asset(
        url=(
            "https://media.githubusercontent.com/media/haotian-liu/LLaVA/32ddfc5e61a2a81a16b1e0fecf61b2248f7971c8/"
            "llava/eval/table/caps_boxes_coco2014_val_80.jsonl"
        ),
        sha256="818d3df2b52784699bbdc129b6bc68e035d78ff8f5093c3e2ce5e0f726549b15",
        task=_COCO,
    ),
}


def cache_folder() -> Path:
    """Where fetched assets are kept; may be copied and named by `LMMS_EVAL_JA_ASSETS` elsewhere."""
    return platformdirs.user_cache_path("lmms-eval-ja") / "assets"


def asset(name: str, settings: Settings | None = None, *, fetch: bool = True, or_changed: bool = False) -> Path:
    """The path of an asset: pre-placed in `LMMS_EVAL_JA_ASSETS`, or cached, or fetched now.

    A pre-placed file is never overwritten: if its SHA-256 differs, that is an error, unless `or_changed` lets it pass.

    Args:
        name: one of `ASSETS`.
        settings: where pre-placed files are; those of the environment by default.
        fetch: whether the network may be asked.
        or_changed: whether a pre-placed file is taken as it is where the settings allow changed data: for texts whose
            own checksum is part of the fingerprint.

    Raises:
        AssetError: unknown name, wrong checksum, or no way to fetch it.
    """
    if name not in ASSETS:
        raise AssetError(f"unknown asset {name!r}; expected one of {', '.join(sorted(ASSETS))}")
    known = ASSETS[name]
    settings = settings or load_settings()
    if settings.assets is not None and (placed := settings.assets / name).is_file():
        return placed if or_changed and settings.allow_changed_data else _checked(placed, known)
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
        "on a machine with internet run `lmms-eval-ja fetch --tasks "
        f"{known.task}`, or download {known.url} and place it as {name} in a folder named by {PREFIX}ASSETS"
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
