"""Pictures that a benchmark only names by their addresses: fetched once into a cache, and never asked for twice.

A picture is kept as the bytes that came, under the SHA-256 of its address. An address that has no picture (any more)
is kept as a note that says why, so that the next run does not ask either. One that could not be reached is not: the
next run tries again. Only 404 and 410, and a file that is no picture, say that a picture is gone; any other status, and
a web page in the picture's place, may be those of a proxy or of a login page that stands between.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from lmms_eval_ja.clients import cache_folder, load_settings
from lmms_eval_ja.clients.whole_file import whole_file

if TYPE_CHECKING:
    import httpx

_GONE = ".gone"
_TOGETHER, _TRIES, _TIMEOUT_S = 16, 3, 20.0
#: A larger file is no benchmark's picture.
_LARGEST = 50 * 1024**2
#: After so many addresses in a row that could not be reached there is no internet, and no more are tried.
_GIVE_UP = 40
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
_AGENT = "lmms-eval-ja (fetches the pictures of a public benchmark once)"
_SERVER_FAULT = 500
_MANY_REQUESTS = 429
_GONE_STATUSES = frozenset({404, 410})


@dataclass(frozen=True)
class Fetched:
    """What there is of a benchmark's pictures: in the cache; known to be gone; not reached this time."""

    there: int
    gone: int
    not_reached: int

    def __str__(self) -> str:
        """For people."""
        n = self.there + self.gone + self.not_reached
        return (
            f"{self.there:,} of {n:,} pictures are there; {self.gone:,} are gone from the web, {self.not_reached:,} "
            "could not be reached"
        )


class WebPictures:
    """The pictures of one benchmark.

    Pre-placed ones, in the folder `LMMS_EVAL_JA_ASSETS`, are used where there are any, and never changed.
    """

    def __init__(self, name: str) -> None:
        """The pictures of the benchmark of this name, which is that of their folder."""
        self._name = name

    def find(self, address: str) -> Path | None:
        """The file of a picture, or None where it is not in the cache."""
        return next((path for folder in self._folders() if (path := folder / _key(address)).is_file()), None)

    def open(self, address: str) -> Any:
        """A picture of Pillow.

        Raises:
            FileNotFoundError: it is not in the cache.
        """
        from PIL import Image

        path = self.find(address)
        if path is None:
            raise FileNotFoundError(f"the picture {address} is not in {self._cache()}")
        return Image.open(path)

    def fetch(self, addresses: Sequence[str]) -> Fetched:
        """Get those that are neither in the cache nor known to be gone; nothing where the hub is to be left alone.

        Several processes may call it at once: one fetches, the others wait.
        """
        from filelock import FileLock

        if not _is_offline() and any(self._is_unknown(address) for address in addresses):
            self._cache().mkdir(parents=True, exist_ok=True)
            with FileLock(self._cache() / "lock"):
                self._fetch([address for address in dict.fromkeys(addresses) if self._is_unknown(address)])
        there = sum(self.find(address) is not None for address in addresses)
        gone = sum(self.find(address) is None and self.why_gone(address) is not None for address in addresses)
        return Fetched(there, gone, len(addresses) - there - gone)

    def why_gone(self, address: str) -> str | None:
        """Why there is no picture at an address; None where there is one, or nobody knows."""
        notes = (folder / f"{_key(address)}{_GONE}" for folder in self._folders())
        return next((note.read_text(encoding="utf-8") for note in notes if note.is_file()), None)

    def _folders(self) -> Iterable[Path]:
        assets = load_settings().assets
        return (*([assets / self._name] if assets is not None else []), self._cache())

    def _cache(self) -> Path:
        return cache_folder() / self._name

    def _is_unknown(self, address: str) -> bool:
        return self.find(address) is None and self.why_gone(address) is None

    def _fetch(self, addresses: Sequence[str]) -> None:
        import httpx
        from tqdm import tqdm

        state = _State()
        with (
            httpx.Client(timeout=_TIMEOUT_S, follow_redirects=True, headers={"User-Agent": _AGENT}) as client,
            ThreadPoolExecutor(_TOGETHER) as pool,
            tqdm(total=len(addresses), desc=f"pictures of {self._name}", unit="picture") as bar,
        ):
            for _ in pool.map(lambda address: self._fetch_one(client, address, state), addresses):
                bar.update()

    def _fetch_one(self, client: httpx.Client, address: str, state: _State) -> None:
        import httpx

        if state.has_given_up:
            return
        try:
            content = _content(client, address)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            self._write(f"{_key(address)}{_GONE}", str(error).encode())
        except _GoneError as error:
            state.reached()
            self._write(f"{_key(address)}{_GONE}", str(error).encode())
        except httpx.HTTPError:
            state.not_reached()
        else:
            state.reached()
            self._write(_key(address), content)

    def _write(self, name: str, content: bytes) -> None:
        path = self._cache() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_bytes(content)


class _GoneError(Exception):
    """There is no picture at an address."""


class _State:
    """How many addresses in a row could not be reached."""

    def __init__(self) -> None:
        self._lock, self._in_a_row = Lock(), 0

    @property
    def has_given_up(self) -> bool:
        return self._in_a_row >= _GIVE_UP

    def reached(self) -> None:
        with self._lock:
            self._in_a_row = 0 if not self.has_given_up else self._in_a_row

    def not_reached(self) -> None:
        with self._lock:
            self._in_a_row += 1


def _content(client: httpx.Client, address: str) -> bytes:
    """The bytes of a picture that decodes.

    Raises:
        _GoneError: there is none.
        httpx.HTTPError: the server cannot be reached, has a fault that may pass, or gives a web page instead.
    """
    import httpx

    for attempt in range(_TRIES):
        try:
            response = client.get(address)
            if response.status_code >= _SERVER_FAULT or response.status_code == _MANY_REQUESTS:
                response.raise_for_status()
        except httpx.HTTPError:
            if attempt == _TRIES - 1:
                raise
            continue
        if response.status_code in _GONE_STATUSES:
            raise _GoneError(f"status {response.status_code}")
        response.raise_for_status()
        if why := _why_no_picture(response.content):
            if response.headers.get("Content-Type", "").strip().lower().startswith("text/html"):
                raise httpx.HTTPError("a web page stands in the picture's place")
            raise _GoneError(why)
        return response.content
    raise AssertionError("the last attempt returns or raises")


def _why_no_picture(content: bytes) -> str | None:
    from PIL import Image

    if len(content) > _LARGEST:
        return f"{len(content)} bytes are too many for a picture"
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.convert("RGB")
    except Exception as error:  # Pillow raises anything at all for a file that is no picture
        return f"what is there is no picture ({type(error).__name__})"
    return None


def _key(address: str) -> str:
    digest = hashlib.sha256(address.encode()).hexdigest()
    return f"{digest[:2]}/{digest}"


def _is_offline() -> bool:
    return any(os.environ.get(name, "").upper() in {"1", "ON", "YES", "TRUE"} for name in _OFFLINE)
