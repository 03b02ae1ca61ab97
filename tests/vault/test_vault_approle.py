"""Roles of the AppRole login, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.clock import TestClock
from reconciler.model import Delivery, Live
from reconciler.secret import Secret
from tests.vault.desk import Desk

AUTH: dict[str, Any] = {"auth_method": {"approle": {"type": "approle"}}}
WHOLE: dict[str, Any] = {
    "token_policies": ["web", "Base"], "token_ttl": "20m", "token_max_ttl": 14400, "token_explicit_max_ttl": "5h",
    "token_num_uses": 5, "token_bound_cidrs": ["10.0.0.1/32", "10.1.0.0/16"], "token_no_default_policy": True,
    "token_type": "service", "bind_secret_id": True, "secret_id_bound_cidrs": ["10.0.0.1", "10.1.0.0/16"],
    "secret_id_num_uses": 10, "secret_id_ttl": "24h", "local_secret_ids": False}


def roles(**entries: Any) -> dict[str, Any]:
    """A manifest with these roles in the usual mount."""
    return {**AUTH, "approle_role": entries}


def live(desk: Desk, name: str = "web") -> Any:
    """The role as the server shows it."""
    return desk.place.ask("GET", f"auth/approle/role/{name}")


def test_a_role_lives_from_create_to_deletion(desk: Desk) -> None:
    """One POST each; a cleared field is sent with its default, and the plan after each is empty."""
    given = {"mount": {"ref": "approle"}, **WHOLE}
    assert desk.settle(roles(web=given)) == ["POST sys/auth/approle", "POST auth/approle/role/web"]
    shown = live(desk)
    assert (shown["token_ttl"], shown["token_max_ttl"], shown["secret_id_ttl"], shown["token_num_uses"]) == (
        1200, 14400, 86400, 5)
    again = {**given, "token_policies": ["base", "WEB", "web"], "token_ttl": 1200,
             "token_bound_cidrs": ["10.1.0.0/16", "10.0.0.1"]}
    assert desk.plan(roles(web=again)).empty
    assert desk.settle(roles(web={**given, "token_num_uses": 6})) == ["POST auth/approle/role/web"]
    assert desk.recorder.seen[-1][0] == "GET"
    cleared = {"mount": {"ref": "approle"}, **dict.fromkeys(WHOLE)}
    assert desk.settle(roles(web=cleared)) == ["POST auth/approle/role/web"]
    shown = live(desk)
    assert not any(shown[name] for name in WHOLE if name not in ("token_type", "bind_secret_id"))
    assert (shown["token_type"], shown["bind_secret_id"]) == ("default", True)
    assert desk.settle(roles(web={"mount": {"ref": "approle"}, "token_period": "1h"})) == ["POST auth/approle/role/web"]
    desk.settle(roles(web={"mount": {"ref": "approle"}, "token_period": "0", "token_type": "batch"}))
    assert desk.settle(AUTH) == ["DELETE auth/approle/role/web"]
    assert live(desk) is None


def test_dropping_a_field_leaves_it_and_null_sends_its_default(desk: Desk) -> None:
    """Omitted fields stay as they are at the server, so zero is said explicitly."""
    desk.settle(AUTH)
    desk.settle(roles(web={"token_num_uses": 5, "token_ttl": "1h"}))
    made = desk.plan(roles(web={"token_ttl": "1h"}))
    assert made.empty and "no longer managed" in desk.action(made, "approle_role/web").notes[0].text
    desk.settle(roles(web={"token_ttl": "1h", "token_num_uses": None}))
    bodies = [body for method, path, body, _ in desk.recorder.seen if path.endswith("role/web") and method == "POST"]
    assert bodies[-1] == b'{"token_num_uses": 0}'


def test_drift_is_undone_and_a_role_removed_by_hand_is_made_again(desk: Desk) -> None:
    """Also when only a policy was added."""
    given = roles(web={"mount": {"ref": "approle"}, "token_policies": ["web"], "token_ttl": "1h"})
    desk.settle(given)
    desk.place.ask("POST", "auth/approle/role/web", {"token_policies": ["web", "root-like"], "token_num_uses": 9})
    made = desk.plan(given)
    assert desk.paths(made, "approle_role/web") == {"token_policies": (["web", "root-like"], ["web"])}
    assert "drift" in [i.value for i in desk.action(made, "approle_role/web").impact]
    desk.settle(given)
    assert live(desk)["token_num_uses"] == 9
    desk.place.ask("DELETE", "auth/approle/role/web")
    assert desk.acts(given) == {"approle_role/web": "create"}
    desk.settle(given)


def test_an_equal_role_is_adopted_without_a_write_and_another_is_not(desk: Desk) -> None:
    """A role has no room for a mark."""
    desk.settle(AUTH)
    desk.place.ask("POST", "auth/approle/role/web", {"token_ttl": "1h", "token_policies": ["A"]})
    assert desk.acts(roles(web={"token_ttl": "2h"})) == {"approle_role/web": "blocked"}
    assert desk.acts(roles(web={"token_ttl": "1h", "token_policies": ["a"]})) == {"approle_role/web": "adopt"}
    assert desk.settle(roles(web={"token_ttl": "1h", "token_policies": ["a"]})) == []
    desk.settle(AUTH)
    desk.place.ask("POST", "auth/approle/role/web", {"token_ttl": "1h"})
    desk.settle(roles(web={"token_ttl": "2h", "lifecycle": {"adopt": "changes"}}))


def test_the_same_name_in_two_mounts_is_two_roles(desk: Desk) -> None:
    """The mount belongs to the natural key; without one the usual mount is meant."""
    manifest: dict[str, Any] = {
        "auth_method": {"approle": {"type": "approle"}, "second": {"type": "approle", "path": "ci/approle"}},
        "approle_role": {"a": {"name": "web", "mount": {"ref": "approle"}, "token_ttl": "1h"},
                         "b": {"name": "web", "mount": {"ref": "second"}, "token_ttl": "2h"}}}
    desk.settle(manifest)
    assert desk.place.ask("GET", "auth/ci/approle/role/web")["token_ttl"] == 7200
    assert live(desk)["token_ttl"] == 3600
    manifest["approle_role"]["a"] = {"name": "web", "token_ttl": "1h"}
    assert desk.plan(manifest).empty


def test_only_asked_roles_are_read_and_everything_is_listed_on_request(desk: Desk) -> None:
    """One GET a role; with everything asked, one LIST a mount before."""
    from reconciler.contract import Ask

    desk.settle(AUTH)
    for name in ("a", "b", "c"):
        desk.place.ask("POST", f"auth/approle/role/{name}", {})
    before = len(desk.recorder.seen)
    desk.plan(roles(a={"mount": "approle"}))
    read = [path for _, path, _, _ in desk.recorder.seen[before:] if "/role" in path]
    assert read == ["/v1/auth/approle/role/a"]
    parents = tuple(o for o in desk.kinds["vault.auth_method"].list(Ask(everything=True)) if isinstance(o, Live))
    found = [one.id for one in desk.kinds["vault.approle_role"].list(Ask(parents=parents, everything=True))]
    assert found == [f"auth/approle/role/{n}" for n in "abc"]


def test_a_role_id_may_be_chosen_and_changed_as_a_secret(desk: Desk) -> None:
    """It is half a credential: never shown, and only read where the manifest names it."""
    desk.settle(roles(web={"mount": {"ref": "approle"}, "role_id": {"secret": "pw"}}))
    assert desk.place.ask("GET", "auth/approle/role/web/role-id") == {"role_id": "hunter2"}
    made = desk.plan(roles(web={"mount": {"ref": "approle"}, "role_id": {"secret": "other"}}))
    assert "hunter2" not in repr(made) and "s3cr3t" not in repr(made)
    desk.settle(roles(web={"mount": {"ref": "approle"}, "role_id": {"secret": "other"}}))
    assert desk.place.ask("GET", "auth/approle/role/web/role-id") == {"role_id": "s3cr3t"}
    desk.place.ask("POST", "auth/approle/role/web", {"role_id": "by-hand"})
    desk.settle(roles(web={"mount": {"ref": "approle"}, "role_id": {"secret": "other"}}))
    desk.settle(roles(web={"mount": {"ref": "approle"}, "role_id": None}))


def test_a_taken_role_id_is_a_refusal_although_the_server_says_500(desk: Desk) -> None:
    """So the outcome is known: nothing happened."""
    desk.settle(AUTH)
    desk.place.ask("POST", "auth/approle/role/other", {"role_id": "hunter2"})
    desk.api.clock = TestClock()
    made = desk.plan(roles(web={"mount": "approle", "role_id": {"secret": "pw"}}))
    outcome = desk.run(made).outcomes[0]
    assert outcome.result.value == "failed" and "already in use" in outcome.error


def test_a_role_id_can_be_delivered_when_the_role_is_made(desk: Desk) -> None:
    """Its new object is read with it."""
    kept: dict[str, str] = {}

    class Box:
        def check(self, delivery: Delivery) -> None: ...
        def put(self, delivery: Delivery, value: Secret) -> str:
            kept[delivery.key] = value.reveal()
            return "r"

    desk.sink = Box()  # type: ignore[assignment]
    deliver = {"role_id": {"to": "box", "path": "x", "key": "k"}}
    desk.settle(roles(web={"mount": {"ref": "approle"}, "lifecycle": {"deliver": deliver}}))
    assert kept == {"k": desk.place.ask("GET", "auth/approle/role/web/role-id")["role_id"]}


def test_a_policy_may_be_linked_and_an_absent_one_is_told(desk: Desk) -> None:
    """Naming a policy that is not there is legal and gives nothing; an entry's policy is made first."""
    rules = [{"path": "kv/data/a", "capabilities": ["read"]}]
    manifest = {**AUTH, "policy": {"web": {"rules": rules}},
                "approle_role": {"web": {"mount": {"ref": "approle"}, "token_policies": [{"ref": "web"}, "gone"]}}}
    made = desk.plan(manifest)
    facts = [fact.text for fact in desk.kinds["vault.approle_role"].look(desk.action(made, "approle_role/web"))]
    assert facts == ["there is no policy gone yet: it gives nothing"]
    writes = desk.settle(manifest)
    assert writes.index("POST sys/policies/acl/web") < writes.index("POST auth/approle/role/web")
    assert live(desk)["token_policies"] == ["web", "gone"]
    without = {**AUTH, "policy": {}, "approle_role": {}}
    writes = desk.settle(without)
    assert writes == ["DELETE auth/approle/role/web", "DELETE sys/policies/acl/web"]


def test_another_reach_of_secret_ids_is_another_role(desk: Desk) -> None:
    """local_secret_ids is given at creation only."""
    desk.settle(roles(web={"mount": {"ref": "approle"}}))
    made = desk.plan(roles(web={"mount": {"ref": "approle"}, "local_secret_ids": True}))
    assert desk.action(made, "approle_role/web").effect == "replace"
    assert desk.settle(roles(web={"mount": {"ref": "approle"}, "local_secret_ids": True})) == [
        "DELETE auth/approle/role/web", "POST auth/approle/role/web"]


@pytest.mark.parametrize(("fields", "path"), [
    ({"name": "Web"}, None), ({"name": "a b"}, None), ({"name": "a/b"}, None),
    ({"token_bound_cidrs": ["10.0.0.300"]}, None), ({"token_ttl": "-1s"}, None),
    ({"token_type": "default-service"}, None),
    ({"token_num_uses": -1}, None),
    ({"bind_secret_id": False}, "bind_secret_id"), ({"token_type": "batch", "token_num_uses": 1}, "token_num_uses"),
    ({"token_type": "batch", "token_period": "1m"}, "token_period"),
    ({"token_ttl": "2h", "token_max_ttl": "1h"}, "token_ttl"),
])
def test_what_the_server_would_refuse_is_a_finding(desk: Desk, fields: dict[str, Any], path: str | None) -> None:
    """By type, or by what two fields say together; names in upper case with the one that the server keeps."""
    kind = desk.kinds["vault.approle_role"]
    if path is None:
        with pytest.raises(ValueError, match="validation error"):
            kind.spec.model_validate({"name": "web", **fields})
        return
    assert [at for at, _ in kind.check(kind.spec.model_validate({"name": "web", **fields}).given())] == [path]


def test_a_name_in_upper_case_is_told_with_the_right_one(desk: Desk) -> None:
    """Also where it is the manifest's own name."""
    kind = desk.kinds["vault.approle_role"]
    assert [text for at, text in kind.check({"name": "Web"})] == [
        "the server keeps names in lower case, without blanks around them: write 'web'"]
