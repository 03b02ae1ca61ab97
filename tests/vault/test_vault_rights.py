"""What is not permitted: reads that are refused, and changes by which the run would shut itself out. Real OpenBao."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model import Op
from reconciler.secret import Secret
from tests.vault.desk import Desk, Place

MANIFEST: dict[str, Any] = {
    "mount": {"kv": {"type": "kv-v2"}},
    "auth_method": {"approle": {"type": "approle"}},
    "policy": {"app": {"rules": 'path "kv/data/a" { capabilities = ["read"] }'}},
    "approle_role": {"web": {"mount": "approle", "token_ttl": "1h"}, "job": {"mount": "approle", "token_ttl": "1h"}},
    "kv_config": {"kv": {"mount": "kv", "max_versions": 3}},
    "kv_secret": {"one": {"mount": "kv", "data": {"a": {"secret": "pw"}}},
                  "two": {"mount": "kv", "data": {"a": {"secret": "pw"}}}}}

ALL = """
path "sys/mounts" { capabilities = ["read"] }
path "sys/auth" { capabilities = ["read"] }
path "sys/policies/acl/*" { capabilities = ["read", "update"] }
path "auth/approle/role/web" { capabilities = ["read", "update"] }
path "kv/config" { capabilities = ["read"] }
path "kv/data/one" { capabilities = ["read", "update"] }
"""


@pytest.fixture
def made(bao: Place) -> Desk:
    """Everything is there and ours."""
    desk = Desk(bao)
    parts = list(MANIFEST)
    for n in range(1, len(parts) + 1):
        desk.settle({part: MANIFEST[part] for part in parts[:n]})
    return desk


def limited(desk: Desk, rules: str, name: str = "runner") -> Desk:
    """The same stack, with a token of these rules."""
    desk.place.ask("POST", f"sys/policies/acl/{name}", {"policy": rules})
    other = Desk(desk.place, desk.place.connect(token=Secret(desk.place.token_of(name))))
    other.store = desk.store
    return other


def test_what_may_not_be_read_is_blocked_and_the_rest_is_planned(made: Desk) -> None:
    """A 403 is never absence; each entry says what can't be seen."""
    desk = limited(made, ALL)
    plan = desk.plan({**MANIFEST, "approle_role": {
        "web": {"mount": "approle", "token_ttl": "2h"}, "job": {"mount": "approle", "token_ttl": "2h"}}})
    assert desk.ops(plan) == {"approle_role/web": "update", "approle_role/job": "blocked", "kv_secret/two": "blocked"}
    assert plan.unreadable
    for address, path in (("approle_role/job", "auth/approle/role/job"), ("kv_secret/two", "kv/data/two")):
        assert path in desk.blocked(plan)[address] and "can't be seen" in desk.blocked(plan)[address]
    gone = desk.plan({key: value for key, value in MANIFEST.items() if key != "kv_secret"})
    assert desk.ops(gone)["kv_secret/two"] == "blocked"


def test_lists_that_may_not_be_read_block_their_kind(made: Desk) -> None:
    """And what lies in a mount is still read: the server tells of mounts that one may use."""
    desk = limited(made, 'path "kv/data/*" { capabilities = ["read", "update"] }')
    plan = desk.plan(MANIFEST)
    assert {a for a, op in desk.ops(plan).items() if op == "blocked"} == {
        "mount/kv", "auth_method/approle", "policy/app", "approle_role/web", "approle_role/job", "kv_config/kv"}
    assert desk.acts({**MANIFEST, "kv_secret": {"one": {"mount": "kv", "data": {"a": {"secret": "other"}}},
                                                "two": MANIFEST["kv_secret"]["two"]}})["kv_secret/one"] == "update"


def test_a_role_id_that_may_not_be_read_leaves_the_role_readable(made: Desk) -> None:
    """Only an entry that needs it is blocked."""
    desk = limited(made, ALL)
    assert desk.kinds["vault.approle_role"].get("auth/approle/role/web") is not None
    plan = desk.plan({**MANIFEST, "approle_role": {"web": {"mount": "approle", "role_id": {"secret": "pw"}}}})
    assert "can't be seen" in desk.blocked(plan)["approle_role/web"]


def test_a_new_entry_whose_object_may_not_be_read_is_blocked(made: Desk) -> None:
    """What can't be seen is never made: it may be there, and somebody else's."""
    desk = limited(made, ALL)
    made.place.ask("POST", "auth/approle/role/hidden", {"token_ttl": "9h"})
    plan = desk.plan({**MANIFEST, "approle_role": {**MANIFEST["approle_role"], "hidden": {"mount": "approle"}}})
    assert "can't be seen" in desk.blocked(plan)["approle_role/hidden"]


def test_a_change_that_shuts_the_run_out_is_refused(made: Desk) -> None:
    """Its own policy, from which something that it manages would be taken; consent is by address."""
    desk = limited(made, ALL, "own")
    mine = {**MANIFEST, "policy": {**MANIFEST["policy"], "own": {"rules": ALL, "lifecycle": {"adopt": "changes"}}}}
    del mine["kv_secret"], mine["approle_role"]
    made.settle({**MANIFEST, "policy": mine["policy"]})
    desk.store = made.store
    less = ALL.replace('path "sys/mounts" { capabilities = ["read"] }', "")
    smaller = {**mine, "policy": {**mine["policy"], "own": {"rules": less}}}
    why = desk.blocked(desk.plan(smaller))["policy/own"]
    assert "this run's own token would lose read on sys/mounts" in why and "access:vault.policy/own" in why
    plan = desk.plan(smaller, allow=["access:vault.policy/own"])
    assert desk.action(plan, "policy/own").op is Op.UPDATE
    wider = ALL + 'path "kv/data/x" { capabilities = ["read"] }'
    more = {**mine, "policy": {**mine["policy"], "own": {"rules": wider}}}
    assert desk.action(desk.plan(more), "policy/own").op is Op.UPDATE
    root = Desk(desk.place)
    root.store = desk.store
    assert root.action(root.plan(smaller), "policy/own").op is Op.UPDATE


def test_rights_on_roles_and_secrets_count_too(made: Desk) -> None:
    """Each object's own path is what the token must keep."""
    desk = limited(made, ALL, "own")
    own = {"rules": ALL, "lifecycle": {"adopt": "changes"}}
    made.settle({**MANIFEST, "policy": {**MANIFEST["policy"], "own": own}})
    desk.store = made.store
    for lost in ("kv/data/one", "auth/approle/role/web"):
        line = f'path "{lost}" {{ capabilities = ["read", "update"] }}'
        assert line in ALL
        rules = {"own": {"rules": ALL.replace(line, "")}}
        plan = desk.plan({**MANIFEST, "policy": {**MANIFEST["policy"], **rules}})
        assert f"read on {lost}" in desk.blocked(plan)["policy/own"]


def test_root_protected_paths_need_sudo_too(made: Desk) -> None:
    """Tuning a login method is one: without sudo the run could not go on managing it."""
    sudo = ALL + 'path "sys/auth/approle/tune" { capabilities = ["update", "sudo"] }'
    desk = limited(made, sudo, "own")
    own = {"rules": sudo, "lifecycle": {"adopt": "changes"}}
    made.settle({**MANIFEST, "policy": {**MANIFEST["policy"], "own": own}})
    desk.store = made.store
    less = {"own": {"rules": sudo.replace('["update", "sudo"]', '["update"]')}}
    plan = desk.plan({**MANIFEST, "policy": {**MANIFEST["policy"], **less}})
    assert "sudo on sys/auth/approle/tune" in desk.blocked(plan)["policy/own"]
    described = {**MANIFEST, "auth_method": {"approle": {"type": "approle", "description": "tuned"}}}
    assert desk.action(desk.plan(described), "auth_method/approle").op is Op.UPDATE
