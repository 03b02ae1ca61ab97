"""Secrets in kv, version 2, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.secret import Secret
from tests.vault.desk import Desk

PW, OTHER = {"secret": "pw"}, {"secret": "other"}
MOUNT: dict[str, Any] = {"mount": {"kv": {"type": "kv-v2"}}}


def secret(**more: Any) -> dict[str, Any]:
    """A manifest with one secret."""
    return {**MOUNT, "kv_secret": {"app": {"mount": {"ref": "kv"}, "path": "api/app", **more}}}


def data(desk: Desk, path: str = "kv/data/api/app") -> Any:
    """What is there now."""
    found = desk.place.ask("GET", path)
    return None if found is None else found["data"] if "/data/" in path else found


def test_a_secret_lives_from_create_to_soft_deletion(desk: Desk) -> None:
    """Made with its mount in one run; changed as a new version; deleted softly, and the plan says so."""
    assert desk.settle(secret(data={"pw": PW})) == [
        "POST sys/mounts/kv", "POST kv/data/api/app", "POST kv/metadata/api/app"]
    assert data(desk) == {"pw": "hunter2"}
    assert desk.settle(secret(data={"pw": OTHER})) == ["POST kv/data/api/app"]
    assert data(desk) == {"pw": "s3cr3t"}
    assert desk.settle(secret(data={"pw": OTHER, "more": PW})) == ["POST kv/data/api/app", "POST kv/metadata/api/app"]
    assert desk.settle(secret(data={"pw": OTHER, "more": None})) == ["POST kv/data/api/app", "POST kv/metadata/api/app"]
    assert data(desk) == {"pw": "s3cr3t"}
    made = desk.plan(MOUNT)
    assert any("soft deletion" in note.text for note in desk.action(made, "kv_secret/app").notes)
    assert desk.settle(MOUNT) == ["DELETE kv/data/api/app", "POST kv/metadata/api/app"]
    assert data(desk) is None
    assert "4" in desk.place.ask("GET", "kv/metadata/api/app")["versions"]


def test_no_secret_value_is_in_a_plan(desk: Desk) -> None:
    """Neither ours nor those of others, in whatever way the plan is written down."""
    desk.settle(secret(data={"pw": PW}))
    values = {"pw": "by-hand", "foreign": "not-ours", "deep": {"x": ["buried"]}}
    desk.place.ask("POST", "kv/data/api/app", {"data": values})
    made = desk.plan(secret(data={"pw": OTHER}))
    assert desk.ops(made) == {"kv_secret/app": "update"}
    text = repr(made) + repr(desk.action(made, "kv_secret/app").live)
    for value in ("hunter2", "s3cr3t", "by-hand", "not-ours", "buried"):
        assert value not in text
    assert all(change.secret for change in desk.action(made, "kv_secret/app").changes)


def two(path: str) -> dict[str, Any]:
    """A manifest in which the second secret stands at this path, and the first one has left."""
    return {**MOUNT, "kv_secret": {"app": {"mount": {"ref": "kv"}, "path": path, "data": {"pw": OTHER}}}}


def both() -> dict[str, Any]:
    """The second secret at a path of its own, and the first one."""
    found = two("api/app")
    found["kv_secret"]["old"] = {**found["kv_secret"]["app"], "path": "api/old", "data": {"gone": PW}}
    return found


def test_a_path_is_taken_over_in_the_run_that_gives_it_up(desk: Desk) -> None:
    """One secret leaves and another moves to its path: the soft deletion goes first, and of its values none come back."""
    desk.settle(both())
    sent = desk.settle(two("api/old"))
    assert sent.index("DELETE kv/data/api/old") < sent.index("POST kv/data/api/old")
    assert data(desk, "kv/data/api/old") == {"pw": "s3cr3t"}
    assert data(desk, "kv/data/api/app") is None


def test_a_path_where_others_have_something_is_not_taken_over(desk: Desk) -> None:
    """What stays of others keeps the path, in this run and in every later one."""
    desk.settle(both())
    desk.place.ask("POST", "kv/data/api/old", {"data": {"gone": "hunter2", "theirs": "x"}})
    made = desk.plan(two("api/old"))
    assert desk.ops(made) == {"kv_secret/app": "blocked", "kv_secret/old": "delete"}
    desk.settle(two("api/app"))
    assert desk.ops(desk.plan(two("api/old"))) == {"kv_secret/app": "blocked"}
    assert data(desk, "kv/data/api/old") == {"theirs": "x"}


def test_keys_of_others_stay_in_every_write_and_after_removal(desk: Desk) -> None:
    """Only named keys are managed; a removed entry leaves a new version without them."""
    desk.settle(secret(data={"pw": PW, "two": PW}))
    theirs = {"foreign": "x", "number": 5, "deep": {"a": [1, "b"]}}
    desk.place.ask("POST", "kv/data/api/app", {"data": {"pw": "hunter2", "two": "hunter2", **theirs}})
    assert desk.plan(secret(data={"pw": PW, "two": PW})).empty
    desk.settle(secret(data={"pw": OTHER, "two": PW}))
    assert data(desk) == {"pw": "s3cr3t", "two": "hunter2", **theirs}
    desk.settle(secret(data={"pw": OTHER}))
    assert data(desk) == {"pw": "s3cr3t", **theirs}
    note = desk.action(desk.plan(MOUNT), "kv_secret/app").notes[0].text
    assert "deep, foreign, number stay" in note
    assert desk.settle(MOUNT) == ["POST kv/data/api/app", "POST kv/metadata/api/app"]
    assert data(desk) == theirs
    assert not desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]


def test_drift_of_a_secret_is_seen_and_undone(desk: Desk) -> None:
    """Values are read and compared; a key that somebody removed is put back."""
    given = secret(data={"pw": PW})
    desk.settle(given)
    desk.place.ask("POST", "kv/data/api/app", {"data": {"pw": "changed"}})
    assert [i.value for i in desk.action(desk.plan(given), "kv_secret/app").impact] == ["access", "drift"]
    assert desk.settle(given) == ["POST kv/data/api/app"]
    desk.place.ask("POST", "kv/data/api/app", {"data": {"else": "x"}})
    desk.settle(given)
    assert data(desk) == {"pw": "hunter2", "else": "x"}


def test_a_soft_deleted_secret_is_restored_by_a_new_version(desk: Desk) -> None:
    """Also one whose versions were destroyed, and one that went altogether is made again."""
    given = secret(data={"pw": PW})
    desk.settle(given)
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    desk.place.ask("POST", "kv/metadata/api/app", {"custom_metadata": {**custom, "theirs": "x"}})
    desk.place.ask("DELETE", "kv/data/api/app")
    made = desk.plan(given)
    assert desk.action(made, "kv_secret/app").effect == "restore"
    desk.settle(given)
    assert desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"] == {**custom, "theirs": "x"}
    desk.place.ask("POST", "kv/destroy/api/app", {"versions": [2]})
    desk.settle(given)
    assert data(desk) == {"pw": "hunter2"}
    desk.place.ask("DELETE", "kv/metadata/api/app")
    assert desk.acts(given) == {"kv_secret/app": "create"}
    desk.settle(given)
    desk.settle(MOUNT)
    assert desk.acts(given) == {"kv_secret/app": "update"}
    desk.settle(given)
    assert data(desk) == {"pw": "hunter2"}


def test_a_write_that_came_between_is_not_overwritten(desk: Desk) -> None:
    """The version that the plan saw is a condition of the write."""
    desk.settle(secret(data={"pw": PW}))
    made = desk.plan(secret(data={"pw": OTHER}))
    desk.place.ask("POST", "kv/data/api/app", {"data": {"pw": "theirs"}})
    assert desk.run(made).outcomes[0].result.value == "stale"
    assert data(desk) == {"pw": "theirs"}
    call = desk.action(made, "kv_secret/app").make[0]
    assert call.body["options"] == {"cas": 1} and not call.safe
    fresh = desk.plan({**MOUNT, "kv_secret": {"new": {"mount": "kv", "data": {"a": PW}}}})
    desk.place.ask("POST", "kv/data/new", {"data": {"a": "theirs"}})
    assert {o.address.name: o.result.value for o in desk.run(fresh).outcomes} == {"new": "stale", "app": "done"}
    assert data(desk, "kv/data/new") == {"a": "theirs"}


def test_write_once_writes_what_is_missing_and_nothing_else(desk: Desk) -> None:
    """A value that is there is somebody's own, whatever it is."""
    given = secret(data={"pw": PW}, write_once=True)
    desk.settle(given)
    desk.place.ask("POST", "kv/data/api/app", {"data": {"pw": "rotated"}})
    assert desk.plan(given).empty
    assert desk.plan(secret(data={"pw": OTHER}, write_once=True)).empty
    desk.settle(secret(data={"pw": OTHER, "second": OTHER}, write_once=True))
    assert data(desk) == {"pw": "rotated", "second": "s3cr3t"}
    assert desk.acts(secret(data={"pw": PW, "second": OTHER})) == {"kv_secret/app": "update"}
    desk.settle(secret(data={"pw": PW, "second": None}, write_once=True))
    assert data(desk) == {"pw": "rotated"}


def test_an_equal_secret_is_adopted_and_another_needs_consent(desk: Desk) -> None:
    """Adopting writes the mark and the names of our keys, no version."""
    desk.settle(MOUNT)
    desk.place.ask("POST", "kv/data/api/app", {"data": {"pw": "hunter2", "else": "x"}})
    assert desk.acts(secret(data={"pw": OTHER})) == {"kv_secret/app": "blocked"}
    assert desk.settle(secret(data={"pw": PW})) == ["POST kv/metadata/api/app"]
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    assert custom == {"reconciler_stack": "shop/test", "reconciler_address": "vault.kv_secret/app",
                      "reconciler_keys": '["pw"]'}
    desk.settle(MOUNT)
    assert data(desk) == {"else": "x"}
    desk.settle(secret(data={"else": PW}, lifecycle={"adopt": "changes"}))
    assert data(desk) == {"else": "hunter2"}


def test_another_stacks_secret_is_nobodys_to_take(desk: Desk) -> None:
    """Its mark blocks."""
    desk.settle(secret(data={"pw": PW}))
    other = Desk(desk.place)
    other.stack = "other"
    made = other.plan({"kv_secret": {"app": {"mount": "kv", "path": "api/app", "data": {"pw": PW}}}})
    assert "belongs to shop/test" in other.blocked(made)["kv_secret/app"]
    other.api.close()


def test_what_is_kept_beside_a_secret(desk: Desk) -> None:
    """Metadata of others stays, ours is changed key by key, null resets; values may be numbers."""
    given = secret(data={"pw": PW}, custom_metadata={"team": "core", "level": 3}, max_versions=5, cas_required=True,
                   delete_version_after="1h")
    assert desk.settle(given) == ["POST sys/mounts/kv", "POST kv/data/api/app", "POST kv/metadata/api/app"]
    meta = desk.place.ask("GET", "kv/metadata/api/app")
    custom = meta["custom_metadata"]
    assert (custom["team"], custom["level"], meta["max_versions"], meta["cas_required"]) == ("core", "3", 5, True)
    desk.place.ask("POST", "kv/metadata/api/app", {"custom_metadata": {**custom, "theirs": "x"}})
    assert desk.plan(given).empty
    changed = secret(data={"pw": PW}, custom_metadata={"team": "other", "level": None}, max_versions=None,
                     cas_required=None, delete_version_after=None)
    assert desk.settle(changed) == ["POST kv/metadata/api/app"]
    meta = desk.place.ask("GET", "kv/metadata/api/app")
    theirs = {k: v for k, v in meta["custom_metadata"].items() if "reconciler" not in k}
    assert theirs == {"team": "other", "theirs": "x"}
    assert (meta["max_versions"], meta["cas_required"], meta["delete_version_after"]) == (0, False, "0s")
    desk.settle(secret(data={"pw": PW}))
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    assert "team" not in custom and custom["theirs"] == "x"
    desk.settle(secret(data={"pw": PW}, custom_metadata=None))
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    assert set(custom) == {"reconciler_stack", "reconciler_address", "reconciler_keys"}


def test_many_keys_are_recorded_over_several_values(desk: Desk) -> None:
    """A value of metadata has 512 bytes; names go on in the next one."""
    many = {f"a_rather_long_name_of_a_key_{n}": PW for n in range(60)}
    desk.settle(secret(data=many))
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    assert {"reconciler_keys", "reconciler_keys_2", "reconciler_keys_3", "reconciler_keys_4"} <= set(custom)
    desk.settle(secret(data={"one": PW}))
    custom = desk.place.ask("GET", "kv/metadata/api/app")["custom_metadata"]
    assert custom["reconciler_keys"] == '["one"]' and "reconciler_keys_2" not in custom
    assert data(desk) == {"one": "hunter2"}


def test_another_path_is_another_secret_made_before_the_old_one_goes(desk: Desk) -> None:
    """There is never a moment without the value."""
    desk.settle(secret(data={"pw": PW}))
    moved = {**MOUNT, "kv_secret": {"app": {"mount": "kv", "path": "api/new", "data": {"pw": PW}}}}
    assert desk.settle(moved) == ["POST kv/data/api/new", "POST kv/metadata/api/new", "DELETE kv/data/api/app",
                                  "POST kv/metadata/api/app"]


def test_paths_and_names_with_odd_characters(desk: Desk) -> None:
    """They are encoded once, and read back as they were."""
    entry: dict[str, Any] = {"mount": {"ref": "kv"}, "path": "tëam a/p%q", "data": {"tls.crt": PW, "a b": PW}}
    odd = {**MOUNT, "kv_secret": {"app": entry}}
    desk.settle(odd)
    assert data(desk, "kv/data/t%C3%ABam%20a/p%25q") == {"tls.crt": "hunter2", "a b": "hunter2"}
    entry["data"] = {"tls.crt": OTHER}
    desk.settle(odd)
    assert data(desk, "kv/data/t%C3%ABam%20a/p%25q") == {"tls.crt": "s3cr3t"}


def test_a_mount_that_can_not_hold_it_is_refused_in_the_plan(desk: Desk) -> None:
    """An absent mount, and one of another type."""
    desk.settle({"mount": {"t": {"type": "transit"}}})
    for mount, why in (("nope", "no mount above nope/data/app"), ("t", "no kv engine")):
        manifest = {"mount": {"t": {"type": "transit"}}, "kv_secret": {"app": {"mount": mount, "data": {"a": PW}}}}
        assert why in desk.blocked(desk.plan(manifest))["kv_secret/app"]


@pytest.mark.parametrize(("fields", "path"), [
    ({"data": {"": PW}}, "data."), ({"data": {"a": None}}, "data"),
    ({"data": {"a": PW}, "custom_metadata": {"reconciler_stack": "x"}}, "custom_metadata.reconciler_stack"),
    ({"data": {"a": PW}, "custom_metadata": {"reconciler_keys_2": "x"}}, "custom_metadata.reconciler_keys_2"),
    ({"data": {"a": PW}, "custom_metadata": {"a": ""}}, "custom_metadata.a"),
    ({"data": {"a": PW}, "custom_metadata": {"a": "é" * 257}}, "custom_metadata.a"),
    ({"data": {"a": PW}, "custom_metadata": {"a" * 129: "x"}}, f"custom_metadata.{'a' * 129}"),
    ({"data": {"a": PW}, "custom_metadata": {str(n): "x" for n in range(61)}}, "custom_metadata"),
])
def test_what_the_server_would_refuse_is_a_finding(desk: Desk, fields: dict[str, Any], path: str) -> None:
    """Names and values of metadata have limits, and ours are reserved."""
    kind = desk.kinds["vault.kv_secret"]
    shape = kind.shape
    given = {key: desk._put_in(value, shape.child(key)) for key, value in fields.items()}
    checked = kind.spec.model_validate({"path": "a", "mount": "kv", **given}).given()
    assert [at for at, _ in kind.check(checked)] == [path]


def test_a_secret_may_come_from_another_entry(desk: Desk) -> None:
    """A role id made in the same run is written without ever being in the plan."""
    manifest = {**MOUNT, "auth_method": {"approle": {"type": "approle"}},
                "approle_role": {"web": {"mount": {"ref": "approle"}}},
                "kv_secret": {"web": {"mount": {"ref": "kv"}, "data": {
                    "role_id": {"ref": "vault.approle_role/web", "output": "role_id"}}}}}
    desk.settle(manifest)
    role_id = desk.place.ask("GET", "auth/approle/role/web/role-id")["role_id"]
    assert data(desk, "kv/data/web") == {"role_id": role_id}
    live = desk.kinds["vault.kv_secret"].get("kv/data/web")
    assert live is not None and live.fields["data"] == {"role_id": Secret(role_id)}
