"""The permissions that each kind names are enough for its entry's whole life. Real OpenBao."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import Permissions
from reconciler.model import Want
from reconciler.secret import Secret
from reconciler.vendors.vault.permissions import by_path
from tests.vault.desk import Desk, Place

METHOD: dict[str, Any] = {"auth_method": {"approle": {"type": "approle"}}}
KV: dict[str, Any] = {"mount": {"kv": {"type": "kv-v2"}}}
RULES = 'path "kv/data/a" { capabilities = ["read"] }'
STACKS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "policy": ({}, {"rules": RULES}, {"rules": RULES.replace("read", "list")}),
    "mount": ({}, {"type": "kv-v2"}, {"type": "kv-v2", "description": "ours", "config": {"max_lease_ttl": "2h"}}),
    "auth_method": ({}, {"type": "approle"}, {"type": "approle", "description": "ours", "config": {"max_lease_ttl": "2h"}}),
    "approle_role": (METHOD, {"token_ttl": "1h"}, {"token_ttl": "2h"}),
    "kv_secret": (KV, {"mount": "kv", "data": {"a": {"secret": "pw"}}, "custom_metadata": {"team": "a"}},
                  {"mount": "kv", "data": {"a": {"secret": "other"}}, "custom_metadata": {"team": "b"}}),
    "kv_config": (KV, {"mount": "kv", "max_versions": 3}, {"mount": "kv", "max_versions": 4}),
    "transit_key": ({"mount": {"transit": {"type": "transit"}}}, {"mount": "transit", "deletion_allowed": True},
                    {"mount": "transit", "deletion_allowed": True, "exportable": True}),
    "identity_group": ({}, {"policies": ["default"]}, {"policies": ["default", "other"]}),
    "password_policy": ({}, {"policy": 'length = 20\nrule "charset" { charset = "abcde" }'},
                        {"policy": 'length = 21\nrule "charset" { charset = "abcde" }'}),
}


def policy(*names: str) -> str:
    """These permissions as a policy."""
    stanzas = (f'path "{path}" {{ capabilities = [{", ".join(f"{chr(34)}{one}{chr(34)}" for one in held)}] }}'
               for path, held in by_path(names).items())
    return "\n".join(stanzas)


def needed(desk: Desk, noun: str, fields: dict[str, Any]) -> Permissions:
    """What the entry `it` asks for."""
    kind = desk.kinds[f"vault.{noun}"]
    resource = desk.resource(noun, "it", fields)
    return kind.needed(Want(resource.address, resource.fields))


def limited(desk: Desk, rules: str) -> Desk:
    """The same stack by a token of these rules."""
    desk.place.ask("POST", "sys/policies/acl/runner", {"policy": rules})
    other = Desk(desk.place, desk.place.connect(token=Secret(desk.place.token_of("runner"))))
    other.store = desk.store
    return other


def life(desk: Desk, noun: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    """Made, changed, removed."""
    allow = (f"irreversible:vault.{noun}/it", f"access:vault.{noun}/it")
    desk.settle({noun: {"it": first}}, allow=allow)
    desk.settle({noun: {"it": second}}, allow=allow)
    report = desk.run(desk.plan({}, allow=allow, destroy=True))
    assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes


@pytest.mark.parametrize("noun", STACKS)
def test_a_token_with_a_kinds_permissions_lives_through_it(bao: Place, noun: str) -> None:
    """With what an entry names and nothing else it is planned, made, changed and removed."""
    around, first, second = STACKS[noun]
    Desk(bao).settle(around) if around else None
    desk = Desk(bao)
    asked = needed(desk, noun, first)
    life(limited(desk, policy(*asked.read, *asked.write, *asked.look)), noun, first, second)


@pytest.mark.parametrize("noun", STACKS)
def test_a_token_that_only_reads_plans_it(bao: Place, noun: str) -> None:
    """The half that a plan needs is enough for a plan."""
    around, first, _ = STACKS[noun]
    Desk(bao).settle(around) if around else None
    desk = Desk(bao)
    plan = limited(desk, policy(*needed(desk, noun, first).read)).plan({noun: {"it": first}})
    assert not plan.unreadable and not plan.stopped
    assert [action.blocked for action in plan.actions] == [None]


def test_what_a_token_holds_is_told_path_by_path(bao: Place) -> None:
    """By the server's own answer; root holds everything."""
    desk = limited(Desk(bao), policy("read sys/mounts", "update sys/mounts/kv"))
    asked = ("read sys/mounts", "update sys/mounts/kv", "delete sys/mounts/kv")
    assert desk.api.held(asked) == {"read sys/mounts": True, "update sys/mounts/kv": True, "delete sys/mounts/kv": False}
    assert all(Desk(bao).api.held(asked).values())
    assert desk.api.held(()) == {}


def test_version_1_of_kv_has_one_path(bao: Place) -> None:
    """Its secrets have no metadata, and no `data/` in their path."""
    desk = Desk(bao)
    desk.settle({"mount": {"old": {"type": "kv", "options": {"version": "1"}}}})
    found = needed(desk, "kv_secret", {"mount": "old", "path": "app/db", "data": {"a": {"secret": "pw"}}})
    assert found.read == ("read old/app/db",)
