"""The settings of a versioned kv, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

from tests.vault.desk import Desk

MOUNT: dict[str, Any] = {"mount": {"kv": {"type": "kv-v2"}}}
OLD: dict[str, Any] = {"mount": {"k1": {"type": "kv", "options": {"version": "1"}}}}


def test_the_settings_of_a_kv_are_changed_reset_and_forgotten(desk: Desk) -> None:
    """They always exist: with a new mount they are written after it, and a removed entry leaves them as they are."""
    given = {"mount": {"ref": "kv"}, "max_versions": 3, "cas_required": True, "delete_version_after": "90m"}
    assert desk.settle({**MOUNT, "kv_config": {"kv": given}}) == ["POST sys/mounts/kv", "POST kv/config"]
    config = desk.place.ask("GET", "kv/config")
    assert (config["max_versions"], config["cas_required"], config["delete_version_after"]) == (3, True, "1h30m0s")
    assert desk.settle({**MOUNT, "kv_config": {"kv": {**given, "max_versions": 4}}}) == ["POST kv/config"]
    desk.place.ask("POST", "kv/config", {"cas_required": False})
    made = desk.plan({**MOUNT, "kv_config": {"kv": {**given, "max_versions": 4}}})
    assert [i.value for i in desk.action(made, "kv_config/kv").impact] == ["drift"]
    reset = {"mount": "kv", "max_versions": None, "cas_required": None, "delete_version_after": None}
    desk.settle({**MOUNT, "kv_config": {"kv": reset}})
    config = desk.place.ask("GET", "kv/config")
    assert (config["max_versions"], config["cas_required"], config["delete_version_after"]) == (0, False, "0s")
    assert desk.acts(MOUNT) == {"kv_config/kv": "forget"}
    assert desk.settle(MOUNT) == []


def test_settings_of_an_existing_kv_are_taken_over(desk: Desk) -> None:
    """The first take-over of one that differs has the impact adopt; an equal one is nothing at all."""
    desk.settle(MOUNT)
    assert desk.acts({**MOUNT, "kv_config": {"kv": {"mount": "kv", "max_versions": 0}}}) == {}
    made = desk.plan({**MOUNT, "kv_config": {"kv": {"mount": "kv", "max_versions": 7}}})
    assert "adopt" in [i.value for i in desk.action(made, "kv_config/kv").impact]
    desk.settle({**MOUNT, "kv_config": {"kv": {"mount": "kv", "max_versions": 7}}})


def test_an_unversioned_kv_has_no_settings(desk: Desk) -> None:
    """There, kv/config would be a secret called config."""
    manifest = {**OLD, "kv_config": {"c": {"mount": "k1", "max_versions": 3}}}
    desk.settle(OLD)
    desk.place.ask("POST", "k1/config", {"max_versions": "a secret"})
    assert "no versioned kv" in desk.blocked(desk.plan(manifest))["kv_config/c"]
    assert desk.acts({"mount": {**OLD["mount"], "n": {"type": "kv", "options": {"version": "1"}}},
                      "kv_config": {"c": {"mount": {"ref": "n"}, "max_versions": 3}}})["kv_config/c"] == "blocked"


def test_settings_that_came_with_their_mount_are_ours_at_once(desk: Desk) -> None:
    """A change by hand right after is drift, and no first take-over; a removed entry is let go."""
    given = {**MOUNT, "kv_config": {"kv": {"mount": {"ref": "kv"}, "max_versions": 3}}}
    made = desk.run(desk.plan(given))
    assert {(outcome.address.kind, outcome.id) for outcome in made.outcomes} == {
        ("vault.mount", "kv"), ("vault.kv_config", "kv/config")}
    desk.place.ask("POST", "kv/config", {"max_versions": 9})
    assert [i.value for i in desk.action(desk.plan(given), "kv_config/kv").impact] == ["drift"]
    assert desk.acts(MOUNT) == {"kv_config/kv": "forget"}
