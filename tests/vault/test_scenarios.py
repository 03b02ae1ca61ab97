"""The digest's acceptance scenarios of the six kinds by their numbers on a real OpenBao: plan, requests, final objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.contract import Ask
from reconciler.errors import Denied, Unreadable
from reconciler.model import Impact, Live, Op
from reconciler.secret import Secret
from tests.cli.project import Project
from tests.referee import Referee
from tests.vault.conftest import ROOT, running, sandbox
from tests.vault.desk import Desk, Place
from tests.vault.habits import HABITS, exchanges

STACK: dict[str, Any] = {
    "mount": {"kv": {"type": "kv-v2", "description": "SQL2.AI config", "config": {"default_lease_ttl": "1h"}},
              "transit": {"type": "transit"}},
    "kv_config": {"kv": {"mount": {"ref": "kv"}, "max_versions": 20}},
    "auth_method": {"approle": {"type": "approle"}},
    "policy": {"sql2ai-api": {"rules": 'path "kv/data/api/*" {\n  capabilities = ["read", "list"]\n}\n'}},
    "approle_role": {"sql2ai-api": {"mount": {"ref": "approle"}, "token_policies": [{"ref": "sql2ai-api"}],
                                    "token_ttl": "20m"}},
    "kv_secret": {"stripe": {"mount": {"ref": "kv"}, "path": "api/stripe", "data": {"key": {"secret": "pw"}}}}}


@pytest.fixture
def desk(bao: Place) -> Iterator[Desk]:
    """A stack on the real server; at the end the vendor's document judges all that was sent and answered."""
    made = Desk(bao)
    yield made
    seen = [one for one in exchanges(made.recorder) if one.status < 300]
    assert not Referee("vault.json", HABITS).complaints(seen)


def changed(noun: str, name: str, **fields: Any) -> dict[str, Any]:
    """The stack with these fields of one entry, or without those that are `...`."""
    entry = {**STACK[noun][name], **fields}
    return {**STACK, noun: {**STACK[noun], name: {key: value for key, value in entry.items() if value is not ...}}}


def asked(desk: Desk, since: int) -> list[str]:
    """The requests, without `/v1/`, in any order."""
    return sorted(f"{method} {path.removeprefix('/v1/')}" for method, path, _, _ in desk.recorder.seen[since:])


def body(desk: Desk) -> Any:
    """What the last write said."""
    return json.loads([said for method, _, said, _ in desk.recorder.seen if method == "POST"][-1])


def test_1_an_empty_server_is_filled_in_order(desk: Desk) -> None:
    """Mounts and login methods before what is in them; then nothing more, from one GET each for mounts and methods."""
    writes = desk.settle(STACK)
    assert sorted(writes) == ["POST auth/approle/role/sql2ai-api", "POST kv/config", "POST kv/data/api/stripe",
                              "POST kv/metadata/api/stripe", "POST sys/auth/approle", "POST sys/mounts/kv",
                              "POST sys/mounts/transit", "POST sys/policies/acl/sql2ai-api"]
    for first, then in (("sys/mounts/kv", "kv/config"), ("sys/mounts/kv", "kv/data/api/stripe"),
                        ("sys/auth/approle", "auth/approle/role/sql2ai-api"),
                        ("sys/policies/acl/sql2ai-api", "auth/approle/role/sql2ai-api")):
        assert writes.index(f"POST {first}") < writes.index(f"POST {then}")
    since = len(desk.recorder.seen)
    assert desk.plan(STACK).empty
    assert asked(desk, since) == ["GET auth/approle/role/sql2ai-api", "GET auth/token/lookup-self", "GET kv/config",
                                  "GET kv/data/api/stripe", "GET sys/auth", "GET sys/mounts",
                                  "GET sys/policies/acl/sql2ai-api"]


def test_2_kv_v2_is_kv_with_version_2(desk: Desk) -> None:
    """Whichever is written, live is the same: no difference, and no replace (which cost users their secrets)."""
    desk.place.ask("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}, "description": "by hand"})
    for given in ({"type": "kv-v2"}, {"type": "kv", "options": {"version": "2"}}, {"type": "kv", "options": {"version": 2}}):
        made = desk.plan({"mount": {"kv": given}})
        assert (desk.action(made, "mount/kv").op, desk.action(made, "mount/kv").changes) == (Op.ADOPT, ())
    assert desk.settle({"mount": {"kv": {"type": "kv-v2"}}}) == ["POST sys/mounts/kv/tune"]
    assert body(desk) == {"description": "by hand\n[reconciler shop/test vault.mount/kv]"}


def test_3_a_description_is_tuned(desk: Desk) -> None:
    """One POST to tune, nothing deleted, nothing else in it."""
    desk.settle(STACK)
    made = desk.plan(changed("mount", "kv", description="SQL2.AI's own"))
    assert desk.paths(made, "mount/kv") == {"description": ("SQL2.AI config", "SQL2.AI's own")}
    assert [i.value for i in desk.action(made, "mount/kv").impact] == ["cosmetic"]
    assert desk.settle(changed("mount", "kv", description="SQL2.AI's own")) == ["POST sys/mounts/kv/tune"]
    assert body(desk) == {"description": "SQL2.AI's own\n[reconciler shop/test vault.mount/kv]"}
    assert desk.place.ask("GET", "kv/data/api/stripe")["data"] == {"key": "hunter2"}


def test_4_times_are_compared_as_times(desk: Desk) -> None:
    """`1h` is the 3600 that is read; what was never set is 0, whatever `tune` says it comes to."""
    desk.settle(STACK)
    assert desk.place.ask("GET", "sys/mounts")["kv/"]["config"]["default_lease_ttl"] == 3600
    assert desk.place.ask("GET", "sys/mounts/kv/tune")["max_lease_ttl"] == 2764800
    for lease in ("1h", 3600, "60m", "3600s"):
        assert desk.plan(changed("mount", "kv", config={"default_lease_ttl": lease, "max_lease_ttl": 0})).empty, lease


def test_5_a_policy_is_compared_by_meaning_and_widening_is_told(desk: Desk) -> None:
    """Spaces, comments and order are no difference; a capability more is told with its path, and warned of."""
    desk.settle(STACK)
    text = desk.place.ask("GET", "sys/policies/acl/sql2ai-api")["policy"]
    other = text.replace("{\n", "{ # by hand\n\n").replace('"read", "list"', '"list",   "read"')
    desk.place.ask("POST", "sys/policies/acl/sql2ai-api", {"policy": other})
    assert desk.plan(STACK).empty
    wider = changed("policy", "sql2ai-api", rules='path "kv/data/api/*" { capabilities = ["read", "list", "delete"] }')
    action = desk.action(desk.plan(wider), "policy/sql2ai-api")
    assert (action.op, action.impact) == (Op.UPDATE, (Impact.ACCESS,))
    assert {(note.subject, note.text) for note in action.notes} == {
        ("gains", "delete  kv/data/api/*  (e.g. kv/data/api/x)"),
        ("reach", "widened: delete on kv/data/api/x is allowed now"),
            ("warning", "delete on kv/data/api/*: everything below can be removed")}
    assert desk.settle(wider) == ["POST sys/policies/acl/sql2ai-api"]
    assert body(desk)["cas"] == 2


def test_6_a_policy_in_upper_case_is_a_finding(tmp_path: Path) -> None:
    """With the name that the server would make of it, at its place, offline."""
    project = Project(tmp_path, {}).write({"reconciler.yaml": "project: shop\nvendors: {vault: {}}\n", "manifests/a.yaml":
                                           "vault.policy:\n  Sql2AI-API: {rules: 'path \"a\" { capabilities = [] }'}\n"})
    done = project.run("validate")
    assert done.code == 3 and "manifests/a.yaml:2:3" in done.err and "'sql2ai-api'" in done.err, done


def test_7_an_unmarked_policy_with_other_rules_is_left_alone(desk: Desk) -> None:
    """Without consent nothing is written; with `adopt: changes` it becomes ours."""
    desk.place.ask("POST", "sys/policies/acl/sql2ai-api", {"policy": 'path "b" { capabilities = ["read"] }'})
    only = {"policy": STACK["policy"]}
    made = desk.plan(only)
    assert desk.ops(made) == {"policy/sql2ai-api": "blocked"}
    since = len(desk.recorder.seen)
    desk.run(made)
    assert desk.writes(since) == []
    assert desk.place.ask("GET", "sys/policies/acl/sql2ai-api")["version"] == 1
    taken = {"policy": {"sql2ai-api": {**STACK["policy"]["sql2ai-api"], "lifecycle": {"adopt": "changes"}}}}
    assert Impact.ADOPT in desk.action(desk.plan(taken), "policy/sql2ai-api").impact
    assert desk.settle(taken) == ["POST sys/policies/acl/sql2ai-api"]
    assert body(desk)["cas"] == 1


def test_10_a_cleared_field_is_sent_and_policies_are_a_set(desk: Desk) -> None:
    """`null` sends the zero, because what is left out stays; order and case of policies are no difference."""
    given = changed("approle_role", "sql2ai-api", token_num_uses=5, token_policies=["sql2ai-api", "Base"])
    desk.settle(given)
    for same in (["base", "sql2ai-api"], ["SQL2AI-API", "base", "base"]):
        assert desk.plan(changed("approle_role", "sql2ai-api", token_num_uses=5, token_policies=same)).empty, same
    left = desk.plan(changed("approle_role", "sql2ai-api", token_policies=["sql2ai-api", "Base"]))
    assert left.empty and "no longer managed (stays 5)" in desk.action(left, "approle_role/sql2ai-api").notes[0].text
    cleared = changed("approle_role", "sql2ai-api", token_num_uses=None, token_policies=["sql2ai-api", "Base"])
    assert desk.settle(cleared) == ["POST auth/approle/role/sql2ai-api"]
    assert body(desk) == {"token_num_uses": 0}
    assert desk.place.ask("GET", "auth/approle/role/sql2ai-api")["token_num_uses"] == 0


def test_13_an_empty_list_is_none_and_a_refused_one_is_not(desk: Desk) -> None:
    """A 404 on LIST is no role at all; a 403 says what can't be seen, and nothing is created."""
    desk.settle({"auth_method": STACK["auth_method"]})
    parents = tuple(one for one in desk.kinds["vault.auth_method"].list(Ask(everything=True)) if isinstance(one, Live))
    everything = Ask(parents=parents, everything=True)
    assert list(desk.kinds["vault.approle_role"].list(everything)) == []
    assert ("LIST", 404) in [(method, status) for method, _, _, status in desk.recorder.seen]
    blind = Desk(desk.place, desk.place.connect(token=Secret(desk.place.token_of("default"))))
    with pytest.raises(Denied):
        list(blind.kinds["vault.approle_role"].list(everything))
    made = blind.plan(STACK)
    assert set(blind.ops(made).values()) == {"blocked"} and made.unreadable
    assert "can't be seen" in blind.blocked(made)["policy/sql2ai-api"]
    blind.run(made)
    assert blind.writes() == []


def test_14_only_what_is_ours_goes(desk: Desk) -> None:
    """A policy that leaves the manifest is deleted; what others made, `default` and `root` are not even listed."""
    desk.place.ask("POST", "sys/policies/acl/sql2ai-theirs", {"policy": 'path "b" { capabilities = ["read"] }'})
    desk.settle(STACK)
    without = {**STACK, "policy": {}, "approle_role": {}}
    assert desk.acts(without) == {"policy/sql2ai-api": "delete", "approle_role/sql2ai-api": "delete"}
    assert desk.settle(without) == ["DELETE auth/approle/role/sql2ai-api", "DELETE sys/policies/acl/sql2ai-api"]
    assert set(desk.place.ask("LIST", "sys/policies/acl")["keys"]) == {"default", "sql2ai-theirs"}


def test_15_a_sealed_server_is_told_and_a_standby_is_waited_for(tmp_path: Path) -> None:
    """Sealed: everything is unreadable, in the server's words. Standby: asked again, and then it goes on."""
    with running(tmp_path) as url:
        place = Place(url, ROOT, clock=TestClock())
        desk = Desk(place)
        desk.settle({"mount": STACK["mount"]})
        place.ask("PUT", "sys/seal")
        with pytest.raises(Unreadable, match="sealed"):
            desk.api.get("/v1/sys/mounts")
        made = desk.plan({"mount": STACK["mount"]}, about={})
        assert made.unreadable and all("Vault is sealed" in why for why in desk.blocked(made).values())
        place.close()
    desk = Desk(sandbox())
    box = desk.recorder.inner.inner.sandbox  # type: ignore[attr-defined]
    box.standby = True
    progress: list[str] = []

    def active(text: str) -> None:
        progress.append(text)
        box.standby = False

    desk.api.progress = active
    desk.settle({"mount": STACK["mount"]})
    assert progress[0] == "vault: waiting 1 s, as it asks"


def test_a_kv_that_is_being_made_ready_is_waited_for() -> None:
    """Digest, section 8: a new versioned kv turns requests away for a moment."""
    desk = Desk(sandbox())
    box = desk.recorder.inner.inner.sandbox  # type: ignore[attr-defined]
    box.upgrade = 2
    desk.settle(STACK)
    assert [status for _, path, _, status in desk.recorder.seen if path.startswith("/v1/kv/")].count(400) == 2
