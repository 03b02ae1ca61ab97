"""A small Stripe on loopback with latency, an enforced rate and counters; it must never be what a run waits for.

    python -m bench.server population.json --port 9300 --latency 0.05 --rate 25

Each connection of the population lies under its own name: http://127.0.0.1:9300/stripe. `GET /_stats` shows what was
asked since the last `GET /_reset?latency=…&rate=…`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from reconciler.sandbox.store import Request
from reconciler.vendors.stripe import VENDOR
from reconciler.vendors.stripe.sandbox import StripeSandbox

PRODUCTS, PRICES = "/v1/products", "/v1/prices"
_LISTED = {"limit", "starting_after", "active", "expand"}
_REASONS = {200: "OK", 429: "Too Many Requests"}
_SLOW_DOWN = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}


class Shop(StripeSandbox):
    """The sandbox with the plain lists made quick: bodies are encoded once, pages are cut from one order."""

    def __init__(self, held: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        super().__init__(VENDOR.kinds)
        for path, bodies in held.items():
            self.objects[path] = {body["id"]: dict(body) for body in bodies}
        self._lists: dict[tuple[str, str, tuple[str, ...]], tuple[list[str], dict[str, int], list[bytes]]] = {}

    def answered(self, request: Request) -> tuple[int, bytes, dict[str, str]]:
        """One request: status, body, headers."""
        asked = [(name.partition("[")[0], value) for name, value in request.query]
        if request.method == "GET" and request.path in (PRODUCTS, PRICES) and {name for name, _ in asked} <= _LISTED:
            body = self._quick(request.path, asked)
            if body is not None:
                return 200, body, {}
        if request.method != "GET":
            self._lists.clear()
        answer = self.handle(request)
        return answer.status, json.dumps(answer.body).encode(), dict(answer.headers)

    def _quick(self, path: str, asked: list[tuple[str, str]]) -> bytes | None:
        given = dict(asked)
        expand = tuple(sorted(value.removeprefix("data.") for name, value in asked if name == "expand"))
        ids, places, encoded = self._listed(path, given.get("active", ""), expand)
        limit, after = int(given.get("limit", 10)), given.get("starting_after")
        if not 1 <= limit <= 100 or (after is not None and after not in places):
            return None  # the sandbox says what is wrong
        start = 0 if after is None else places[after] + 1
        more = b"true" if start + limit < len(ids) else b"false"
        page = b",".join(encoded[start:start + limit])
        return b'{"object":"list","url":"%s","has_more":%s,"data":[%s]}' % (path.encode(), more, page)

    def _listed(self, path: str, active: str, expand: tuple[str, ...]) -> tuple[list[str], dict[str, int], list[bytes]]:
        key = (path, active, expand)
        if key not in self._lists:
            bodies = list(self._pages(path, active, expand))
            ids = [body["id"] for body in bodies]
            encoded = [json.dumps(body).encode() for body in bodies]
            self._lists[key] = ids, {id: n for n, id in enumerate(ids)}, encoded
        return self._lists[key]

    def _pages(self, path: str, active: str, expand: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The whole list, as the sandbox itself pages it out."""
        after: tuple[tuple[str, str], ...] = ()
        more = True
        while more:
            query = (("limit", "100"), *((("active", active),) if active else ()), *after,
                     *(("expand[]", f"data.{name}") for name in expand))
            page = self.handle(Request("GET", path, query, {"authorization": "Bearer sk_test_bench"})).body
            yield from page["data"]
            more = page["has_more"]
            after = (("starting_after", page["data"][-1]["id"]),) if more else ()

    def warm(self) -> None:
        """Encode what a plan will ask for, before anybody measures."""
        self._listed(PRODUCTS, "", ())
        self._listed(PRICES, "true", ("currency_options", "tiers"))


class Server:
    """All shops of a population behind one port."""

    def __init__(self, population: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]], latency: float = 0.0,
                 rate: float | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.shops = {name: Shop(held) for name, held in population.items()}
        self.latency, self.rate, self.clock = latency, rate, clock
        self.reset()

    def reset(self) -> None:
        """Count from zero, with everything encoded."""
        for shop in self.shops.values():
            shop.warm()
            shop.requests.clear()
        self.counts: Counter[str] = Counter()
        self.recent: dict[str, deque[float]] = {name: deque() for name in self.shops}
        self.since, self.cpu = time.monotonic(), time.process_time()

    def stats(self) -> dict[str, Any]:
        """What was asked, and how busy this process was meanwhile."""
        wall = max(time.monotonic() - self.since, 1e-9)
        names = ("requests", "reads", "writes", "refused", "connections")
        return {**{name: self.counts[name] for name in names}, "seconds": wall,
                "core": (time.process_time() - self.cpu) / wall}

    async def serve(self, port: int = 0) -> asyncio.Server:
        """Listen on loopback."""
        return await asyncio.start_server(self._talk, "127.0.0.1", port)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        try:
            while line := await reader.readline():
                method, target, _ = line.decode().split(" ", 2)
                headers: dict[str, str] = {}
                while (text := (await reader.readline()).decode().rstrip()) != "":
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, content, more = await self._answer(method, target, headers, body)
                shown = "".join(f"{name}: {value}\r\n" for name, value in more.items())
                writer.write(f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\ncontent-type: application/json\r\n"
                             f"content-length: {len(content)}\r\n{shown}\r\n".encode() + content)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, target: str, headers: Mapping[str, str],
                      body: bytes) -> tuple[int, bytes, dict[str, str]]:
        name, slash, rest = target[1:].partition("/")
        if name.partition("?")[0] in ("_stats", "_reset"):
            return 200, json.dumps(self._about(target)).encode(), {}
        self.counts.update(requests=1, **{"reads" if method == "GET" else "writes": 1})
        refused = name not in self.shops or self._too_fast(name)
        self.counts["refused"] += refused
        await asyncio.sleep(self.latency)
        if name not in self.shops:
            return 404, b"{}", {}
        if refused:
            return 429, json.dumps(_SLOW_DOWN).encode(), {"retry-after": "1"}
        return self.shops[name].answered(Request.of(method, slash + rest, headers, body))

    def _too_fast(self, name: str) -> bool:
        """Whether this is more than `rate` requests within one second."""
        recent, now = self.recent[name], self.clock()
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if self.rate is not None and len(recent) >= self.rate:
            return True
        recent.append(now)
        return False

    def _about(self, target: str) -> dict[str, Any]:
        parts = urlsplit(target)
        if parts.path == "/_stats":
            return self.stats()
        asked = dict(parse_qsl(parts.query))
        self.latency = float(asked.get("latency", self.latency))
        self.rate = float(asked["rate"]) if "rate" in asked else None
        self.reset()
        return {"latency": self.latency, "rate": self.rate}


async def _main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("population", type=Path)
    asked.add_argument("--port", type=int, default=0)
    asked.add_argument("--latency", type=float, default=0.0, help="seconds added to every answer")
    asked.add_argument("--rate", type=float, help="requests a second for each connection; more are answered 429")
    given = asked.parse_args()
    server = Server(json.loads(given.population.read_text("utf-8")), given.latency, given.rate)
    listening = await server.serve(given.port)
    print(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", flush=True)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
