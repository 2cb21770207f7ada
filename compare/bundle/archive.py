"""The bundle as a file: a zip whose bytes follow from its content, and which is believed in nothing when it is read.

A bundle may come from anywhere. Nothing in it is run, no name leads out of it, sizes are counted while reading, and
what is read is text, JSON and Parquet (by pyarrow), never a pickle.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lmms_eval_ja.clients.whole_file import whole_file

if TYPE_CHECKING:
    from typing_extensions import Self

#: Of the bundle's layout; raised when a member changes its meaning.
SCHEMA = 1
KIND = "lmms-eval-ja bundle"
MANIFEST = "manifest.json"
#: What a bundle may hold: members, bytes of one unpacked, bytes of all unpacked, and of the manifest.
MOST_MEMBERS, LARGEST_MEMBER, LARGEST_TOTAL, LARGEST_MANIFEST = 100_000, 2 * 1024**3, 16 * 1024**3, 64 * 1024**2
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[^\x00-\x1f\x7f\\:*?\"<>|]{1,1000}")
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK = 1024 * 1024


class BundleError(Exception):
    """A bundle that cannot be written or read; the message names file and member."""


def write_archive(path: Path, members: Mapping[str, bytes | Path], facts: Mapping[str, Any]) -> None:
    """Write members in the order of their names, and a manifest with `facts` and the SHA-256 of each.

    Equal members give equal bytes. The file appears when it is complete.

    Raises:
        BundleError: too many members or too large ones; the file cannot be written.
    """
    if len(members) > MOST_MEMBERS:
        raise BundleError(f"{len(members):,} files: a bundle holds up to {MOST_MEMBERS:,}; bundle fewer models")
    listed = {}
    try:
        with whole_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(members):
                source = members[name]
                data = source.read_bytes() if isinstance(source, Path) else source
                if len(data) > LARGEST_MEMBER:
                    raise BundleError(f"{name} has {len(data):,} bytes: a bundle holds files up to {LARGEST_MEMBER:,}")
                listed[name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
                archive.writestr(_entry(name), data)
            manifest = {"kind": KIND, "schema": SCHEMA} | dict(facts) | {"files": listed}
            archive.writestr(_entry(MANIFEST), json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error}") from None


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


class Archive:
    """A bundle that is read; a context manager. Names are checked when it is opened, content when it is read."""

    def __init__(self, path: Path) -> None:
        """Open a bundle.

        Raises:
            BundleError: no zip, a member that no bundle has, no manifest, or one of a newer version.
        """
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise BundleError(f"{path} is no bundle that can be read: {error}") from None
        try:
            self._entries = self._checked()
            self.manifest = self._manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """The members without the manifest, in order."""
        return sorted(self._entries.keys() - {MANIFEST})

    def read(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            BundleError: it is not there, damaged, or larger than a bundle's may be.
        """
        if name not in self._entries:
            raise BundleError(f"{self.path}: {name} is missing")
        return b"".join(self._chunks(name, LARGEST_MANIFEST if name == MANIFEST else LARGEST_MEMBER))

    def sha256(self, name: str) -> str:
        """The hash of a member, read in chunks."""
        digest = hashlib.sha256()
        for chunk in self._chunks(name, LARGEST_MEMBER):
            digest.update(chunk)
        return digest.hexdigest()

    def json(self, name: str) -> Any:
        """A member as JSON.

        Raises:
            BundleError: as `read`, or no JSON.
        """
        try:
            return json.loads(self.read(name))
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{self.path}: {name} is no JSON: {error}") from None

    def extract(self, folder: Path, names: list[str]) -> None:
        """Write members below a folder, under their names.

        Raises:
            BundleError: as `read`, or one cannot be written (a name that is too long, a file in place of a folder).
        """
        for name in names:
            path = folder.joinpath(*PurePosixPath(name).parts)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    file.writelines(self._chunks(name, LARGEST_MEMBER))
            except OSError as error:
                raise BundleError(f"{self.path}: {name} cannot be unpacked: {error.strerror}") from None

    def _chunks(self, name: str, largest: int) -> Iterator[bytes]:
        size = 0
        try:
            with self._zip.open(self._entries[name]) as member:
                while chunk := member.read(_CHUNK):
                    size += len(chunk)
                    if size > largest:
                        raise BundleError(f"{self.path}: {name} has more than {largest:,} bytes")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
            raise BundleError(f"{self.path}: {name} cannot be read: {error}") from None

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        entries = self._zip.infolist()
        if len(entries) > MOST_MEMBERS + 1:
            raise BundleError(f"{self.path} has {len(entries):,} members; a bundle has up to {MOST_MEMBERS:,}")
        if (total := sum(entry.file_size for entry in entries)) > LARGEST_TOTAL:
            raise BundleError(f"{self.path} would unpack to {total:,} bytes; a bundle has up to {LARGEST_TOTAL:,}")
        found: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if fault := _fault(entry):
                raise BundleError(f"{self.path}: member {entry.orig_filename!r} {fault}; nothing was unpacked")
            if entry.filename in found:
                raise BundleError(f"{self.path}: member {entry.filename!r} stands twice")
            found[entry.filename] = entry
        return found

    def _manifest(self) -> dict[str, Any]:
        if MANIFEST not in self._entries:
            raise BundleError(f"{self.path} has no {MANIFEST}: it is no bundle of lmms-eval-ja")
        manifest = self.json(MANIFEST)
        if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
            raise BundleError(f"{self.path}: {MANIFEST} is not that of a bundle of lmms-eval-ja")
        if manifest.get("schema") != SCHEMA:
            raise BundleError(
                f"{self.path} has schema {manifest.get('schema')!r}, this version reads {SCHEMA}: "
                "use the lmms-eval-ja that is named in its manifest, or a newer one"
            )
        files = manifest.get("files")
        if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
            raise BundleError(f"{self.path}: {MANIFEST}: files: expected an object of files with their sha256")
        return manifest


def _fault(entry: zipfile.ZipInfo) -> str | None:
    """What a member of a bundle never is."""
    name = entry.orig_filename
    parts = name.split("/")
    if not _NAME.fullmatch(name) or name.startswith("/") or {"", ".", ".."} & set(parts):
        return "has a name that no bundle has"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in {0, stat.S_IFREG}:
        return "is no file"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in _METHODS:
        return "is packed by a method that no bundle uses"
    if entry.file_size > LARGEST_MEMBER:
        return f"has {entry.file_size:,} bytes, more than {LARGEST_MEMBER:,}"
    return None
