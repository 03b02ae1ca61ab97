"""A sandbox as an httpx transport: no socket, the same bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from reconciler.sandbox.store import Request

if TYPE_CHECKING:
    from reconciler.sandbox.store import Sandbox


class SandboxTransport(httpx.BaseTransport):
    """Hands requests to the sandbox; a fault that is an Exception reaches the client as it would from a socket."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, answered in this thread."""
        target = request.url.raw_path.decode()
        answered = self.sandbox.handle(Request.of(request.method, target, dict(request.headers), request.read()))
        content = b"" if answered.body is None else json.dumps(answered.body).encode()
        headers = {"content-type": "application/json", **answered.headers}
        return httpx.Response(answered.status, headers=headers, content=content, request=request)
