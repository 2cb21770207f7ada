"""A picture of a document as every browser shows it."""

from __future__ import annotations

import io
from pathlib import Path

from lmms_eval_ja.compare.report.pictures import SHOWN


class PictureError(Exception):
    """A picture that cannot be shown; the message says why, and names no path."""


def shown_bytes(folder: Path, name: str) -> tuple[bytes, str]:
    """A picture's bytes and media type: the file as it is, or a PNG where browsers do not know its format.

    Args:
        folder: that the pictures are in.
        name: of the file, without a folder.

    Raises:
        PictureError: there is none of this name, or it is no picture.
    """
    from PIL import Image

    if name in {"", ".", ".."} or Path(name).name != name or "\\" in name:
        raise PictureError("no such picture")
    path = folder / name
    try:
        with Image.open(path) as image:
            if image.format in SHOWN:
                return path.read_bytes(), f"image/{image.format.lower()}"
            encoded = io.BytesIO()
            image.convert("RGBA" if "A" in image.getbands() else "RGB").save(encoded, "PNG")
            return encoded.getvalue(), "image/png"
    except FileNotFoundError:
        raise PictureError("no such picture") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(f"no picture that can be read: {type(error).__name__}") from None
