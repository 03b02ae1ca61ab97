"""Several sandboxes on one loopback port, each under its vendor's name."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

import httpx

from reconciler.sandbox.store import Request, Sandbox


class Server:
    """`with Server({"stripe": sandbox}) as server:` serves `server.url("stripe")` until the block ends; port 0 is any.

    A sandbox that is alone answers at the root too (`server.root`): some clients take no address with a path.
    """

    def __init__(self, sandboxes: Mapping[str, Sandbox], port: int = 0) -> None:
        self.sandboxes = sandboxes
        self._server = _Http(("127.0.0.1", port), type("Handler", (_Handler,), {"sandboxes": sandboxes}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """The port that is served."""
        return int(self._server.server_address[1])

    def url(self, vendor: str) -> str:
        """The base URL of one vendor."""
        return f"http://127.0.0.1:{self.port}/{vendor}"

    @property
    def root(self) -> str:
        """The address of the port itself."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Serve in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End; what is under way is finished."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    sandboxes: ClassVar[Mapping[str, Sandbox]]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        vendor, _, rest = self.path.lstrip("/").partition("/")
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client died half-way: nothing is done
            self.close_connection = True
            return
        sandbox = self.sandboxes.get(vendor)
        if sandbox is None and len(self.sandboxes) == 1:
            sandbox, rest = next(iter(self.sandboxes.values())), self.path.lstrip("/")
        if sandbox is None:
            self._write(404, {"error": f"no vendor {vendor}; there are {', '.join(self.sandboxes)}"}, {})
            return
        try:
            answered = sandbox.handle(Request.of(self.command, "/" + rest, dict(self.headers), body))
        except (OSError, httpx.TransportError) as fault:
            self._hang_up(reset=isinstance(fault, ConnectionResetError))
            return
        self._write(answered.status, answered.body, answered.headers)

    def _hang_up(self, *, reset: bool) -> None:
        """A fault: the connection ends without an answer, in good order or by a reset."""
        self.close_connection = True
        if not reset:
            self.connection.close()
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def _write(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_LIST = _serve
