"""F10, F11 and F24 at every vendor: lists that change, loop, shrink, lag, or are suddenly short never decide anything."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.clock import TestClock
from tests.faults.stacks import STACKS
from tests.faults.tally import Row
from tests.faults.town import Handler, Town, Towns

VENDORS = tuple(STACKS)
PAGED = tuple(name for name in VENDORS if name != "vault")
"""Vault's lists have no pages."""

ENDS = ("has_more", "next", "count")
"""What tells in a page whether another one follows."""

HARMLESS = ("noop", "blocked", "update", "adopt")


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


def small(request: httpx.Request, handler: Handler) -> httpx.Response:
    """The same request for two objects a page, where it asks for a hundred, so that small stacks have pages."""
    params = dict(request.url.params.multi_items())
    if params.get("limit") == "100":
        params["limit"] = "2"
    elif request.method == "GET" and request.url.host == "sentry.test":
        params["per_page"] = "2"
    else:
        return handler(request)
    url = request.url.copy_with(params=params)
    return handler(httpx.Request(request.method, url, headers=request.headers))


def items_of(body: Any) -> list[Any] | None:
    """The list in an answer, whatever it stands under; None where it is no list."""
    if isinstance(body, dict):
        body = next((body[name] for name in ("data", "results", "keys") if isinstance(body.get(name), list)), None)
    return body if isinstance(body, list) else None


def with_items(body: Any, items: list[Any]) -> Any:
    """The answer with another list in it."""
    if isinstance(body, list):
        return items
    found = dict(body)
    for name in ("data", "results", "keys"):
        if isinstance(found.get(name), list):
            found[name] = items
        elif isinstance(found.get(name), dict) and "keys" in found[name]:
            found[name] = {**found[name], "keys": items}
    return found


class Pages:
    """Pages that something is wrong with: which, is drawn for each list of a trial."""

    def __init__(self, rng: random.Random) -> None:
        self.word = rng.choice(["again", "first", "loop", "empty", "half", "gone", "more", "none"])
        self.chance, self.rng = rng.choice([0.3, 1.0]), rng
        self.seen: dict[str, httpx.Response] = {}
        self.asked: Counter[str] = Counter()

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        answer = small(request, handler)
        items = items_of(answer.json()) if request.method == "GET" and answer.status_code == 200 else None
        if items is None or self.rng.random() > self.chance:
            return answer
        path = request.url.path
        self.asked[path] += 1
        before, self.seen[path] = self.seen.get(path), answer
        return self._turned(answer, items, before, self.asked[path])

    def _turned(self, answer: httpx.Response, items: list[Any], before: httpx.Response | None, nth: int) -> httpx.Response:
        body, headers = answer.json(), dict(answer.headers)
        headers.pop("content-length", None)
        match self.word:
            case "again" if before is not None:
                return before
            case "first" | "loop":
                return self.seen.setdefault("first", answer) if nth > 1 and self.word == "loop" else answer
            case "empty" if nth > 1:
                body = with_items(body, [])
            case "half" if nth > 1:
                body = with_items(body, items[:len(items) // 2])
            case "gone":
                return httpx.Response(200, content=answer.content[:len(answer.content) // 2], headers=headers)
            case "more":
                body = {**body, "has_more": True} if isinstance(body, dict) else body
            case "none":
                body = {k: v for k, v in body.items() if k not in ENDS} if isinstance(body, dict) else body
                headers.pop("link", None)
            case _:
                return answer
        return httpx.Response(200, content=json.dumps(body).encode(), headers=headers)


def destroys(done: Any) -> list[str]:
    """What a plan as JSON would destroy or make; a list that is wrong gives no reason for either."""
    return [f"{a['op']} {a['address']}" for a in done.json()["actions"] if a["op"] not in HARMLESS]


def test_f10_pages_that_are_wrong_decide_nothing(row: Row, towns: Towns) -> None:
    """Repeated, looping, shrinking, cut and endless pages: an error or the same world, never a smaller one."""
    for one in row.trials(30, 5_000):
        vendor = PAGED[one.seed % len(PAGED)]
        stack = STACKS[vendor]
        manifest = stack.before + stack.crowd(7) if stack.many[0] not in stack.before else stack.crowd(9)
        town = towns.built(vendor, manifest)
        town.faulty(Pages(one.rng))
        written = town.writes()
        done = town.run("plan", "--format", "json")
        assert done.code in (0, 1, 4), f"{one}: {done}"
        assert not done.out or not destroys(done), f"{one}: {vendor}: {done.out}"
        if one.rng.random() < 0.3:
            town.apply()
        assert town.writes() == written, f"{one}: {vendor}: an unchanged stack was written to"
        town.faulty(None)
        assert town.run("plan", "--detailed-exitcode").code == 0, one


class Late:
    """New objects are missing from their lists for so many seconds; where there are reads by id these show them at once."""

    def __init__(self, clock: TestClock, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds
        self.born: dict[str, float] = {}

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        answer = handler(request)
        if request.method in ("POST", "PUT") and answer.is_success:
            self._note(answer.json() if answer.content else None)
        items = items_of(answer.json()) if request.method in ("GET", "LIST") and answer.status_code == 200 else None
        if not items:
            return answer
        shown = [item for item in items if not self._hidden(item)]
        if len(shown) == len(items):
            return answer
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return httpx.Response(200, content=json.dumps(with_items(answer.json(), shown)).encode(), headers=headers)

    def _note(self, body: Any) -> None:
        if isinstance(body, dict) and isinstance(body.get("id"), (str, int)):
            self.born.setdefault(str(body["id"]), self.clock.now())

    def _hidden(self, item: Any) -> bool:
        id = str(item.get("id")) if isinstance(item, dict) else ""
        return id in self.born and self.clock.now() - self.born[id] < self.seconds


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
def test_f11_what_is_listed_late_is_made_once(row: Row, towns: Towns, *, lost: bool) -> None:
    """An object that its list does not show yet is read by its id; one whose answer was lost is waited for as long as
    its vendor needs to settle, and made once more only under the same key or after that."""
    for one in row.trials(15, 1_500):
        vendors = ("resend", "sentry") if lost else VENDORS
        vendor = vendors[one.seed % len(vendors)]
        town = towns.built(vendor)
        late = Late(town.clock, one.rng.uniform(0, 4.9 if vendor == "resend" else 1.9))
        if lost:
            town.weather(f"{one.seed}", 0.3, "lost_after", "late_after")
        for road in town.roads.values():
            road.fault = late
        for _ in range(2):
            done = town.apply()
            assert done.code in (0, 1, 4, 6), f"{one}: {vendor}: {done}"
            missing = [*town.lost()]
            assert not missing, f"{one}: {vendor}: {missing}"
        found = town.settled(STACKS[vendor].before)
        assert not found, f"{one}: {vendor}: {found}"


def test_f11_what_only_a_list_shows_is_waited_for_before_it_counts_as_gone(row: Row, towns: Towns) -> None:
    """A plan right after an apply is empty, though the new key is in no list for four seconds and can't be read by its id."""
    for _ in row.each(["resend"]):
        town = towns.built("resend")
        town.roads["resend"].fault = Late(town.clock, 4)
        assert town.apply().code == 0
        planned = town.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned


def shrunk(town: Town, share: float, rng: random.Random) -> Callable[[httpx.Request, Handler], httpx.Response]:
    """A vendor that shows only so much of what is there: the rest is in no list, and 404 to whoever asks for it."""
    ours = sorted({entry.id for entry in town.ledger().entries.values()})
    gone = set(rng.sample(ours, round(len(ours) * (1 - share))))

    def fault(request: httpx.Request, handler: Handler) -> httpx.Response:
        name = request.url.path.rstrip("/").rpartition("/")[2]
        answer = handler(request)
        if request.method in ("GET", "LIST") and name in gone:
            return httpx.Response(404, json={"errors": [], "detail": "not found", "error": {"message": "not found"}})
        items = items_of(answer.json().get("data") if isinstance(answer.json(), dict) and isinstance(
            answer.json().get("data"), dict) else answer.json()) if answer.content and answer.status_code == 200 else None
        if items is None:
            return answer
        shown = [item for item in items if not gone & set(names(item))]
        headers = {key: value for key, value in answer.headers.items() if key != "content-length"}
        body = with_items(answer.json(), shown)
        if isinstance(body, dict) and "count" in body:
            body = {**body, "count": len(shown)}
        return httpx.Response(200, content=json.dumps(body).encode(), headers=headers)

    return fault


def names(item: Any) -> Iterator[str]:
    """What an object in a list may be called by."""
    if isinstance(item, dict):
        yield from (str(item[key]) for key in ("id", "slug", "name", "key") if key in item)
    else:
        yield str(item)


@pytest.mark.parametrize("share", [0.0, 0.69])
@pytest.mark.parametrize("vendor", VENDORS)
def test_f24_a_vendor_that_shows_far_less_stops_the_run(row: Row, towns: Towns, vendor: str, share: float) -> None:
    """A live read that is empty, or nearly a third smaller: exit 4, no write, and the next true read changes nothing."""
    for one in row.trials(1, 40):
        manifest = STACKS[vendor].crowd(36)
        town = towns.built(vendor, manifest)
        written = town.writes()
        town.faulty(shrunk(town, share, one.rng))
        for words in (["plan"], ["apply", "--auto-approve", "--allow", "delete,drift,access,money,adopt"]):
            done = town.run(*words)
            assert done.code == 4, f"{one}: {done}"
            assert "are not there: wrong account or a broken read?" in done.said
        assert town.writes() == written, one
        town.faulty(None)
        assert town.run("plan", "--detailed-exitcode").code == 0, one
