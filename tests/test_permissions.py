"""Every kind says what a credential must be allowed, and the vendors' own documents bear it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.conformance import Case, Exchange, in_sandbox, read_all, trials
from reconciler.contract import Permissions, registry
from reconciler.contract.spec import Shape
from reconciler.contract.vendor import load
from reconciler.model import Address, Ref, Want
from reconciler.vendors.posthog.permissions import allows as posthog_allows
from reconciler.vendors.sentry.permissions import allows as sentry_allows
from reconciler.vendors.stripe.permissions import LISTS, resource_of
from tests.referee import appointed
from tests.test_conformance import habits

ROOT = Path(__file__).parents[1]
KINDS = [kind for name in registry.names() if (vendor := registry.vendor(name)) is not None for kind in vendor.kinds]
SENTRY = read_all(ROOT / "tests" / "cases" / "sentry")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_what_it_needs(kind) -> None:
    """Something to read it, and nothing twice."""
    held = kind.permissions
    every = (*held.read, *held.write)
    assert held.read and len(set(every)) == len(every)


@pytest.mark.parametrize("case", SENTRY, ids=str)
def test_sentrys_document_lets_every_request_pass(case: Case) -> None:
    """Whatever a run of a kind sends, its scopes and those of the entries around it are among those that the request takes."""
    around = {case.kind.name, *(name for example in case.said.examples.values() for name in case.beside(example))}
    kinds = [kind for kind in case.vendor.kinds if kind.name in around]
    reads = {one for kind in kinds for one in kind.permissions.read}
    writes = reads | {one for kind in kinds for one in kind.permissions.write}
    whole = [trial for trial in trials([case]) if trial.name in ("removed", "lost_ledger")]
    changed = next(trial for trial in trials([case]) if trial.change is not None)
    for trial in (*whole, changed):
        place = in_sandbox(case.vendor)
        trial.run(place)
        for one in place.wires[0].seen:
            taken = _taken(one)
            assert not taken or any(sentry_allows(reads if one.reads else writes, scope) for scope in taken), (one, taken)


def _taken(one: Exchange) -> list[str]:
    """The scopes of which a request takes any; none where the document says nothing of it."""
    referee = appointed("sentry.json", habits("sentry"))
    template = next((template for pattern, template in referee.routes if pattern.fullmatch(one.path)), None)
    operation = referee.document["paths"].get(template, {}).get(one.method.lower(), {}) if template else {}
    return [scope for way in operation.get("security", ()) for scope in way.get("auth_token", ())]


def test_every_permission_of_stripes_has_a_list_that_shows_it() -> None:
    """What a restricted key may read can be tried."""
    for kind in KINDS:
        if kind.name.startswith("stripe."):
            held = kind.permissions
            assert {resource_of(one)[0] for one in (*held.read, *held.write, *held.look)} <= LISTS.keys()


@pytest.mark.parametrize("name", registry.names())
def test_in_its_sandbox_a_credential_holds_everything(name: str) -> None:
    """Every vendor's client tells whom its credential leads to and what it holds, by reads alone."""
    vendor = registry.vendor(name)
    assert vendor is not None
    place = in_sandbox(vendor)
    api, wire = place.connect()
    asked = {one for kind in vendor.kinds for one in (*kind.permissions.read, *kind.permissions.write) if "{" not in one}
    api.read_only = True
    who = api.leads_to()
    assert set(who) == {"stripe": {"account"}, "posthog": {"project"}, "sentry": {"organization"}}.get(name, set())
    assert api.held(asked) == dict.fromkeys(asked, True)
    assert wire.seen and not wire.writes()


def over(name: str, **habits: Any) -> Any:
    """A vendor's client over its sandbox."""
    vendor = registry.vendor(name)
    assert vendor is not None
    sandbox = load(vendor.sandbox)(vendor.kinds, clock=TestClock())
    for habit, value in habits.items():
        setattr(sandbox, habit, value)
    return load(vendor.api)(vendor.settings.placeholder(), connection=name, transport=sandbox.transport(), clock=TestClock())


def test_what_a_lesser_credential_lacks_is_told() -> None:
    """A key that only sends mail, a personal key that may not see its project."""
    assert over("resend", sending=frozenset({"placeholder"})).held(["full_access"]) == {"full_access": False}
    api = over("posthog", scopes=frozenset({"cohort:write"}))
    assert api.leads_to() == {}
    assert api.held(["cohort:read", "feature_flag:read"]) == {"cohort:read": True, "feature_flag:read": False}


def test_a_stronger_scope_includes_the_weaker_ones() -> None:
    """Writing includes reading at PostHog; at Sentry admin includes both."""
    assert posthog_allows(frozenset({"action:write"}), "action:read")
    assert not posthog_allows(frozenset({"action:read"}), "action:write")
    assert posthog_allows(frozenset({"*"}), "action:write")
    assert sentry_allows({"project:admin"}, "project:read") and not sentry_allows({"project:read"}, "project:admin")


def test_a_permission_is_filled_from_its_entry() -> None:
    """By the field, else its default, else the entry's name; what hangs on an unknown value is left out."""
    shape = Shape(children={"mount": Shape(default="kv"), "name": Shape()})
    asked = Permissions(("read {mount}/{name}",), ("update {mount}/{name}", "read sys/mounts"))
    address = Address("vault.kv_secret", "app")
    assert asked.of(Want(address, {}), shape).read == ("read kv/app",)
    assert asked.of(Want(address, {"mount": "other", "name": "db"}), shape).write == ("update other/db", "read sys/mounts")
    unknown = Ref.to(Address("vault.mount", "kv"), "path")
    assert asked.of(Want(address, {"mount": unknown}), shape) == Permissions((), ("read sys/mounts",))
