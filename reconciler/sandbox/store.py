"""One vendor's sandbox: its objects, its requests, its faults; vendors overlay their habits by hooks."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from reconciler.clock import Clock, SystemClock
from reconciler.contract.kind import Kind
from reconciler.contract.rest import RestKind
from reconciler.contract.spec import Mark

if TYPE_CHECKING:
    import httpx

READS = frozenset({"GET", "HEAD", "LIST"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the vendor gets it; header names in lower case, the path without its query."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
        """A request from its request line's target."""
        parts = urlsplit(target)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return cls(method, parts.path, query, {name.lower(): value for name, value in headers.items()}, body)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `body` is a JSON value, or None for an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request with its answer, for referees and tests; `body` as the vendor's `decode` reads it."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: Any
    status: int
    answer: Any


Fault = Callable[[Request, int], "Response | Exception | None"]
"""Asked before each request with its number (from 0): an answer or an error to give instead, or None."""


class Complaint(Exception):
    """A refusal in the vendor's own error shape."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Sandbox:
    """Objects by collection path and id, in memory and, with `path`, in that JSON file. One lock.

    A regular JSON vendor needs nothing more than its kinds; others override `answer` and the hooks.
    """

    def __init__(self, kinds: Sequence[type[Kind[Any]]], *, clock: Clock | None = None, path: Path | None = None) -> None:
        self.kinds = kinds
        self.clock = clock or SystemClock()
        self.path = path
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.requests: list[Recorded] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self._asked = 0
        if path is not None and path.exists():
            self.objects = json.loads(path.read_text(encoding="utf-8"))

    def handle(self, request: Request) -> Response:
        """Answer one request and remember both; a fault that is an Exception is raised to the transport."""
        with self.lock:
            number, self._asked = self._asked, self._asked + 1
            for fault in list(self.faults):
                instead = fault(request, number)
                if isinstance(instead, Exception):
                    raise instead
                if instead is not None:
                    return self._recorded(request, instead)
            response = self._recorded(request, self.answer(request))
            if request.method not in READS:
                self.save()
            return response

    def _recorded(self, request: Request, response: Response) -> Response:
        self.requests.append(Recorded(request.method, request.path, request.query, request.headers,
                                      self.decode(request), response.status, response.body))
        return response

    def sent(self) -> list[str]:
        """The writes so far, as `POST /v1/prices`."""
        return [f"{one.method} {one.path}" for one in self.requests if one.method not in READS and not self.reads(one)]

    def save(self) -> None:
        """Write the objects to their file, whole or not at all."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(self.objects, file)
        Path(name).replace(self.path)

    def transport(self) -> httpx.BaseTransport:
        """The sandbox as an httpx transport."""
        from reconciler.sandbox.wire import SandboxTransport

        return SandboxTransport(self)

    # habits

    def decode(self, request: Request) -> Any:
        """The request's body as a value."""
        try:
            return json.loads(request.body) if request.body else None
        except ValueError:
            return request.body

    def reads(self, recorded: Recorded) -> bool:
        """Whether a request that is no GET changed nothing."""
        return False

    def mint(self, kind: type[RestKind[Any]], number: int) -> str:
        """The id of a new object."""
        return f"{kind.name.rpartition('.')[2]}_{number}"

    def complain(self, status: int, message: str, param: str = "") -> Complaint:
        """A refusal in the vendor's error shape."""
        return Complaint(status, {"error": {"message": message, "param": param}})

    def key_of(self, request: Request) -> str | None:
        """The idempotency key of a request, where the vendor honours one."""
        return request.headers.get("idempotency-key")

    def shown(self, kind: type[RestKind[Any]], body: Mapping[str, Any]) -> dict[str, Any]:
        """An object as answers show it: without what is write-only."""
        hidden = {n for n, s in _shape(kind).children.items() if s.marks & {Mark.WRITE_ONLY, Mark.CREATE_ONLY}}
        return {name: value for name, value in body.items() if name not in hidden}

    def page(self, request: Request, found: list[dict[str, Any]]) -> Any:
        """A list answer."""
        return {"data": found}

    def answer(self, request: Request) -> Response:
        """One request, answered from the kinds' paths and marks."""
        from reconciler.sandbox.rest import answer

        try:
            return answer(self, request)
        except Complaint as complaint:
            return Response(complaint.status, complaint.body)

    def rest_kind(self, path: str) -> tuple[type[RestKind[Any]], str] | None:
        """The regular kind that a path belongs to, and the id in it (empty for the collection)."""
        for kind in self.kinds:
            if issubclass(kind, RestKind):
                if path == kind.path:
                    return kind, ""
                rest = path.removeprefix(kind.path + "/")
                if rest != path and "/" not in rest:
                    return kind, unquote(rest)
        return None


def _shape(kind: type[Kind[Any]]) -> Any:
    from reconciler.contract.spec import shape_of

    return shape_of(kind.spec)
