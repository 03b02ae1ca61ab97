"""Secret engines and login methods, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import Failure
from tests.vault.desk import Desk


def test_a_mount_lives_from_create_to_destruction(desk: Desk) -> None:
    """One POST makes it, one tune changes it, null resets it, and it goes only with consent by address."""
    given: dict[str, Any] = {"type": "kv", "options": {"version": "2"}, "description": "app", "config": {
        "default_lease_ttl": "1h", "max_lease_ttl": 7200, "listing_visibility": "unauth",
        "audit_non_hmac_request_keys": ["b", "a"], "audit_non_hmac_response_keys": ["c"],
        "passthrough_request_headers": ["X-A"], "allowed_response_headers": ["X-B"]}}
    assert desk.settle({"mount": {"kv": given}}) == ["POST sys/mounts/kv"]
    desk.settle({"mount": {"kv": {**given, "config": {**given["config"], "audit_non_hmac_request_keys": ["a", "b"]}}}})
    changed = {**given, "description": "other", "config": {"default_lease_ttl": 90, "max_lease_ttl": None,
                                                           "listing_visibility": "hidden",
                                                           "audit_non_hmac_request_keys": []}}
    assert desk.settle({"mount": {"kv": changed}}) == ["POST sys/mounts/kv/tune"]
    assert desk.settle({"mount": {"kv": {**given, "description": None, "config": None}}}) == ["POST sys/mounts/kv/tune"]
    body = desk.place.ask("GET", "sys/mounts")["kv/"]
    assert {k: v for k, v in body["config"].items() if v} in ({}, {"listing_visibility": "hidden"})
    assert body["description"] == "[reconciler shop/test vault.mount/kv]"
    keep = {"mount": {"other": {"type": "transit"}}}
    desk.settle({**keep, "mount": {**keep["mount"], "kv": given}})
    made = desk.plan(keep)
    assert "destroyed" in desk.blocked(made)["mount/kv"]
    assert desk.settle(keep, allow=["irreversible:vault.mount/kv"]) == ["DELETE sys/mounts/kv"]
    assert "kv/" not in desk.place.ask("GET", "sys/mounts")


def test_kv_v2_is_one_thing_in_two_words(desk: Desk) -> None:
    """`kv-v2` and version 2 of kv are the same, also when numbers are written (users lost secrets over this)."""
    desk.settle({"mount": {"kv": {"type": "kv-v2"}}})
    for given in ({"type": "kv", "options": {"version": "2"}}, {"type": "kv", "options": {"version": 2}},
                  {"type": "kv"}):
        assert desk.plan({"mount": {"kv": given}}).empty, given


def test_a_kv_is_upgraded_in_place_and_never_goes_back(desk: Desk) -> None:
    """Version 1 to 2 is one tune with a warning; 2 to 1 would be another mount, and is refused."""
    desk.settle({"mount": {"kv": {"type": "kv", "options": {"version": "1"}}}})
    desk.place.ask("POST", "kv/x", {"a": "1"})
    made = desk.plan({"mount": {"kv": {"type": "kv-v2"}}})
    assert any("upgraded in place" in note.text for note in desk.action(made, "mount/kv").notes)
    assert desk.settle({"mount": {"kv": {"type": "kv-v2"}}}) == ["POST sys/mounts/kv/tune"]
    assert desk.api.get("/v1/kv/data/x")["data"] == {"a": "1"}
    for back in ({"type": "kv", "options": {"version": "1"}}, {"type": "kv", "options": None}):
        made = desk.plan({"mount": {"kv": back}})
        assert "destroyed" in desk.blocked(made)["mount/kv"]


def test_another_path_or_type_is_another_mount(desk: Desk) -> None:
    """What can't change is a replace that destroys: refused, and the way to keep the data is said."""
    desk.settle({"mount": {"a": {"path": "team/a", "type": "kv-v2"}}})
    for given in ({"path": "team/b", "type": "kv-v2"}, {"path": "team/a", "type": "transit"},
                  {"path": "team/a", "type": "kv-v2", "seal_wrap": True}):
        made = desk.plan({"mount": {"a": given}})
        assert "destroyed" in desk.blocked(made)["mount/a"], given
    assert any("secrets move" in note.text for note in
               desk.action(desk.plan({"mount": {"a": {"path": "team/b", "type": "kv-v2"}}}), "mount/a").notes)
    allowed = ["irreversible:vault.mount/a"]
    writes = desk.settle({"mount": {"a": {"path": "team/a", "type": "transit"}}}, allow=allowed)
    assert writes == ["DELETE sys/mounts/team/a", "POST sys/mounts/team/a"]


def test_a_mount_that_was_moved_by_hand_is_found_by_its_mark(desk: Desk) -> None:
    """The description goes along, so the entry is followed to its new path without a loss."""
    desk.settle({"mount": {"a": {"path": "old", "type": "kv-v2"}}})
    desk.place.ask("POST", "sys/remount", {"from": "old", "to": "new"})
    moved = {"mount": {"a": {"path": "new", "type": "kv-v2"}}}
    for _ in range(50):
        if desk.acts(moved) == {"mount/a": "adopt"}:
            break
    assert desk.settle(moved) == []


def test_drift_is_undone_and_a_mount_removed_by_hand_is_made_again(desk: Desk) -> None:
    """Both are drift; what nobody manages is left alone."""
    given = {"mount": {"kv": {"type": "kv-v2", "description": "app", "config": {"max_lease_ttl": "2h"}}}}
    desk.settle(given)
    desk.place.ask("POST", "sys/mounts/kv/tune", {"max_lease_ttl": "9h", "default_lease_ttl": "1h"})
    made = desk.plan(given)
    assert desk.paths(made, "mount/kv") == {"config.max_lease_ttl": (32400, "2h")}
    assert [i.value for i in desk.action(made, "mount/kv").impact] == ["drift"]
    desk.settle(given)
    assert desk.place.ask("GET", "sys/mounts")["kv/"]["config"]["default_lease_ttl"] == 3600
    desk.place.ask("DELETE", "sys/mounts/kv")
    assert desk.acts(given) == {"mount/kv": "create"}
    desk.settle(given)


def test_an_equal_mount_is_adopted_with_its_mark_alone_and_another_is_not(desk: Desk) -> None:
    """Adopting tunes the description; a difference needs consent."""
    desk.place.ask("POST", "sys/mounts/kv", {"type": "kv-v2", "description": "by hand"})
    assert desk.acts({"mount": {"kv": {"type": "kv-v2", "description": "mine"}}}) == {"mount/kv": "blocked"}
    same = {"mount": {"kv": {"type": "kv-v2", "description": "by hand"}}}
    assert desk.acts(same) == {"mount/kv": "adopt"}
    assert desk.settle(same) == ["POST sys/mounts/kv/tune"]
    assert desk.place.ask("GET", "sys/mounts")["kv/"]["description"] == (
        "by hand\n[reconciler shop/test vault.mount/kv]")
    changes = {"mount": {"kv": {"type": "kv-v2", "description": "mine", "lifecycle": {"adopt": "changes"}}}}
    desk.settle(changes)


def test_a_mount_that_is_let_go_loses_our_mark(desk: Desk) -> None:
    """`on_remove: keep` leaves the mount and takes the mark off."""
    desk.settle({"mount": {"kv": {"type": "kv-v2", "description": "x", "lifecycle": {"on_remove": "keep"}},
                           "t": {"type": "transit"}}})
    assert desk.settle({"mount": {"t": {"type": "transit"}}}) == ["POST sys/mounts/kv/tune"]
    assert desk.place.ask("GET", "sys/mounts")["kv/"]["description"] == "x"


@pytest.mark.parametrize(("noun", "name", "fields", "path"), [
    ("mount", "sys", {"type": "kv"}, "path"),
    ("mount", "identity", {"type": "kv"}, "path"),
    ("mount", "x", {"type": "cubbyhole"}, "path"),
    ("auth_method", "token", {"type": "token"}, "path"),
    ("mount", "kv", {"type": "kv", "options": {"version": "3"}}, "options.version"),
    ("mount", "kv", {"type": "kv", "config": {"default_lease_ttl": "2h", "max_lease_ttl": "1h"}},
     "config.default_lease_ttl"),
])
def test_what_the_server_keeps_for_itself_is_a_finding(desk: Desk, noun: str, name: str, fields: dict[str, Any],
                                                       path: str) -> None:
    """Built-in mounts, unknown versions and contradictory times are told offline."""
    kind = desk.kinds[f"vault.{noun}"]
    given = kind.spec.model_validate({"path": name, **fields}).given()
    assert [at for at, _ in kind.check(given)] == [path]


@pytest.mark.parametrize("fields", [
    {"path": "a/", "type": "kv"}, {"path": "/a", "type": "kv"}, {"path": "a//b", "type": "kv"}, {"type": ""},
    {"type": "kv-v2", "options": {"version": "1"}}, {"type": "kv", "config": {"max_lease_ttl": "soon"}},
    {"type": "kv", "config": {"max_lease_ttl": -1}}, {"type": "kv", "config": {"max_lease_ttl": "1.5s"}},
    {"type": "kv", "config": {"listing_visibility": "public"}}, {"type": "kv", "config": {"token_type": "batch"}},
])
def test_fields_are_typed(desk: Desk, fields: dict[str, Any]) -> None:
    """Paths have no slashes at their ends, durations are whole and not negative, words are known."""
    with pytest.raises(ValueError, match="validation error"):
        desk.kinds["vault.mount"].spec.model_validate(fields)


def test_all_mounts_are_read_at_once_and_the_servers_own_are_left_out(desk: Desk) -> None:
    """One GET each for engines and login methods, however many there are."""
    desk.settle({"mount": {n: {"type": "kv-v2"} for n in ("a", "b", "c")}, "auth_method": {"u": {"type": "userpass"}}})
    before = len(desk.recorder.seen)
    plan = {"mount": {n: {"type": "kv-v2"} for n in ("a", "b", "c")}, "auth_method": {"u": {"type": "userpass"}}}
    assert desk.plan(plan).empty
    paths = sorted(path for _, path, _, _ in desk.recorder.seen[before:])
    assert paths == ["/v1/auth/token/lookup-self", "/v1/sys/auth", "/v1/sys/mounts"]
    assert not {"sys", "identity", "cubbyhole"} & {one.id for one in desk.kinds["vault.mount"].list(ask())}
    assert not {"token"} & {one.id for one in desk.kinds["vault.auth_method"].list(ask())}


def ask() -> Any:
    """A question for everything."""
    from reconciler.contract import Ask

    return Ask(everything=True)


def test_a_login_method_lives_from_create_to_destruction(desk: Desk) -> None:
    """What is tuned follows its creation, because the server takes user lockouts only then."""
    given: dict[str, Any] = {"type": "userpass", "description": "people", "config": {
        "default_lease_ttl": "30m", "max_lease_ttl": "1h", "token_type": "batch", "listing_visibility": "unauth",
        "audit_non_hmac_request_keys": ["a"], "audit_non_hmac_response_keys": ["b"],
        "passthrough_request_headers": ["X-A"], "allowed_response_headers": ["X-B"],
        "user_lockout_config": {"lockout_threshold": 3, "lockout_duration": "5m", "lockout_counter_reset_duration": 360,
                                "lockout_disable": False}}}
    assert desk.settle({"auth_method": {"people": given}}) == ["POST sys/auth/people", "POST sys/auth/people/tune"]
    lockout = {**given["config"]["user_lockout_config"], "lockout_threshold": 4, "lockout_duration": None,
               "lockout_disable": True}
    changed = {**given, "config": {**given["config"], "token_type": None, "user_lockout_config": lockout}}
    made = desk.plan({"auth_method": {"people": changed}})
    assert desk.paths(made, "auth_method/people") == {
        "config.token_type": ("batch", None), "config.user_lockout_config.lockout_threshold": (3, 4),
        "config.user_lockout_config.lockout_duration": (300, None),
        "config.user_lockout_config.lockout_disable": (None, True)}
    assert desk.settle({"auth_method": {"people": changed}}) == ["POST sys/auth/people/tune"]
    cleared = {**given, "config": {"user_lockout_config": None}}
    desk.settle({"auth_method": {"people": cleared}})
    desk.settle({"auth_method": {"people": {**given, "config": None}}})
    stays = {"auth_method": {"approle": {"type": "approle"}}}
    desk.settle({"auth_method": {**stays["auth_method"], "people": given}})
    assert "revoked" in desk.blocked(desk.plan(stays))["auth_method/people"]
    assert desk.settle(stays, allow=["irreversible:vault.auth_method/people"]) == ["DELETE sys/auth/people"]


def test_options_are_sent_only_where_they_change(desk: Desk) -> None:
    """A tune with options once took a kv back to version 1 (hashicorp/vault#5237)."""
    given = {"type": "kv-v2", "description": "a"}
    desk.settle({"mount": {"kv": given}})
    desk.settle({"mount": {"kv": {**given, "description": "b"}}})
    bodies = [body for method, path, body, _ in desk.recorder.seen if path.endswith("/tune") and method == "POST"]
    assert bodies and all(b"options" not in body for body in bodies)


def test_a_path_in_use_is_refused_with_the_servers_words(desk: Desk) -> None:
    """Somebody else was quicker: nothing is overwritten."""
    made = desk.plan({"mount": {"kv": {"type": "kv-v2"}}})
    desk.place.ask("POST", "sys/mounts/kv", {"type": "transit"})
    outcome = desk.run(made).outcomes[0]
    assert outcome.result.value == "failed" and "already in use" in outcome.error
    with pytest.raises(Failure, match="vault"):
        desk.api.get("/v1/sys/mounts/nope/tune")


def test_what_went_by_hand_and_leaves_the_manifest_needs_no_request(desk: Desk) -> None:
    """A mount that is gone already is no failure (hashicorp/terraform-provider-vault#3006)."""
    stays = {"mount": {"t": {"type": "transit"}}}
    desk.settle({"mount": {**stays["mount"], "kv": {"type": "kv-v2"}},
                 "kv_secret": {"a": {"mount": {"ref": "kv"}, "data": {"k": {"secret": "pw"}}}}})
    desk.place.ask("DELETE", "sys/mounts/kv")
    assert desk.settle(stays) == []


@pytest.mark.parametrize(("fields", "path"), [
    ({"type": "jwt", "config": {"user_lockout_config": {"lockout_threshold": 3}}}, "config.user_lockout_config"),
    ({"type": "approle", "config": {"plugin_version": None}}, "config.plugin_version"),
])
def test_what_a_login_method_can_not_take_is_a_finding(desk: Desk, fields: dict[str, Any], path: str) -> None:
    """The server refuses both, whatever else is in the tune."""
    assert [at for at, _ in desk.kinds["vault.auth_method"].check({"path": "x", **fields})] == [path]
    desk.place.ask("POST", "sys/auth/x", {"type": fields["type"]})
    body = {name: value or "" for name, value in fields["config"].items()}
    with pytest.raises(AssertionError, match="400"):
        desk.place.ask("POST", "sys/auth/x/tune", body)
