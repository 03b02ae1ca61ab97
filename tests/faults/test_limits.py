"""F07 at every vendor: storms of 429, absurd waits, spent quotas, and a bucket of tokens that must not run over."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.faults.stacks import STACKS
from tests.faults.tally import Row
from tests.faults.town import CREDENTIALS, Handler, Town, Towns

VENDORS = tuple(STACKS)


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


def too_many(after: str | None) -> httpx.Response:
    """429 in no vendor's own words: the status and the header have to do."""
    headers = {} if after is None else {"retry-after": after}
    return httpx.Response(429, json={"error": {"message": "slow down"}}, headers=headers)


class Storm:
    """Some requests are told to come again, after this or that; `said` are the waits that were asked for."""

    def __init__(self, rng: random.Random, waits: tuple[str | None, ...], share: float) -> None:
        self.rng, self.waits, self.share = rng, waits, share
        self.said: list[str | None] = []

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        if self.rng.random() >= self.share:
            return handler(request)
        self.said.append(self.rng.choice(self.waits))
        return too_many(self.said[-1])


def test_f07_a_storm_is_waited_out_or_ends_the_run(row: Row, towns: Towns) -> None:
    """Waits of all sorts, rubbish among them: what is done is done once, and the next runs do the rest."""
    for one in row.trials(10, 400):
        vendor = VENDORS[one.seed % len(VENDORS)]
        town = towns.built(vendor)
        town.faulty(Storm(one.rng, ("0", "1", "7", "59", "nan", "", "x", None, "-3"), one.rng.choice([0.1, 0.4, 0.9])))
        for _ in range(2):
            done = town.apply()
            assert done.code in (0, 1, 6), f"{one}: {vendor}: {done}"
            assert not [*town.lost()], one
        found = town.settled(STACKS[vendor].before)
        assert not found, f"{one}: {vendor}: {found}"


class Quota:
    """After so many requests there is none for a day."""

    def __init__(self, most: int, after: str) -> None:
        self.most, self.after = most, after
        self.asked = 0

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        self.asked += 1
        return handler(request) if self.asked <= self.most else too_many(self.after)


def test_f07_a_spent_quota_stops_at_once(row: Row, towns: Towns) -> None:
    """A wait of a day, or of longer than anybody lives: no request more than those under way, exit 6, and when to come back."""
    for one in row.trials(10, 400):
        vendor = VENDORS[one.seed % len(VENDORS)]
        town = towns.built(vendor)
        quota = Quota(one.rng.randrange(20), one.rng.choice(["86400", "3600.5", "1e300"]))
        town.roads[vendor].fault = quota
        began = town.clock.now()
        done = town.apply("--parallelism", "1")
        if quota.asked > quota.most:
            assert done.code == 6, f"{one}: {vendor}: {done}"
            assert "come again in" in done.said, f"{one}: {done}"
            assert quota.asked - quota.most <= UNDER_WAY, f"{one}: {vendor}: {quota.asked - quota.most} more were sent"
        assert town.clock.now() - began < 600, one
        found = town.settled(STACKS[vendor].before)
        assert not found, f"{one}: {vendor}: {found}"


UNDER_WAY = 10
"""Requests that may be under way at once at one vendor: its connections."""


class Bucket:
    """A vendor that counts: so many requests a second, and 429 to the others; `sent` are all, by second."""

    def __init__(self, town: Town, rate: int) -> None:
        self.clock, self.rate = town.clock, rate
        self.sent: Counter[int] = Counter()

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        second = int(self.clock.now())
        self.sent[second] += 1
        return handler(request) if self.sent[second] <= self.rate else too_many("1")


def test_f07_never_much_more_is_sent_than_allowed(row: Row, towns: Towns) -> None:
    """With the limit known, a vendor sees at most 1.2 times as many requests as it allows, whatever it refuses of them."""
    for one in row.trials(5, 200):
        vendor, rate = VENDORS[one.seed % len(VENDORS)], one.rng.choice([2, 5, 20])
        town = towns.built(vendor)
        town.configure(**{vendor: CREDENTIALS[vendor][:-1] + f", requests_per_second: {rate}}}"})
        bucket = town.roads[vendor].fault = Bucket(town, rate)
        began = town.clock.now()
        for manifest in (STACKS[vendor].before, STACKS[vendor].after):
            town.manifest(manifest)
            done = town.apply()
            assert done.code in (0, 6), f"{one}: {done}"
        assert sum(bucket.sent.values()) <= 1.2 * rate * (town.clock.now() - began) + rate, f"{one}: {bucket.sent}"
        found = town.settled(STACKS[vendor].after)
        assert not found, f"{one}: {vendor}: {found}"
