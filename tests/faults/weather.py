"""A bad network between a client and its vendor: one request in seven is lost, cut, doubtful or answered with rubbish."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import httpx

RUBBISH: tuple[bytes, ...] = (
    b"", b"null", b"{}", b"0", b'"ok"', b'{"id":', b"\xff\xfe\x00", b"<html><body>502 Bad Gateway</body></html>",
    b'{"data": null}', b'{"data": [1, 2]}', b'{"id": null}', b'{"object": "list", "data": [{}], "has_more": false}',
    b'{"object": "list", "data": [], "has_more": true}', b"[" * 100_000, b'{"a":' * 5_000, b'[{"id": 1}, null]', b"NaN",
)
"""Bodies that no promise covers, each with status 200; an empty list is one that a vendor may mean."""

OUTAGE = 6
"""Requests that a longer outage takes with it: more than the tries of one."""


class Weather(httpx.BaseTransport):
    """A transport in front of another one.

    What happens to the nth request of a method and path depends on the seed, the method, the path and n alone, so
    that a trial can be replayed however its threads run. `share` of the requests meet something. Each request says
    which run it is of.
    """

    def __init__(self, inner: httpx.BaseTransport, seed: str, share: float) -> None:
        self.inner, self.seed, self.share = inner, seed, share
        self.asked: Counter[str] = Counter()
        self.outage: dict[str, tuple[int, Callable[[httpx.Request], httpx.Response]]] = {}
        self.met: Counter[str] = Counter()
        self.faults = (self.lost_before, self.lost_after, self.late_before, self.late_after, self.broken_before,
                       self.broken_after, self.rubbish, self.throttled, self.unreachable)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.path}"
        request.headers["x-run"] = self.seed
        self.asked[line] += 1
        rng = random.Random(f"{self.seed} {line} {self.asked[line]}")
        left, fault = self.outage.pop(line, (0, self.inner.handle_request))
        if not left:
            if rng.random() >= self.share:
                return self.inner.handle_request(request)
            fault = rng.choice(self.faults)
            left = OUTAGE if rng.random() < 0.25 else 1
        if left > 1:
            self.outage[line] = left - 1, fault
        self.met[fault.__name__] += 1
        return fault(request)

    def close(self) -> None:
        self.inner.close()

    def _answered(self, request: httpx.Request) -> httpx.Response:
        response = self.inner.handle_request(request)
        response.read()
        return response

    def lost_before(self, request: httpx.Request) -> httpx.Response:
        raise httpx.WriteError("reset", request=request)

    def lost_after(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        raise httpx.ReadError("reset", request=request)

    def late_before(self, request: httpx.Request) -> httpx.Response:
        raise httpx.WriteTimeout("slow", request=request)

    def late_after(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        raise httpx.ReadTimeout("slow", request=request)

    def broken_before(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, text="try later", request=request)

    def broken_after(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        return httpx.Response(500, json={"error": {"message": "sorry"}}, request=request)

    def rubbish(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        line = f"{request.method} {request.url.path}"
        body = random.Random(f"{self.seed} {line} {self.asked[line]} rubbish").choice(RUBBISH)
        return httpx.Response(200, content=body, request=request)

    def throttled(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, headers={"retry-after": "1"}, request=request)

    def unreachable(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)
