"""How fast one connection asks: budgets of requests in sliding windows, on a clock that tests turn."""

from __future__ import annotations

import pytest

from reconciler.clock import TestClock
from reconciler.contract.pacing import Pacing, Room
from reconciler.errors import Exhausted


def test_a_budget_is_never_overdrawn() -> None:
    """In no window of its length are there more requests than it has, and each wait is told."""
    clock, told, asked = TestClock(), [], []
    pacing = Pacing(None, clock, ((3, 10.0),), tell=told.append, name="posthog")
    for _ in range(10):
        pacing.take()
        asked.append(clock.monotonic())
        clock.time += 0.5
    assert all(sum(start <= one < start + 10.0 for one in asked) <= 3 for start in asked)
    assert told[0] == "posthog: waiting 8 s: 3 requests in 10 s are used up" and len(told) == 3


def test_a_wait_that_is_too_long_stops_the_run() -> None:
    """The longer of two budgets decides, nothing is taken from it, and later there is room again."""
    clock = TestClock()
    pacing = Pacing(None, clock, ((2, 1.0), (4, 3600.0)), most=60.0, name="posthog")
    for _ in range(4):
        pacing.take()
    for _ in range(3):
        with pytest.raises(Exhausted, match=r"posthog: 4 requests in 3600 s are used up: more in 35\d\d s") as caught:
            pacing.take()
    assert caught.value.wait > 3500
    clock.time += 3600.0
    pacing.take()


def test_without_a_budget_nobody_waits() -> None:
    """No limit of ours is no limit."""
    clock = TestClock()
    pacing = Pacing(None, clock)
    for _ in range(1000):
        pacing.take()
    assert clock.slept == []


def test_it_knows_how_much_room_is_left() -> None:
    """The free share of the tightest limit, and the wait until the next request; nothing where there is no limit."""
    clock = TestClock()
    assert Pacing(None, clock).room() is None
    rated = Pacing(10.0, clock)
    assert rated.room() == Room(1.0, 0.0)
    for _ in range(4):
        rated.take()
    room = rated.room()
    assert room is not None
    assert room.free == pytest.approx(0.6)
    clock.sleep(2)
    assert rated.room() == Room(1.0, 0.0)
    rated.hold(12)
    assert rated.room() == Room(1.0, 12.0)
    counted = Pacing(None, clock, ((4, 60.0),), name="posthog")
    counted.take()
    assert counted.room() == Room(0.75, 0.0)
