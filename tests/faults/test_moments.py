"""F12, F18, F20 and F21 at every vendor: the world moves between plan and apply, or in the middle of one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import httpx
import pytest

from tests.faults.stacks import STACKS
from tests.faults.tally import Row
from tests.faults.town import Fault, Handler, Town, Towns, addresses

VENDORS = tuple(STACKS)
SAYS = {"error": {"message": "no, thank you", "type": "invalid_request_error"}, "errors": ["no, thank you"],
        "detail": "no, thank you", "name": "validation_error", "message": "no, thank you", "statusCode": 400}
"""A refusal that every vendor's client reads as one."""


@pytest.fixture
def towns(quick: Path) -> Towns:
    return Towns(quick / "town")


def is_write(request: httpx.Request) -> bool:
    """Whether a request changes something."""
    return request.method in ("POST", "PUT", "PATCH", "DELETE")


def last(path: str) -> str:
    """The last part of a path or an id."""
    return path.rstrip("/").rpartition("/")[2]


# F12


def manifest_entry(town: Town) -> None:
    """Another value where the plan had its own."""
    town.manifest(town.stack.after.replace(*AGAIN[town.stack.vendor]))


def ledger_entry(town: Town) -> None:
    """The ledger no longer knows the object."""
    assert town.run("ledger", "forget", town.stack.entry).code == 0


def gone_from_manifests(town: Town) -> None:
    """The entry's whole kind has left."""
    kind = town.stack.entry.partition("/")[0]
    blocks = town.stack.after.split("\n" + kind)
    rest = blocks[1].split("\n")
    after = next((n for n, line in enumerate(rest[1:], 1) if line and line[0] != " "), len(rest))
    town.manifest(blocks[0] + "\n" + "\n".join(rest[after:]))


def format_version(town: Town) -> None:
    """A file of a later tool."""
    rewritten(town, '"format_version": "1.0"', '"format_version": "9.0"')


def another_stack(town: Town) -> None:
    """The file is of a stack of another name."""
    town.configure("stacks: {other: {}}\n")


def another_project(town: Town) -> None:
    """The project is called otherwise."""
    path = town.dir / "reconciler.yaml"
    path.write_text(path.read_text().replace("project: shop", "project: other"))


def rewritten(town: Town, old: str, new: str) -> None:
    path = town.dir / "plan.json"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def a_digest(town: Town) -> None:
    """One digit of an action's digest."""
    plan = json.loads((town.dir / "plan.json").read_text())
    digest = plan["actions"][0]["digest"]
    rewritten(town, digest, digest[:-1] + ("0" if digest[-1] != "0" else "1"))


AGAIN = {"stripe": ("Pro 2", "Pro 3"), "vault": ('"list"', '"update"'), "posthog": ("Beta 2", "Beta 3"),
         "resend": ("Each month", "Each week"), "sentry": ("Backend 2", "Backend 3")}
OTHERWISE = {another_stack: 64, gone_from_manifests: 3, another_project: 1}
"""Where something is found before the plan is: no such stack, a reference to nothing, a ledger of another project."""

MOVES: tuple[Callable[[Town], None], ...] = (manifest_entry, ledger_entry, Town.edit, gone_from_manifests, format_version,
                                             another_stack, another_project, a_digest)


def test_f12_a_stale_plan_is_refused_before_the_first_write(row: Row, towns: Towns) -> None:
    """Manifest, ledger or live object of a planned action, format, stack, project, digest: exit 5 at every vendor."""
    for vendor, move in row.each([*product(VENDORS, MOVES)]):
        town = towns.built(vendor, STACKS[vendor].before)
        town.manifest(STACKS[vendor].after)
        planned = town.run("plan", "--out", "plan.json", "--allow", ",".join(w for w in town.consent() if ":" in w))
        assert planned.code == 0, planned
        move(town)
        written = town.writes()
        done = town.run("apply", "plan.json")
        assert done.code in (5, OTHERWISE.get(move)), (vendor, move, done)
        assert town.writes() == written, (vendor, move.__name__)
        assert not town.told()


PINS = {
    "stripe": ("{api_key: {env: STRIPE_API_KEY}, mode: live, base_url: http://stripe.test}",
               "{api_key: {env: STRIPE_API_KEY}, account: acct_1Other, base_url: http://stripe.test}"),
}


def test_f12_another_account_is_found_before_anything_else(row: Row, towns: Towns) -> None:
    """A plan of one account is nothing to another: exit 4 or 5, and no request but the one that asks who it is."""
    for vendor, pin in row.each([(vendor, pin) for vendor, pins in PINS.items() for pin in pins]):
        town = towns.built(vendor, STACKS[vendor].before)
        town.manifest(STACKS[vendor].after)
        town.run("plan", "--out", "plan.json")
        town.configure(**{vendor: pin})
        before = len(town.roads[vendor].asked)
        for words in (["plan"], ["apply", "plan.json"], ["apply", "--auto-approve"]):
            done = town.run(*words)
            assert done.code in (4, 5), done
        asked = [path for _, path, _ in town.roads[vendor].asked[before:]]
        assert all("account" in path for path in asked), asked


# F18


class Meanwhile:
    """At the nth request to the vendor somebody edits the stack's entry; what is asked of that object is remembered."""

    def __init__(self, town: Town, when: int) -> None:
        self.town, self.when, self.count = town, when, 0
        self.seen: list[str] = []
        self.own = town.ledger().entries[town.stack.entry].id

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        if self.count == self.when:
            self.town.edit()
            self.seen.append("edit")
        self.count += 1
        if last(request.url.path) == self.own:
            self.seen.append("write" if is_write(request) else "read")
        return handler(request)


def test_f18_what_somebody_writes_meanwhile_is_seen(row: Row, towns: Towns) -> None:
    """At any request of an apply somebody edits the object that it is about to update: stale, unless it was done before."""
    for one in row.trials(15, 2_000):
        vendor = VENDORS[one.seed % len(VENDORS)]
        town = towns.built(vendor, STACKS[vendor].before)
        town.manifest(STACKS[vendor].after)
        meanwhile = Meanwhile(town, one.rng.randrange(40))
        town.roads[vendor].fault = meanwhile
        done, seen = town.apply("--parallelism", "1"), meanwhile.seen
        after = seen[seen.index("edit"):] if "edit" in seen else []
        theirs = town.edited().fields.get(town.stack.edit[0]) == town.stack.edit[1]
        if "read" in after and "write" in after and done.code != 0:
            assert after.index("write") < after.index("read") or theirs, f"{one}: {vendor}: {seen} {done}"
        if "edit" in seen and "write" not in after and "write" not in seen:
            assert theirs, f"{one}: {vendor}: {seen}"
        assert done.code in (0, 4, 5, 6), f"{one}: {done}"
        found = town.settled(STACKS[vendor].after)
        assert not found, f"{one}: {vendor}: {found}"


# F20


def nth_refused(town: Town, n: int) -> Fault:
    """The nth write is refused with an answer that proves it."""
    count = Counter[str]()

    def fault(request: httpx.Request, handler: Handler) -> httpx.Response:
        if is_write(request):
            count["n"] += 1
            if count["n"] == n:
                return httpx.Response(400, json=SAYS)
        return handler(request)

    return fault


@pytest.mark.parametrize("vendor", VENDORS)
def test_f20_the_nth_write_fails_and_the_rest_is_done_later(row: Row, towns: Towns, vendor: str) -> None:
    """For every n of a first apply and of a change: the re-run sends what is left and no more."""
    stack = STACKS[vendor]
    for manifest, start in ((stack.before, ""), (stack.after, stack.before)):
        town = towns.built(vendor, start)
        before = Counter(written(town))
        town.manifest(manifest)
        assert town.apply().code == 0
        clean = Counter(written(town)) - before
        for n in row.each(range(1, sum(clean.values()) + 1)):
            town = towns.built(vendor, start)
            before = Counter(written(town))
            town.manifest(manifest)
            town.faulty(nth_refused(town, n))
            done = town.apply("--parallelism", "1")
            assert done.code in (0, 6), (n, done)
            town.faulty(None)
            again = town.apply()
            assert again.code == 0, (n, again)
            sent = Counter(written(town)) - before
            more = sent - clean
            assert not more or sum(more.values()) <= 2, (vendor, n, more)  # what was undone and made again
            found = town.settled(manifest)
            assert not found, (vendor, n, found)


def written(town: Town) -> list[str]:
    """The writes that took effect, by method and collection."""
    return [f"{one.method} {'/'.join('*' if re.search('[0-9]', part) else part for part in one.path.split('/'))}"
            for box in town.boxes.values() for one in box.requests
            if one.method not in ("GET", "LIST", "HEAD") and not box.reads(one) and one.status < 400
            and not one.path.endswith("/verify")]  # asked for once in each later apply


# F21


class Shut:
    """From some request on the vendor says no to everything; with 404, to all but what is asked for by its id."""

    def __init__(self, town: Town, code: int, after: int) -> None:
        self.code, self.after, self.count = code, after, 0
        self.ids = {last(entry.id) for entry in town.ledger().entries.values()}

    def __call__(self, request: httpx.Request, handler: Handler) -> httpx.Response:
        self.count += 1
        if self.count > self.after and (self.code != 404 or last(request.url.path) not in self.ids):
            return httpx.Response(self.code, json={**SAYS, "statusCode": self.code})
        return handler(request)


@pytest.mark.parametrize("code", [401, 403, 404])
def test_f21_no_access_in_the_middle_is_never_absence(row: Row, towns: Towns, code: int) -> None:
    """From some request on the vendor answers 401 or 403 to everything, or 404 to lists: nothing is created or removed."""
    for one in row.trials(5, 34):
        vendor = VENDORS[one.seed % len(VENDORS)]
        stack = STACKS[vendor]
        town = towns.built(vendor, stack.before)
        shut = Shut(town, code, one.rng.randrange(25))
        town.manifest(one.rng.choice([stack.before, stack.after]))
        town.roads[vendor].fault = shut
        planned = town.run("plan", "--format", "json")
        assert planned.code in (0, 1, 3, 4), f"{one}: {planned}"
        if planned.out:
            plan = json.loads(planned.out)
            made = {a["address"] for a in plan["actions"] if a["op"] == "create"}
            assert not made & set(addresses(stack.before)), f"{one}: {vendor}: {made}"
        shut.count = 0
        before = {kind: set(ids) for kind, ids in town.census().items()}
        done = town.apply()
        assert done.code in (0, 1, 3, 4, 6), f"{one}: {done}"
        lost = [*town.lost()]
        assert not lost, f"{one}: {vendor}: {lost}"
        if planned.code == 1:
            assert all(ids <= town.census()[kind] for kind, ids in before.items()) or done.code == 6, one
        found = town.settled(stack.after)
        assert not found, f"{one}: {vendor}: {found}"
