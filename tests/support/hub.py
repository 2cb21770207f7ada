"""A stand-in for the Hugging Face hub on loopback, for tests that run the shipped YAMLs unmodified.

It speaks what ``datasets``, ``huggingface_hub`` and ``transformers`` ask of a hub: repository information, file trees
and downloads, for datasets and models, at any revision that was added. Nothing is mocked: the clients run in a process
whose environment is ``Hub.environ(home)``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import socket
import socketserver
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from typing_extensions import Self

LFS_SUFFIXES = frozenset({".parquet", ".safetensors", ".bin", ".jpg", ".jpeg", ".png", ".arrow", ".zip", ".tar", ".gz"})
DATE = "2026-01-01T00:00:00.000Z"

# What would send a client elsewhere: offline flags, other cache folders, tokens.
UNSET = (
    "HF_HUB_OFFLINE",
    "HF_DATASETS_OFFLINE",
    "HF_EVALUATE_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "HF_MODULES_CACHE",
    "HF_ASSETS_CACHE",
    "HF_XET_CACHE",
    "TRANSFORMERS_CACHE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HUGGING_FACE_HUB_TOKEN",
)

_API = re.compile(
    r"/api/(?P<kind>datasets|models)/(?P<repo>[^/]+(?:/[^/]+)?)"
    r"(?:/(?P<action>revision|tree|paths-info|refs)(?:/(?P<revision>[^/]+)(?:/(?P<path>.*))?)?)?"
)
_RESOLVE = re.compile(r"(?:/(?P<kind>datasets))?/(?P<repo>[^/]+(?:/[^/]+)?)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class LoopbackServer(ThreadingHTTPServer):
    """A threaded HTTP server on 127.0.0.1 that can be stopped as if its process had died.

    Unlike the base class it looks no host name up, knows its open connections, and takes many of them at once.
    """

    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stop_lock = threading.Lock()
        self._stopped = False
        super().__init__(("127.0.0.1", port), handler)
        self.server_port = int(self.server_address[1])
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name = "127.0.0.1"

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Take no connection once stopping."""
        return not self.stopping.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about connections that the client or ``stop`` closed."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Refuse new connections and cut the open ones. Safe to call twice and from a handler's thread."""
        self.stopping.set()
        with self._stop_lock:
            if self._stopped:
                return
            self.shutdown()
            self.server_close()
            self._stopped = True
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # closed by its own thread in the meantime
                connection.shutdown(socket.SHUT_RDWR)


class LoopbackHandler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive; each answer leaves in one write; nothing is logged to the terminal."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class's name)
        """Log nothing."""

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send one whole answer; a HEAD request gets the headers only."""
        self.send_response(status)
        merged = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in merged.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def body(self) -> bytes:
        """The request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


@dataclass(frozen=True)
class Blob:
    """One file: its bytes, its git object id and its sha256."""

    data: bytes
    oid: str
    sha256: str
    lfs: bool

    @classmethod
    def of(cls, path: str, data: bytes) -> Blob:
        """Hash ``data`` as git and as LFS do."""
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        lfs = PurePosixPath(path).suffix.lower() in LFS_SUFFIXES
        return cls(data, oid, hashlib.sha256(data).hexdigest(), lfs)

    @property
    def etag(self) -> str:
        return self.sha256 if self.lfs else self.oid

    def lfs_entry(self) -> dict[str, Any]:
        if not self.lfs:
            return {}
        return {"lfs": {"oid": self.sha256, "sha256": self.sha256, "size": len(self.data), "pointerSize": 134}}


@dataclass
class Repository:
    """The revisions of one repository; ``main`` is the one added last."""

    kind: str
    name: str
    revisions: dict[str, dict[str, Blob]] = field(default_factory=dict)
    main: str = ""

    def sha(self, revision: str) -> str | None:
        """The commit that ``revision`` names, or None."""
        if revision in {"main", "HEAD", "refs/heads/main"}:
            return self.main
        return revision if revision in self.revisions else None

    def add(self, files: Mapping[str, bytes], commit: str | None = None) -> str:
        """Add a revision and make it ``main``. Returns its commit: given, or derived from names and contents."""
        blobs = {path: Blob.of(path, data) for path, data in sorted(files.items())}
        listing = "".join(f"{blob.sha256} {path}\n" for path, blob in blobs.items())
        sha = commit or hashlib.sha1(f"{self.kind}/{self.name}\n{listing}".encode(), usedforsecurity=False).hexdigest()
        if not re.fullmatch(r"[0-9a-f]{40}", sha):
            raise ValueError(f"a commit is 40 hexadecimal digits, not {sha!r}")
        if sha in self.revisions and self.revisions[sha] != blobs:
            raise ValueError(f"{self.name}: commit {sha} was already added with other files")
        self.revisions[sha] = blobs
        self.main = sha
        return sha

    def info(self, sha: str, *, blobs: bool) -> dict[str, Any]:
        """What ``/api/{kind}/{name}/revision/{sha}`` gives."""
        siblings: list[dict[str, Any]] = []
        for path, blob in self.revisions[sha].items():
            more = {"size": len(blob.data), "blobId": blob.oid, **blob.lfs_entry()} if blobs else {}
            siblings.append({"rfilename": path, **more})
        return {
            "_id": hashlib.sha256(self.name.encode()).hexdigest()[:24],
            "id": self.name,
            **({"modelId": self.name} if self.kind == "models" else {}),
            "author": self.name.split("/", maxsplit=1)[0],
            "sha": sha,
            "lastModified": DATE,
            "createdAt": DATE,
            "private": False,
            "gated": False,
            "disabled": False,
            "downloads": 0,
            "likes": 0,
            "tags": [],
            "siblings": siblings,
        }

    def entry(self, sha: str, path: str, *, expand: bool) -> dict[str, Any] | None:
        """The tree entry of a file or a folder, or None."""
        files = self.revisions[sha]
        commit = {"lastCommit": {"id": sha, "title": "Upload dataset", "date": DATE}} if expand else {}
        if path in files:
            blob = files[path]
            return {
                "type": "file",
                "oid": blob.oid,
                "size": len(blob.data),
                "path": path,
                **blob.lfs_entry(),
                **commit,
            }
        if any(name.startswith(f"{path}/") for name in files):
            oid = hashlib.sha1(f"{sha}/{path}".encode(), usedforsecurity=False).hexdigest()
            return {"type": "directory", "oid": oid, "size": 0, "path": path, **commit}
        return None

    def tree(self, sha: str, folder: str, *, recursive: bool, expand: bool) -> list[dict[str, Any]] | None:
        """The entries under ``folder`` ("" is the root), or None where there is no such folder."""
        prefix = f"{folder}/" if folder else ""
        paths: dict[str, None] = {}
        for name in self.revisions[sha]:
            if name.startswith(prefix):
                parts = name[len(prefix) :].split("/")
                depth = len(parts) if recursive else 1
                paths.update({prefix + "/".join(parts[: n + 1]): None for n in range(depth)})
        if folder and not paths:
            return None
        return [entry for path in paths if (entry := self.entry(sha, path, expand=expand))]


class Hub:
    """A hub on loopback; a context manager.

    Attributes:
        endpoint: what HF_ENDPOINT is set to.
        requests: (method, path with query) of every request, in order of arrival.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[tuple[str, str]] = []
        self._repositories: dict[tuple[str, str], Repository] = {}
        handler = type("HubHandler", (_HubHandler,), {"hub": self})
        self._server = LoopbackServer(handler, port)
        self.port = self._server.server_port
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop: from now on the hub cannot be reached."""
        self._server.stop()

    def add_dataset(self, name: str, files: Path | Mapping[str, bytes], *, commit: str | None = None) -> str:
        """Add a revision of a dataset and make it ``main``; earlier revisions stay addressable by their commit.

        Args:
            name: "Org/Name".
            files: a folder, or the bytes of each path.
            commit: the 40 digits to be known under, for a YAML that pins a revision; derived from the contents if None.

        Returns:
            The commit.
        """
        return self._add("datasets", name, files, commit)

    def add_model(self, name: str, files: Path | Mapping[str, bytes], *, commit: str | None = None) -> str:
        """``add_dataset`` for a model repository."""
        return self._add("models", name, files, commit)

    def _add(self, kind: str, name: str, files: Path | Mapping[str, bytes], commit: str | None) -> str:
        if isinstance(files, Path):
            files = {p.relative_to(files).as_posix(): p.read_bytes() for p in files.rglob("*") if p.is_file()}
        repository = self._repositories.setdefault((kind, name), Repository(kind, name))
        return repository.add(files, commit)

    def repository(self, kind: str, name: str) -> Repository | None:
        """The repository of that kind ("datasets", "models") and name, or None."""
        return self._repositories.get((kind, name))

    def environ(self, home: Path) -> dict[str, str]:
        """This process's environment, pointed at the hub with ``home`` as HF_HOME: give it to a subprocess as ``env``.

        Offline flags, other cache folders and tokens are removed. ``home`` is created if it does not exist.
        """
        (home / "hub").mkdir(parents=True, exist_ok=True)
        environ = {name: value for name, value in os.environ.items() if name not in UNSET}
        for name in ("NO_PROXY", "no_proxy"):
            environ[name] = ",".join(filter(None, [environ.get(name, ""), "127.0.0.1,localhost"]))
        return environ | {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_XET": "1",
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        }


class _HubHandler(LoopbackHandler):
    """Answers one request of a hub's client. ``hub`` is set by ``Hub``."""

    hub: Hub

    def do_HEAD(self) -> None:
        self._dispatch()

    def do_GET(self) -> None:
        self._dispatch()

    def do_POST(self) -> None:
        self._dispatch()

    def _dispatch(self) -> None:
        self.hub.requests.append((self.command, self.path))
        payload = self.body()
        url = urlsplit(self.path)
        match = _RESOLVE.fullmatch(url.path) or _API.fullmatch(url.path)
        if match is None:
            self._refuse(404, "", f"Not served here: {url.path}")
            return
        groups = {name: unquote(value) for name, value in match.groupdict().items() if value is not None}
        repository = self.hub.repository(groups.get("kind", "models"), groups["repo"])
        if repository is None:
            self._refuse(404, "RepoNotFound", "Repository not found")
            return
        sha = repository.sha(groups.get("revision", "main"))
        if sha is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {groups['revision']}")
        elif match.re is _RESOLVE:
            self._file(repository, sha, groups["path"])
        else:
            self._api(repository, sha, groups, parse_qs(url.query), payload)

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message} if code else {}
        self.answer(status, json.dumps({"error": message}).encode(), headers)

    def _json(self, value: Any, sha: str) -> None:
        self.answer(200, json.dumps(value).encode(), {"X-Repo-Commit": sha})

    def _file(self, repository: Repository, sha: str, path: str) -> None:
        blob = repository.revisions[sha].get(path)
        if blob is None:
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        headers = {
            "Content-Type": "application/octet-stream",
            "ETag": f'"{blob.etag}"',
            "X-Repo-Commit": sha,
            "Accept-Ranges": "bytes",
        }
        if blob.lfs:
            headers |= {"X-Linked-ETag": f'"{blob.etag}"', "X-Linked-Size": str(len(blob.data))}
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        if wanted is None:
            self.answer(200, blob.data, headers)
            return
        size, start = len(blob.data), int(wanted[1])
        end = min(int(wanted[2] or size - 1), size - 1)
        if start > end:
            self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        self.answer(206, blob.data[start : end + 1], headers | {"Content-Range": f"bytes {start}-{end}/{size}"})

    def _api(
        self,
        repository: Repository,
        sha: str,
        groups: Mapping[str, str],
        query: Mapping[str, list[str]],
        payload: bytes,
    ) -> None:
        expand = _flag(query, "expand")
        action = groups.get("action", "revision")
        if action == "revision":
            self._json(repository.info(sha, blobs=_flag(query, "blobs")), sha)
        elif action == "refs":
            branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.main}
            self._json({"branches": [branch], "tags": [], "converts": []}, sha)
        elif action == "paths-info":
            wanted = _form(payload)
            found = [repository.entry(sha, path, expand=expand) for path in wanted.get("paths", [])]
            self._json([entry for entry in found if entry], sha)
        else:
            folder = groups.get("path", "").strip("/")
            entries = repository.tree(sha, folder, recursive=_flag(query, "recursive"), expand=expand)
            if entries is None:
                self._refuse(404, "EntryNotFound", f"{folder} does not exist on {sha}")
            else:
                self._json(entries, sha)


def _flag(query: Mapping[str, list[str]], name: str) -> bool:
    return query.get(name, ["false"])[-1].lower() in {"1", "true", "on"}


def _form(payload: bytes) -> dict[str, list[str]]:
    """A body sent as JSON or as a form; every value is a list."""
    text = payload.decode()
    if text.startswith("{"):
        return {name: value if isinstance(value, list) else [value] for name, value in json.loads(text).items()}
    return parse_qs(text)
