"""The pictures of a report: each once, beside it a small one that is shown first."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)

#: Formats that every browser of today shows, by Pillow's names, with the ending they get.
SHOWN: Mapping[str, str] = {"PNG": "png", "JPEG": "jpg", "GIF": "gif", "WEBP": "webp"}
#: The longer side of a small picture in pixels.
SMALL = 240


@dataclass(frozen=True)
class Picture:
    """A picture as the page refers to it: both files below `images/`, width and height in pixels."""

    full: str
    small: str
    width: int
    height: int

    def entry(self) -> list[Any]:
        """What the data files hold of it."""
        return [self.full, self.small, self.width, self.height]


def write_pictures(source: Path, names: Iterable[str], out: Path, before: Path | None = None) -> dict[str, Picture]:
    """Put pictures and their small versions into a report's folder `images`.

    Files are linked where the file system can, else copied. Pillow works outside Python's lock, so threads do. A
    picture that cannot be read is left out, with a warning: the page then says that there is none.

    Args:
        source: the folder they are in.
        names: their file names.
        out: the folder to write to.
        before: the same folder of an earlier report, whose small pictures are taken over.

    Returns:
        The pictures by file name.
    """
    for folder in ("full", "small"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    unique = list(dict.fromkeys(names))
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        pictures = pool.map(lambda name: _picture(source, name, out, before), unique)
        return {name: picture for name, picture in zip(unique, pictures, strict=True) if picture is not None}


def _picture(source: Path, name: str, out: Path, before: Path | None) -> Picture | None:
    from PIL import Image

    if Path(name).name != name or not _is_plain(name):
        _log.warning("picture %r: not the name of a file, left out", name)
        return None
    path = source / name
    stem = path.stem
    try:
        with Image.open(path) as image:
            size = image.size
            ending = SHOWN.get(image.format or "")
            full = out / "full" / f"{stem}.{ending or 'png'}"
            small = out / "small" / f"{stem}.jpg"
            if ending is None:
                image.convert("RGBA" if "A" in image.getbands() else "RGB").save(full, "PNG")
            else:
                _link(path, full)
            if before is None or not _taken_over(before / "small" / small.name, small):
                _shrink(image, small)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        _log.warning("picture %s: cannot be read (%s), left out", path, error)
        return None
    return Picture(f"full/{full.name}", f"small/{small.name}", *size)


def _is_plain(name: str) -> bool:
    return all(letter.isascii() and (letter.isalnum() or letter in "._-") for letter in name)


def _shrink(image: Any, path: Path) -> None:
    """Write a small JPEG; what is transparent becomes white."""
    from PIL import Image

    image.draft("RGB", (SMALL, SMALL))
    if image.mode in ("P", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    image = image.convert("RGB")
    image.thumbnail((SMALL, SMALL), Image.Resampling.BILINEAR, reducing_gap=2.0)
    image.save(path, "JPEG", quality=80)


def _link(source: Path, target: Path) -> None:
    """A second name of the file; a copy where the file system has no such names."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _taken_over(earlier: Path, target: Path) -> bool:
    if not earlier.is_file():
        return False
    _link(earlier, target)
    return True
