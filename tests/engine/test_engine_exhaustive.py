"""F11, F15, F20, F21: every operation fails once, every commit fails once, every answer turns away, new objects show late."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from reconciler.errors import Denied, Failure, Missing, Refused
from reconciler.ledger import Record
from reconciler.model import Result
from tests.cloud import Cloud, kinds
from tests.engine.random_stacks import SEED, Watched, acting, manifest
from tests.world import MemoryStore, Shop

TRIALS = int(os.environ.get("TRIALS", "20"))
STACK: dict[str, Any] = {
    "project": {"web": {"title": "Web", "metadata": {"team": "x"}}, "app": {"title": "App"}},
    "offer": {"pro": {"title": "Pro", "default_rate": {"ref": "month"}}},
    "rate": {"month": {"offer": {"ref": "pro"}, "amount": 2900}, "year": {"offer": {"ref": "pro"}, "amount": 29000}},
    "page": {"home": {"html": "<p>", "published": True, "tags": ["a", "b"]}},
    "room": {"r": {"size": 1}}, "seat": {"s": {"room": {"ref": "r"}}},
    "note": {"n": {"project": {"ref": "web"}}, "m": {}},
}
NEXT: dict[str, Any] = {
    **STACK, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 3500}}, "room": {"r": {"size": 2}},
    "project": {"web": {"title": "Web 2", "metadata": {"team": "y"}}, "app": {"title": "App"}}, "note": {"n": {"text": "b"}},
}


def counted(shop: Shop) -> dict[str, int]:
    """Objects in use by collection."""
    return {place: sum(one.get("active") is not False for one in held.values()) for place, held in shop.cloud.objects.items()}


def reference(*manifests: Mapping[str, Any]) -> tuple[dict[str, int], list[str]]:
    """What a run without faults leaves, and the writes of its last manifest."""
    shop = Shop()
    for want in manifests:
        shop.sent()
        shop.apply(want)
    return counted(shop), shop.sent()


@pytest.mark.parametrize("fault", ["refuse", "reset before", "reset after"])
@pytest.mark.parametrize("history", [(STACK,), (STACK, NEXT)], ids=["first", "second"])
def test_the_nth_operation_fails_and_the_next_run_does_only_the_rest(fault: str, history: tuple[Any, ...]) -> None:
    """For every n: what was done is not done again, and both runs together send each call once, but for the failed one."""
    wanted, calls = reference(*history)
    for n in range(len(calls)):
        shop = Shop()
        for want in history[:-1]:
            shop.apply(want)
        shop.sent()
        shop.cloud.faults = {n: fault}
        report = shop.apply(history[-1])
        assert any(o.result in (Result.FAILED, Result.UNKNOWN) for o in report.outcomes), n
        first = shop.sent()
        shop.apply(history[-1])
        second = shop.sent()
        repeats = 0 if fault == "reset after" else 1
        assert len(first) + len(second) <= len(calls) + repeats + (fault == "reset after"), (n, first, second)
        assert counted(shop) == wanted, (n, first, second)
        again = shop.plan(history[-1])
        assert again.empty, (n, acting(again))


class FullStore(MemoryStore):
    """A ledger whose disk is full from its nth commit on."""

    room = 10 ** 9

    def commit(self, records: Sequence[Record], expect: tuple[int, int]) -> tuple[int, int]:
        self.room -= 1
        if self.room < 0:
            raise Failure("the ledger can't be written: disk full")
        return super().commit(records, expect)


@pytest.mark.parametrize("history", [(STACK,), (STACK, NEXT)], ids=["first", "second"])
def test_the_first_commit_that_fails_is_the_last_thing_that_happens(history: tuple[Any, ...]) -> None:
    """For every n: nothing is sent after the nth commit failed, and with room again nothing is doubled or lost."""
    wanted, _ = reference(*history)
    for n in range(1000):
        shop = Shop()
        for want in history[:-1]:
            shop.apply(want)
        shop.store = _full(shop.store, n)
        made = shop.plan(history[-1])
        try:
            shop.run(made)
        except Failure:
            announced = sum(record["t"] == "intent" for record in shop.store.records)
            assert len(shop.cloud.sent) <= announced, n
        else:
            assert n > 5
            return
        shop.store.room = 10 ** 9  # type: ignore[attr-defined]
        for _ in range(2):
            shop.apply(history[-1])
        assert counted(shop) == wanted, n
        again = shop.plan(history[-1])
        assert again.empty, (n, acting(again))


def _full(store: MemoryStore, room: int) -> FullStore:
    full = FullStore()
    full.records, full.room = store.records, room
    return full


class Turning(Cloud):
    """A vendor that from its nth request on answers everything with one refusal."""

    left = 10 ** 9
    error: type[Refused] = Denied

    def _gate(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise self.error("no", status=403)

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self._gate()
        yield from super().pages(path, params)

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        self._gate()
        return super().find(path, params)

    def send(self, call: Any, key: str | None = None, check: Any = None) -> Any:
        self._gate()
        return super().send(call, key)


@pytest.mark.parametrize("error", [Denied, Refused, Missing])
def test_a_vendor_that_turns_away_in_the_middle_shows_no_absence(error: type[Refused]) -> None:
    """401, 403 or 404 to everything from the nth request on: no entry is given up, and afterwards nothing is made twice."""
    grown = {**STACK, "project": {**STACK["project"], "new": {"title": "New"}}}
    wanted, _ = reference(STACK, grown)
    for n in range(60):
        shop = Shop()
        shop.cloud = cloud = Turning()
        shop.kinds = kinds(cloud)
        shop.apply(STACK)
        before = set(shop.store.read().entries)
        cloud.error, cloud.left = error, n
        shop.apply(grown)
        assert before <= set(shop.store.read().entries), n
        done, cloud.left = cloud.left >= 0, 10 ** 9
        for _ in range(2):
            shop.apply(grown)
        assert counted(shop) == wanted, n
        assert shop.plan(grown).empty, n
        if done:
            return
    raise AssertionError("it never came to its end")


class Late(Cloud):
    """A vendor without keys whose lists show a new object only after a while; what is asked for by id is there at once."""

    def __init__(self, clock: Any, lag: float) -> None:
        super().__init__()
        self.clock, self.lag = clock, lag
        self.born: dict[tuple[str, str], float] = {}

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        for one in super().pages(path, params):
            if self.clock.now() - self.born.get((path, one["id"]), 0.0) >= self.lag:
                yield one

    def send(self, call: Any, key: str | None = None, check: Any = None) -> Any:
        return super().send(call)

    def _do(self, method: str, path: str, body: Any) -> Any:
        answer = super()._do(method, path, body)
        if isinstance(answer, dict) and "id" in answer:
            self.born.setdefault((path, answer["id"]), self.clock.now())
        return answer


def test_objects_that_show_late_are_not_made_twice() -> None:
    """Recovery waits for a kind's settle window before it takes a list's word for absence."""
    for n in range(TRIALS):
        rng = random.Random(f"{SEED} late {n}")
        shop = Watched(f"SEED={SEED} late {n}")
        strangers, watch = shop.cloud.objects, shop.cloud.watch
        shop.cloud = Late(shop.clock, lag=30.0)
        shop.cloud.objects, shop.cloud.watch = strangers, watch
        shop.kinds = kinds(shop.cloud)
        for kind in shop.kinds.values():
            kind.settle = 30.0  # type: ignore[misc]
        for _ in range(2):
            want = manifest(rng)
            shop.cloud.sent = []
            shop.cloud.faults = {k: rng.choice(["reset before", "reset after"]) for k in range(30) if rng.random() < 0.2}
            shop.apply(want)
            shop.cloud.faults = {}
            shop.settled(want, runs=2)
