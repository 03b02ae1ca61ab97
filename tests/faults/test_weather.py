"""F04, F06, F08, F09 and F26 with the whole tool at every vendor: in bad weather nothing is doubled, lost, or guessed."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.faults.stacks import STACKS
from tests.faults.tally import Row, Trial
from tests.faults.town import Handler, Town, Towns
from tests.faults.weather import COMMON

VENDORS = tuple(STACKS)
ENDED = (0, 1, 4, 5, 6)
"""How a command may end in bad weather: done, an error, held back, stale, incomplete."""


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


def weathered(towns: Towns, one: Trial, share: float, *faults: str) -> Town:
    """A stack that is made, then changed, in such weather, a run or two each; then the weather is good, and all must hold."""
    vendor = VENDORS[one.seed % len(VENDORS)]
    stack = STACKS[vendor]
    town = towns.built(vendor)
    for n, manifest in enumerate(one.rng.choice([(stack.before,), (stack.before, stack.after), (stack.before, stack.after)])):
        town.manifest(manifest)
        for again in range(one.rng.choice([1, 1, 2])):
            town.weather(f"{one.seed} {n} {again}", share, *faults)
            done = town.apply()
            assert done.code in ENDED, f"{one}: {vendor}: {done}"
            lost = [*town.lost()]
            assert not lost, f"{one}: {vendor}: {lost} {done.said}"
    found = town.settled(manifest)
    assert not found, f"{one}: {vendor}: {found}"
    return town


@pytest.mark.parametrize("when", ["lost_before", "lost_after"])
def test_f04_a_reset_leaves_exactly_one_object(row: Row, towns: Towns, when: str) -> None:
    """The connection is cut before the vendor did it, or after: it is found out by looking, and made once."""
    for one in row.trials(15, 3_000):
        weathered(towns, one, 0.3, when)


def test_f06_a_stall_is_told_and_settled(row: Row, towns: Towns) -> None:
    """Time-outs before and after the deed, and answers that drip: bounded, unknown where it is, and settled by reading."""
    for one in row.trials(10, 2_000):
        weathered(towns, one, 0.25, "stalled_before", "stalled_after", "dripping", "late_after")


def test_f08_server_errors_are_looked_into(row: Row, towns: Towns) -> None:
    """Bursts of 5xx, and one that is stored under its key: looked up, never repeated for ever."""
    for one in row.trials(10, 2_000):
        weathered(towns, one, 0.3, "broken_before", "broken_after", "stored")


def test_f09_a_body_that_is_none_is_no_answer(row: Row, towns: Towns) -> None:
    """Cut, mutated, HTML, rubbish, packed bombs: neither absence nor success is read from any of them."""
    for one in row.trials(30, 10_000):
        weathered(towns, one, 0.2, *one.rng.choice([("cut",), ("page",), ("rubbish",), ("cut", "page", "rubbish", "bomb")]))


def test_f09_whatever_an_answer_says_the_command_ends_in_order(row: Row, towns: Towns) -> None:
    """Answers with bytes changed may mean anything: a value or a failure comes of it, never a traceback or an endless run."""
    for one in row.trials(10, 2_000):
        vendor = VENDORS[one.seed % len(VENDORS)]
        town = towns.built(vendor, one.rng.choice(["", STACKS[vendor].before]))
        town.manifest(STACKS[vendor].after)
        for n in range(2):
            town.weather(f"{one.seed} {n}", 0.3, "mutated")
            done = town.apply()
            assert done.code in ENDED, f"{one}: {vendor}: {done}"
        assert not town.told(), one


@pytest.mark.parametrize("chunk", range(4))
def test_f26_three_faults_at_once(row: Row, towns: Towns, chunk: int) -> None:
    """Any three sorts of weather mixed: all that must hold holds."""
    every = (*COMMON, "stalled_after", "dripping", "cut", "page", "stored")
    for one in row.trials(20, 20_000, chunk, 4):
        weathered(towns, one, 0.25, *one.rng.sample(every, 3))


@pytest.mark.parametrize(("path", "address"), [
    ("/v1/sys/auth", "vault.auth_method/approle"), ("/v1/sys/mounts", "vault.mount/kv"),
    ("/v1/sys/policies/acl/api", "vault.policy/api")])
def test_f26_an_empty_answer_is_no_absence(towns: Towns, path: str, address: str) -> None:
    """Seed 1341: a create's answer is lost, then the read that looks for it shows an empty map; it is not taken for proof."""
    town = towns.built("vault")

    def lost(request: httpx.Request, handler: Handler) -> httpx.Response:
        answer = handler(request)
        if request.method == "POST" and request.url.path.startswith(path):
            raise httpx.ReadError("reset", request=request)
        return answer

    def empty(request: httpx.Request, handler: Handler) -> httpx.Response:
        rubbish = request.method == "GET" and request.url.path == path
        return httpx.Response(200, json={}) if rubbish else handler(request)

    town.faulty(lost)
    assert town.apply().code == 6
    assert address in {intent.address for intent in town.ledger().intents.values()}
    town.faulty(empty)
    assert town.run("plan").code == 1
    assert not [*town.lost()]
    assert not town.settled(STACKS["vault"].before)
