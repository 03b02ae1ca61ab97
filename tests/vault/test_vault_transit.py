"""Transit keys, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

from tests.vault.desk import Desk, Place

MOUNT = {"mount": {"transit": {"type": "transit"}}}
GONE = "irreversible:vault.transit_key/pii"


def key(**fields: Any) -> dict[str, Any]:
    """A manifest with one key."""
    return {**MOUNT, "transit_key": {"pii": {"mount": {"ref": "transit"}, **fields}}}


def test_a_key_lives_from_create_to_an_end_that_takes_consent(desk: Desk) -> None:
    """Digest, scenario 9: refused while deletion is not allowed; with consent it is allowed, then the key is deleted."""
    assert desk.settle(key(auto_rotate_period="720h")) == ["POST sys/mounts/transit", "POST transit/keys/pii"]
    made = desk.plan(MOUNT)
    assert "deletion_allowed is off" in desk.blocked(made)["transit_key/pii"]
    assert desk.settle(MOUNT, allow=[GONE]) == ["POST transit/keys/pii/config", "DELETE transit/keys/pii"]
    assert desk.place.ask("GET", "transit/keys/pii") is None


def test_what_only_the_settings_take_is_a_second_call(desk: Desk) -> None:
    """The server ignores min_encryption_version where a key is made, so it follows."""
    wrote = desk.settle(key(min_encryption_version=1, deletion_allowed=True))
    assert wrote == ["POST sys/mounts/transit", "POST transit/keys/pii", "POST transit/keys/pii/config"]
    assert desk.place.ask("GET", "transit/keys/pii")["min_encryption_version"] == 1


def test_a_key_of_another_type_is_never_written_over(desk: Desk) -> None:
    """Digest, scenario 8: the server would take the write and ignore it; here it is refused, and nothing is sent."""
    desk.settle(MOUNT)
    desk.place.ask("POST", "transit/keys/pii", {"type": "ed25519"})
    before = len(desk.recorder.seen)
    made = desk.plan(key(type="aes256-gcm96"))
    assert "transit_key/pii" in desk.blocked(made)
    desk.run(made)
    assert desk.writes(before) == []


def test_a_key_that_somebody_makes_between_plan_and_apply_is_told(desk: Desk) -> None:
    """The answer to a create whose name is taken is no error: what is not as asked is read back and told."""
    desk.settle(MOUNT)
    made = desk.plan(key(type="aes256-gcm96"))
    desk.place.ask("POST", "transit/keys/pii", {"type": "ed25519"})
    (outcome,) = desk.run(made).outcomes
    assert outcome.result.value == "failed" and "type" in str(outcome.error), outcome


def test_versions_that_are_shut_off_are_warned_of(desk: Desk) -> None:
    """Raising min_decryption_version makes old ciphertext unreadable."""
    desk.settle(key())
    desk.place.ask("POST", "transit/keys/pii/rotate", {})
    made = desk.plan(key(min_decryption_version=2))
    notes = [note.text for note in desk.action(made, "transit_key/pii").notes]
    assert "what older versions encrypted can't be read any more, until it is lowered again" in notes
    desk.settle(key(min_decryption_version=2))
    desk.settle(key(min_decryption_version=1))


def test_a_key_is_not_written_into_a_mount_of_another_type(place: Place) -> None:
    """A kv would keep it as a secret."""
    desk = Desk(place)
    desk.settle({"mount": {"kv": {"type": "kv"}}})
    made = desk.plan({"mount": {"kv": {"type": "kv"}}, "transit_key": {"pii": {"mount": "kv"}}})
    assert "kv is of the type kv, not transit" in desk.blocked(made)["transit_key/pii"]
