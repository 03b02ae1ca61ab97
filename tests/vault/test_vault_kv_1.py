"""Secrets in kv version 1, and their way to version 2, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

from tests.vault.desk import Desk

PW, OTHER = {"secret": "pw"}, {"secret": "other"}
OLD: dict[str, Any] = {"mount": {"k1": {"type": "kv", "options": {"version": "1"}}}}


def test_version_1_keeps_the_keys_of_others_and_lets_a_removed_secret_go(desk: Desk) -> None:
    """It has no versions and no metadata, so which keys are ours is not known after the entry is gone."""
    given = {**OLD, "kv_secret": {"app": {"mount": {"ref": "k1"}, "path": "api/app", "data": {"pw": PW}}}}
    assert desk.settle(given) == ["POST sys/mounts/k1", "POST k1/api/app"]
    desk.place.ask("POST", "k1/api/app", {"pw": "drifted", "else": "x"})
    desk.settle(given)
    assert desk.place.ask("GET", "k1/api/app") == {"pw": "hunter2", "else": "x"}
    made = desk.plan(OLD)
    assert desk.ops(made) == {"kv_secret/app": "forget"}
    assert "version 1" in desk.action(made, "kv_secret/app").notes[0].text
    assert desk.settle(OLD) == []
    wrong = {**OLD, "kv_secret": {"app": {"mount": "k1", "data": {"a": PW}, "custom_metadata": {"a": "b"}}}}
    assert "keeps nothing" in desk.blocked(desk.plan(wrong))["kv_secret/app"]


def test_a_secret_is_followed_through_an_upgrade_of_its_engine(desk: Desk) -> None:
    """What was made in version 1 is the same entry in version 2."""
    given = {**OLD, "kv_secret": {"app": {"mount": {"ref": "k1"}, "data": {"pw": PW}}}}
    desk.settle(given)
    up = {"mount": {"k1": {"type": "kv-v2"}}, "kv_secret": given["kv_secret"]}
    assert desk.settle(up) == ["POST sys/mounts/k1/tune"]
    up["kv_secret"]["app"]["data"] = {"pw": OTHER}
    assert desk.settle(up) == ["POST k1/data/app", "POST k1/metadata/app"]
