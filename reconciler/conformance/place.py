"""Where a vendor is for one trial: its sandbox or a real server, with everything recorded that goes over the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.clock import Clock, SystemClock, TestClock
from reconciler.contract.http import Api
from reconciler.contract.vendor import Settings, Vendor, load
from reconciler.sandbox import Sandbox

READS = frozenset({"GET", "HEAD", "LIST"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as they went over the wire; `reads` says that it changed nothing."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    answer: bytes
    reads: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


Fault = Callable[[httpx.Request], "httpx.Response | None"]
"""Asked before each request: an answer to give instead, or None. It may raise what httpx raises."""


class Wire(httpx.BaseTransport):
    """Hands requests on and remembers them; `before` faults keep a request from arriving, `after` ones its answer."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner
        self.seen: list[Exchange] = []
        self.before: list[Fault] = []
        self.after: list[Fault] = []
        self.reading: Callable[[str, str], bool] = lambda method, path: False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request; the answer is read whole, so that it can be remembered."""
        request.read()
        response = self._instead(self.before, request) or self.inner.handle_request(request)
        response.read()
        path = request.url.raw_path.decode().partition("?")[0]
        reads = request.method in READS or self.reading(request.method, path)
        self.seen.append(Exchange(request.method, path, tuple(request.url.params.multi_items()), request.content,
                                  response.status_code, response.content, reads))
        return self._instead(self.after, request) or response

    @staticmethod
    def _instead(faults: Iterable[Fault], request: httpx.Request) -> httpx.Response | None:
        return next((answer for fault in list(faults) if (answer := fault(request)) is not None), None)

    def writes(self, since: int = 0) -> list[Exchange]:
        """The requests that changed something."""
        return [one for one in self.seen[since:] if not one.reads]

    def close(self) -> None:
        """Close what is behind it."""
        self.inner.close()


@dataclass
class Place:
    """One vendor's server, empty at the start of a trial; `transport` gives a way to it for each client.

    `box` is the server itself where it is a sandbox in this process, whose objects can be copied.
    """

    vendor: Vendor
    settings: Settings
    transport: Callable[[], httpx.BaseTransport]
    clock: Clock = field(default_factory=SystemClock)
    wires: list[Wire] = field(default_factory=list)
    opened: list[Api] = field(default_factory=list)
    box: Sandbox | None = None

    def connect(self) -> tuple[Api, Wire]:
        """A client and what goes over its wire."""
        wire = Wire(self.transport())
        api: Api = load(self.vendor.api)(self.settings, connection=self.vendor.name, transport=wire, clock=self.clock)
        wire.reading = api.only_reads
        self.wires.append(wire)
        self.opened.append(api)
        return api, wire

    @property
    def exchanges(self) -> list[Exchange]:
        """All that went over any wire."""
        return [one for wire in self.wires for one in wire.seen]

    def close(self) -> None:
        """Close every client."""
        for api in self.opened:
            api.close()


def in_sandbox(vendor: Vendor, **settings: Any) -> Place:
    """A fresh sandbox of a vendor, on a clock of its own; nothing waits there, so one request at a time is fastest."""
    clock = TestClock()
    sandbox: Any = load(vendor.sandbox)(vendor.kinds, clock=clock)
    return Place(vendor, vendor.settings.placeholder(**{"connections": 1, **settings}), sandbox.transport, clock, box=sandbox)
