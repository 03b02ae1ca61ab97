"""Groups, password policies and audit devices, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

from reconciler.vendors.vault.audit import CLOSED
from tests.vault.conftest import ROOT
from tests.vault.desk import Desk, Place

POLICY = 'length = 20\nrule "charset" {\n  charset = "abc"\n}\n'


def test_a_group_gives_its_members_what_it_says(bao: Place) -> None:
    """An entity's token gets the group's policies; foreign metadata stays, and so does a member that is not declared."""
    desk = Desk(bao)
    entity = bao.ask("POST", "identity/entity", {"name": "ada"})["id"]
    rules = 'path "kv/data/a" { capabilities = ["read"] }'
    whole: dict[str, Any] = {"policy": {"api": {"rules": rules}},
                             "identity_group": {"team": {"policies": [{"ref": "api"}], "member_entity_ids": [entity],
                                                         "metadata": {"floor": 5}}}}
    assert desk.settle(whole) == ["POST sys/policies/acl/api", "POST identity/group/name/team"]
    group = bao.ask("GET", "identity/group/name/TEAM")
    assert (group["policies"], group["member_entity_ids"], group["metadata"]["floor"]) == (["api"], [entity], "5")
    assert bao.ask("GET", "identity/entity/name/ada")["group_ids"] == [group["id"]]
    bao.ask("POST", "identity/group/name/team", {"metadata": {**group["metadata"], "theirs": "x"}})
    assert desk.plan(whole).empty
    whole["identity_group"]["team"] = {"policies": ["default"], "metadata": {"floor": 6}}
    desk.settle(whole)
    group = bao.ask("GET", "identity/group/name/team")
    assert (group["member_entity_ids"], group["metadata"]["theirs"], group["metadata"]["floor"]) == ([entity], "x", "6")


def test_a_group_that_was_renamed_by_hand_is_found_by_its_id(desk: Desk) -> None:
    """The plan makes no second group: the name is planned back as a replacement of the same one."""
    whole: dict[str, Any] = {"identity_group": {"team": {"policies": ["default"]}}}
    desk.settle(whole)
    id = desk.place.ask("GET", "identity/group/name/team")["id"]
    desk.place.ask("POST", f"identity/group/id/{id}", {"name": "crew"})
    made = desk.plan(whole)
    assert desk.action(made, "identity_group/team").id == id


def test_a_group_within_a_group_is_made_first(desk: Desk) -> None:
    """A reference to a group is to its id, which only the server gives."""
    whole: dict[str, Any] = {"identity_group": {"all": {"member_group_ids": [{"ref": "team"}]}, "team": {}}}
    assert desk.settle(whole) == ["POST identity/group/name/team", "POST identity/group/name/all"]
    made = desk.plan({"identity_group": {"team": {}}})
    assert desk.ops(made) == {"identity_group/all": "delete"}


def test_password_policies_are_compared_by_meaning_and_make_passwords(desk: Desk) -> None:
    """Layout, order and doubled characters are no difference; JSON becomes HCL, which holds our mark."""
    desk.settle({"password_policy": {"short": {"policy": POLICY}}})
    kept = desk.place.ask("GET", "sys/policies/password/short")["policy"]
    assert kept == f"# reconciler: shop/test vault.password_policy/short\n{POLICY}"
    for same in ('rule "charset" { charset = "cba" } length = 20', '{"length": 20, "rule": {"charset": {"charset": "aabc"}}}'):
        assert desk.plan({"password_policy": {"short": {"policy": same}}}).empty, same
    longer = '{"length": 30, "rule": [{"charset": {"charset": "xyz", "min-chars": 3}}]}'
    assert desk.settle({"password_policy": {"short": {"policy": longer}}}) == ["POST sys/policies/password/short"]
    assert len(desk.place.ask("GET", "sys/policies/password/short/generate")["password"]) == 30


def test_a_server_that_makes_no_audit_device_says_so_in_the_plan(server: str) -> None:
    """Its own reason, before anything is sent; an OpenBao of the usual configuration makes none."""
    place = Place(server, ROOT)
    desk = Desk(place)
    made = desk.plan({"audit_device": {"log": {"type": "file", "options": {"file_path": "/dev/null"}}}})
    assert CLOSED in desk.blocked(made)["audit_device/log"]
    place.close()


def test_a_namespace_has_no_audit_devices(bao: Place) -> None:
    """What the server refuses to list is told in its words, and never taken for absent."""
    desk = Desk(bao)
    made = desk.plan({"audit_device": {"log": {"type": "file", "options": {"file_path": "/dev/null"}}}})
    assert "operation only available in root namespace" in desk.blocked(made)["audit_device/log"]


def test_a_device_that_changes_is_another_one(audited: str) -> None:
    """The plan says that nothing is written down in between."""
    place = Place(audited, ROOT)
    desk = Desk(place)
    log: dict[str, Any] = {"audit_device": {"log": {"type": "file", "options": {"file_path": "/dev/null"}}}}
    assert desk.settle(log) == ["POST sys/audit/log"]
    raw = {"audit_device": {"log": {"type": "file", "options": {"file_path": "/dev/null", "log_raw": True}}}}
    notes = [note.text for note in desk.action(desk.plan(raw), "audit_device/log").notes]
    assert "between the old device and the new one nothing is written down there" in notes
    assert desk.settle(raw) == ["DELETE sys/audit/log", "POST sys/audit/log"]
    assert desk.settle({"mount": {"t": {"type": "transit"}}}) == ["DELETE sys/audit/log", "POST sys/mounts/t"]
    place.ask("DELETE", "sys/mounts/t")
    place.close()
