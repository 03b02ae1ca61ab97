"""A bad network between a client and its vendor: one request in seven is lost, cut, doubtful or answered with rubbish."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable, Iterator

import httpx

from reconciler.clock import TestClock

RUBBISH: tuple[bytes, ...] = (
    b"", b"null", b"{}", b"0", b'"ok"', b'{"id":', b"\xff\xfe\x00", b"<html><body>502 Bad Gateway</body></html>",
    b'{"data": null}', b'{"data": [1, 2]}', b'{"id": null}', b'{"object": "list", "data": [{}], "has_more": false}',
    b'{"object": "list", "data": [], "has_more": true}', b"[" * 100_000, b'{"a":' * 5_000, b'[{"id": 1}, null]', b"NaN",
)
"""Bodies that no promise covers, each with status 200; an empty list is one that a vendor may mean."""

BOMB = gzip.compress(b"[" + b"[]," * 2**23 + b"0]", 9)
"""A small body that unpacks to one that nobody should hold, and that nobody should parse."""

OUTAGE = 6
"""Requests that a longer outage takes with it: more than the tries of one."""

COMMON = ("lost_before", "lost_after", "late_before", "late_after", "broken_before", "broken_after", "rubbish", "throttled",
          "unreachable")
"""What happens where a trial does not choose."""


class Weather(httpx.BaseTransport):
    """A transport in front of another one.

    What happens to the nth request of a method and path depends on the seed, the method, the path and n alone, so
    that a trial can be replayed however its threads run. `share` of the requests meet one of `faults`. Each request
    says which run it is of. What takes time takes it on `clock`.
    """

    def __init__(self, inner: httpx.BaseTransport, seed: str, share: float, faults: tuple[str, ...] = COMMON,
                 clock: TestClock | None = None) -> None:
        self.inner, self.seed, self.share, self.clock = inner, seed, share, clock or TestClock()
        self.asked: Counter[str] = Counter()
        self.outage: dict[str, tuple[int, Callable[[httpx.Request], httpx.Response]]] = {}
        self.met: Counter[str] = Counter()
        self.kept: dict[str, httpx.Response] = {}
        self.faults: tuple[Callable[[httpx.Request], httpx.Response], ...] = tuple(getattr(self, name) for name in faults)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        line = f"{request.method} {request.url.path}"
        request.headers["x-run"] = self.seed
        self.asked[line] += 1
        kept = self.kept.get(request.headers.get("idempotency-key", ""))
        if kept is not None:
            return httpx.Response(kept.status_code, content=kept.content, request=request)
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

    # slowness

    def stalled_before(self, request: httpx.Request) -> httpx.Response:
        self.clock.sleep(30)
        return self.late_before(request)

    def stalled_after(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        self.clock.sleep(30)
        raise httpx.ReadTimeout("slow", request=request)

    def dripping(self, request: httpx.Request) -> httpx.Response:
        """The whole answer, a piece now and then: no single wait is over any limit."""
        content, rng = self._answered(request).content, self._dice(request)
        pause = rng.choice([1, 20, 29])

        def drops() -> Iterator[bytes]:
            for n in range(0, len(content) + 1, 97):
                self.clock.sleep(pause)
                yield content[n:n + 97]

        return httpx.Response(200, content=drops(), request=request)

    # bodies

    def mutated(self, request: httpx.Request) -> httpx.Response:
        answered = self._answered(request)
        body = turned(self._dice(request), answered.content)
        return httpx.Response(answered.status_code, content=body, request=request)

    def cut(self, request: httpx.Request) -> httpx.Response:
        answered = self._answered(request)
        body = answered.content[:self._dice(request).randrange(max(len(answered.content), 1))]
        return httpx.Response(answered.status_code, content=body, request=request)

    def page(self, request: httpx.Request) -> httpx.Response:
        """What a proxy says in the vendor's place."""
        self._answered(request)
        status = self._dice(request).choice([200, 200, 403, 404, 502])
        return httpx.Response(status, html="<html><body>Sign in to the hotel's network</body></html>", request=request)

    def bomb(self, request: httpx.Request) -> httpx.Response:
        self._answered(request)
        return httpx.Response(200, content=BOMB, headers={"content-encoding": "gzip"}, request=request)

    # keys and quotas

    def stored(self, request: httpx.Request) -> httpx.Response:
        """A server error that is kept under the request's key: the same key gets the same answer for ever."""
        key = request.headers.get("idempotency-key", "")
        if self._dice(request).random() < 0.5:
            self._answered(request)
        if key:
            self.kept[key] = httpx.Response(500, json={"error": {"message": "sorry", "type": "api_error"}})
        return httpx.Response(500, json={"error": {"message": "sorry", "type": "api_error"}}, request=request)

    def _dice(self, request: httpx.Request) -> random.Random:
        line = f"{request.method} {request.url.path}"
        return random.Random(f"{self.seed} {line} {self.asked[line]} dice")


def turned(rng: random.Random, body: bytes) -> bytes:
    """A body with some of its bytes cut, doubled, turned or made up."""
    found = bytearray(body)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(found) + 1)
        match rng.randrange(4):
            case 0:
                del found[at:]
            case 1:
                found[at:at] = found[: rng.randrange(40)]
            case 2:
                found[at:at + 1] = bytes([rng.randrange(256)])
            case _:
                found[at:at + rng.randrange(9)] = rng.choice([b"null", b"[]", b"{}", b'""', b"1e999", b"-1", b"true"])
    return bytes(found)
