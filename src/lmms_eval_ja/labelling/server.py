"""The page over HTTP, for people on this machine: every address begins with a token, and nothing else is answered."""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import secrets
import socket
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lmms_eval_ja.labelling.pictures import PictureError, shown_bytes
from lmms_eval_ja.labelling.session import RequestError, Session

_log = logging.getLogger(__name__)

#: A request's body in bytes: a rating with the longest comment has less.
LARGEST_BODY = 64 * 1024
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_OWN, _OF_REPORT = "lmms_eval_ja.labelling", "lmms_eval_ja.compare.report"
#: Files of the page, by the package that has them.
_PAGES = {
    "index.html": _OWN,
    "label.css": _OWN,
    "server.js": _OWN,
    "view.js": _OWN,
    "label.js": _OWN,
    "icon.svg": _OWN,
} | dict.fromkeys(("base.css", "controls.css", "settings.js", "dom.js", "text.js"), _OF_REPORT)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOCAL_NAMES = ("localhost", "localhost.localdomain")


class LabelServer(ThreadingHTTPServer):
    """Serves one session. `changed` is called after each rating."""

    daemon_threads = True

    def __init__(
        self, session: Session, host: str = "127.0.0.1", port: int = 0, changed: Callable[[], None] = lambda: None
    ) -> None:
        """Take a port; 0 is any that is free.

        Raises:
            OSError: it is taken, or the host is not this machine's.
        """
        self.session, self.changed, self.host = session, changed, host
        self.token = secrets.token_urlsafe(18)
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where the page is, with the token that lets in."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.host in {"0.0.0.0", "::"}:  # noqa: S104 (any address; this names one that can be opened)
            host = socket.gethostname()
        return f"http://{host}:{self.server_address[1]}/{self.token}/"

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in _LOCAL_NAMES or _is_loopback(self.host)

    def knows_host(self, stated: str | None) -> bool:
        """Whether a request names this server: a name of somebody else's may point here (DNS rebinding)."""
        try:
            host = (urlsplit(f"//{stated}").hostname or "") if stated else ""
        except ValueError:
            return False
        if self.is_local:
            return host in _LOCAL_NAMES or _is_loopback(host)
        own = {self.host.lower(), socket.gethostname().lower(), socket.getfqdn().lower(), *_LOCAL_NAMES}
        return host in own or _is_address(host)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away is no news; anything else goes to the log."""
        _log.debug("request %s of %s", request, client_address, exc_info=True)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: LabelServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lmms-eval-ja", ""
    #: Seconds that a connection may be silent.
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name is http.server's)
        _log.debug("%s", format % args)

    def _answer(self, make: Callable[[str, Mapping[str, str]], tuple[bytes, str]]) -> None:
        status = HTTPStatus.OK
        try:
            body, kind = make(*self._asked())
        except _RefusedError as error:
            status, (body, kind) = error.status, _json({"error": str(error)})
        except RequestError as error:
            status, (body, kind) = HTTPStatus.BAD_REQUEST, _json({"error": str(error)})
        except OSError as error:
            _log.error("the label file cannot be written: %s", error)
            message = f"not saved: {error.strerror or error}"
            status, (body, kind) = HTTPStatus.INTERNAL_SERVER_ERROR, _json({"error": message})
        if status != HTTPStatus.OK:
            self.close_connection = True  # a body that was not read may follow
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _asked(self) -> tuple[str, Mapping[str, str]]:
        """Path below the token, and the query."""
        if not self.server.knows_host(self.headers.get("Host")):
            raise _RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        url = urlsplit(self.path)
        token, _, path = url.path.lstrip("/").partition("/")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "open the address that the terminal shows")
        return path, {name: values[-1] for name, values in parse_qs(url.query).items()}

    def _get(self, path: str, query: Mapping[str, str]) -> tuple[bytes, str]:
        session = self.server.session
        if path == "strings.js":
            strings = (files(_OWN) / "static" / "strings.json").read_text(encoding="utf-8")
            return f"'use strict';\nwindow.Report.strings = {strings};\n".encode(), "text/javascript; charset=utf-8"
        if (page := path or "index.html") in _PAGES:
            kind = f"{_TYPES[page.rpartition('.')[2]]}; charset=utf-8"
            return (files(_PAGES[page]) / "static" / page).read_bytes(), kind
        if path == "api/overview":
            return _json(session.overview(query.get("rater")))
        if path == "api/item":
            return _json(session.item(query.get("rater"), query.get("id")))
        folder, _, name = path.partition("/")
        if folder == "images" and unquote(name) in session.pictures and session.labelling.images is not None:
            try:
                return shown_bytes(session.labelling.images, unquote(name))
            except PictureError as error:
                raise _RefusedError(HTTPStatus.NOT_FOUND, str(error)) from None
        raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _post(self, path: str, query: Mapping[str, str]) -> tuple[bytes, str]:
        del query
        said = self._body()
        session = self.server.session
        if path == "api/rate":
            done = session.rate(said)
        elif path == "api/undo":
            done = session.undo(said.get("rater"))
        else:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "there is nothing here")
        self.server.changed()
        return _json(done)

    def _body(self) -> Mapping[str, Any]:
        """A request's JSON; only from a page of this server."""
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{self.headers.get('Host')}":
            raise _RefusedError(HTTPStatus.FORBIDDEN, "the request is from another page")
        if self.headers.get_content_type() != "application/json":
            raise _RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if int(length) > LARGEST_BODY:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST_BODY} bytes")
        try:
            said = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"no JSON: {error}") from None
        if not isinstance(said, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "expected an object")
        return said


def _json(content: Mapping[str, Any]) -> tuple[bytes, str]:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"), "application/json; charset=utf-8"
