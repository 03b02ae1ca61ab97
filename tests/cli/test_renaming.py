"""Renamed, moved, let alone, protected: the words of `lifecycle` mean the same at every vendor, marked or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.stacks import Stack
from tests.faults.town import Town

PRODUCT = "stripe.product:\n  p: {id: p, name: P}\n"
KINDS = {
    "stripe.price": (PRODUCT, "product: {ref: p}, lookup_key: k, currency: usd, unit_amount: 1", "nickname"),
    "vault.password_policy": ("", "name: k", "policy"),
    "posthog.feature_flag": ("", "key: k, filters: {groups: [{properties: [], rollout_percentage: 1}]}", "name"),
    "resend.topic": ("", "name: k, default_subscription: opt_in", "description"),
    "sentry.team": ("", "slug: k", "name"),
}
"""By kind: what it needs, the fields that stay, its key among them, and one that is changed."""
VALUES = {"vault.password_policy": tuple(f"'length = {n} rule \"charset\" {{ charset = \"abc\" }}'" for n in (20, 30))}


class House(Town):
    """One kind's entries beside one that always stays, at a vendor that counts what it is told to do."""

    def __init__(self, dir: Path, kind: str) -> None:
        self.kind = kind
        self.needs, self.fields, self.free = KINDS[kind]
        super().__init__(dir, Stack(kind.partition(".")[0], "", "", "", ("", ""), ("", "")))

    def entry(self, name: str = "", value: int = 0, **life: Any) -> House:
        """The manifest with this entry; without a name only what stays."""
        said = VALUES.get(self.kind, ("First", "Second"))
        words = ", ".join(f"{word}: {text}" for word, text in life.items())
        fields = f"{self.fields}, {self.free}: {said[value]}" + (f", lifecycle: {{{words}}}" if life else "")
        stays = f"{self.fields}, {self.free}: {said[0]}".replace(": k", ": z", 1)
        self.manifest(f"{self.needs}{self.kind}:\n" + (f"  {name}: {{{fields}}}\n" if name else "") + f"  zz: {{{stays}}}\n")
        return self

    def done(self) -> House:
        """Applied as it stands, and the plan after it is empty."""
        applied = self.run("apply", "--auto-approve", "--allow", "money,access,delete,drift,adopt")
        assert applied.code == 0, applied
        planned = self.run("plan", "--detailed-exitcode")
        assert planned.code == 0, planned
        return self

    def acts(self) -> dict[str, str]:
        return {address.partition("/")[2]: op for address, op in self.ops().items()}

    def sent(self) -> list[str]:
        """The methods and paths of what was written."""
        return [one for box in self.boxes.values() for one in box.sent()]


@pytest.fixture(params=KINDS)
def house(quick: Path, request: pytest.FixtureRequest) -> House:
    return House(quick, request.param).entry("old").done()


def test_a_renamed_entry_moves(house: House) -> None:
    """`formerly` carries the object over: at the vendor a mark is written at most, where there is room for one."""
    there, before = house.census(), len(house.sent())
    house.entry("new", formerly="[old]")
    assert house.acts() == {"new": "move"}
    house.done()
    kind = house.kinds()[house.kind]
    assert len(house.sent()) - before <= kind.room
    assert house.census() == there
    assert house.run("ledger", "show", f"{house.kind}/new").code == 0
    assert house.run("ledger", "show", f"{house.kind}/old").code == 64
    house.entry("new").done()


def test_a_rename_goes_with_a_change(house: House) -> None:
    """A new name and a new value at once are one update of the same object."""
    there = house.census()
    house.entry("new", 1, formerly="[old]")
    assert house.acts() == {"new": "update"}
    house.done()
    assert house.census() == there


def test_a_rename_that_nobody_announced_is_seen_by_its_key(house: House) -> None:
    """The same natural key under another name is a move too, never a delete and a create."""
    there = house.census()
    house.entry("new")
    assert house.acts() == {"new": "move"}
    house.done()
    assert house.census() == there


def test_an_entry_can_be_moved_in_the_ledger_first(house: House) -> None:
    """`ledger move` asks no vendor; the manifest follows, and nothing is made or removed."""
    there, asked = house.census(), len(house.asked)
    house.run("ledger", "move", f"{house.kind}/old", f"{house.kind}/new")
    assert len(house.asked) == asked
    house.entry("new")
    assert set(house.acts().values()) <= {"move"}
    house.done()
    assert house.census() == there


def test_an_entry_that_is_not_managed_any_more_is_nobodys(house: House) -> None:
    """`manage: false` sends nothing, whatever the fields say; the ledger lets it go, and its removal removes nothing."""
    there, before = house.census(), len(house.sent())
    house.entry("old", 1, manage="false")
    assert house.acts() == {"old": "noop"}  # told, once
    house.done()
    assert house.run("ledger", "show", f"{house.kind}/old").code == 64
    house.entry()
    assert house.acts() == {}
    assert len(house.sent()) == before
    assert house.census() == there


def test_protection_is_removed_in_two_steps(house: House) -> None:
    """A protected entry that leaves is blocked; it comes back without protection, is applied, and may go then."""
    there = house.census()
    house.entry("old", protect="true").done()
    house.entry()
    assert house.acts() == {"old": "blocked"}
    assert house.run("apply", "--auto-approve", "--allow", f"delete,irreversible:{house.kind}/old").code == 4
    assert house.census() == there
    house.entry("old").done()
    house.entry()
    assert house.acts() == {"old": "delete"}
    house.done()
    assert len(house.census()[house.kind]) == len(there[house.kind]) - 1


def test_a_renamed_project_and_stack_keep_their_objects(house: House) -> None:
    """`formerly` in reconciler.yaml: every mark gets the new name, and nothing else is written."""
    kind, before = house.kinds()[house.kind], len(house.sent())
    path = house.dir / "reconciler.yaml"
    whole = path.read_text().replace("project: shop", "project: store\nformerly: [shop]")
    path.write_text(whole + "stacks: {live: {formerly: [default]}}\n")
    assert set(house.ops().values()) == ({"move"} if kind.room else set())
    marked = len(house.ops())
    house.done()
    assert len(house.sent()) - before == marked
    path.write_text(whole.replace("\nformerly: [shop]", "") + "stacks: {live: {}}\n")
    assert house.ops() == {}
