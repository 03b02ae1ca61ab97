"""A code host behind a real socket: what a test's fake answers, and what it was asked."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import httpx


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Host(Protocol):
    """What answers."""

    def handle(self, asked: Asked) -> Answer: ...


def asked(method: str, url: str, headers: dict[str, str], content: bytes) -> Asked:
    parts = urlsplit(url)
    return Asked(method, parts.path, dict(parse_qsl(parts.query)), {name.lower(): value for name, value in headers.items()},
                 json.loads(content) if content else None)


def transport(host: Host) -> httpx.MockTransport:
    """The same host in this process."""
    def answer(request: httpx.Request) -> httpx.Response:
        found = host.handle(asked(request.method, str(request.url), dict(request.headers), request.content))
        return httpx.Response(found.status, headers=found.headers, content=content(found))

    return httpx.MockTransport(answer)


def content(answer: Answer) -> bytes:
    return b"" if answer.body is None else json.dumps(answer.body).encode()


class Served:
    """`with Served(host) as url:` answers there until the block ends."""

    def __init__(self, host: Host) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                found = host.handle(asked(self.command, self.path, dict(self.headers), self.rfile.read(length)))
                sent = content(found)
                self.send_response(found.status)
                for name, value in {"content-type": "application/json", **found.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is printed."""

        for method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._serve)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
