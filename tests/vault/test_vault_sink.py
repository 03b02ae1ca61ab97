"""Secrets handed to Vault and read from it, on a real OpenBao and in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract.vendor import load
from reconciler.errors import Denied, Failure, Refused, Unsure
from reconciler.model import Delivery
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR
from reconciler.vendors.vault.sink import VaultSecrets, VaultSink
from tests.vault.desk import Place

READ = 'path "kv/*" { capabilities = ["read"] }'
WRITE = 'path "kv/*" { capabilities = ["create", "update"] }'


@pytest.fixture
def at(place: Place) -> Place:
    """Two engines of version 2, one inside the path of the other, and one of version 1."""
    for path, version in (("kv", "2"), ("kvs/deep", "2"), ("old", "1")):
        place.ask("POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": version}})
    return place


def sink(at: Place, **settings: Any) -> VaultSink:
    """The sink as the workspace makes it."""
    api = at.connect(**settings)
    made = load(VENDOR.sinks or "")(lambda: api)
    assert isinstance(made, VaultSink)
    return made


def to(path: str, key: str = "k") -> Delivery:
    return Delivery("vault", path, key)


@pytest.mark.parametrize(("path", "read", "receipt"), [
    ("kv/api/stripe", "kv/data/api/stripe", "kv/api/stripe#k version 1"),
    ("kvs/deep/a", "kvs/deep/data/a", "kvs/deep/a#k version 1"), ("old/a/b", "old/a/b", "old/a/b#k"),
])
def test_a_secret_is_written_into_the_longest_mount(at: Place, path: str, read: str, receipt: str) -> None:
    """In either version; the receipt says where it is and not what."""
    made = sink(at)
    made.check(to(path))
    assert made.put(to(path), Secret("hunter2")) == receipt
    found = at.ask("GET", read)
    assert (found["data"] if "/data/" in read else found) == {"k": "hunter2"}


def test_keys_of_others_are_kept(at: Place) -> None:
    """Whatever they are."""
    at.ask("POST", "kv/data/x", {"data": {"a": "1", "n": 5, "d": {"x": [1]}}})
    at.ask("POST", "old/x", {"a": "1"})
    made = sink(at)
    assert made.put(to("kv/x"), Secret("s")) == "kv/x#k version 2"
    made.put(to("old/x"), Secret("s"))
    assert at.ask("GET", "kv/data/x")["data"] == {"a": "1", "n": 5, "d": {"x": [1]}, "k": "s"}
    assert at.ask("GET", "old/x") == {"a": "1", "k": "s"}


def test_a_deleted_secret_gets_a_new_version(at: Place) -> None:
    """On the version that was deleted."""
    at.ask("POST", "kv/data/x", {"data": {"a": "1"}})
    at.ask("DELETE", "kv/data/x")
    assert sink(at).put(to("kv/x"), Secret("s")) == "kv/x#k version 2"


def test_a_write_that_comes_between_is_kept_too(at: Place) -> None:
    """The key is laid into what is there then."""
    made = sink(at)
    api = made.reach()
    send = api.send
    calls: list[Any] = []

    def late(call: Any, key: str | None = None) -> Any:
        if not calls:
            at.ask("POST", "kv/data/x", {"data": {"theirs": "1"}})
        calls.append(call)
        return send(call, key)

    api.send = late  # type: ignore[method-assign]
    made.put(to("kv/x"), Secret("s"))
    assert at.ask("GET", "kv/data/x")["data"] == {"theirs": "1", "k": "s"} and len(calls) == 2


def test_an_answer_that_was_lost_is_looked_for(at: Place) -> None:
    """What is there counts; what is not there is unsure."""
    made = sink(at)
    api = made.reach()
    send = api.send

    def lost(call: Any, key: str | None = None) -> Any:
        send(call, key)
        raise Unsure("lost")

    api.send = lost  # type: ignore[method-assign]
    assert made.put(to("kv/x"), Secret("s")) == "kv/x#k version 1"

    def gone(call: Any, key: str | None = None) -> Any:
        raise Unsure("lost")

    api.send = gone  # type: ignore[method-assign]
    with pytest.raises(Unsure):
        made.put(to("kv/y"), Secret("s"))


def test_what_can_not_work_is_refused_before_anything_is_made(at: Place) -> None:
    """No mount, no kv, no right to write, no right to see the keys of others."""
    at.ask("POST", "sys/mounts/transit", {"type": "transit"})
    with pytest.raises(Denied, match="no mount above nope/x"):
        sink(at).check(to("nope/x"))
    with pytest.raises(Refused, match="transit is no kv"):
        sink(at).check(to("transit/x"))
    for name, rules in (("reader", READ), ("writer", WRITE)):
        at.ask("POST", f"sys/policies/acl/{name}", {"policy": rules})
        with pytest.raises(Denied, match="may not read and write kv/x"):
            sink(at, token=Secret(at.token_of(name))).check(to("kv/x"))
    sink(at, token=Secret(at.token_of("reader", "writer"))).check(to("kv/x"))


def test_named_secrets_are_read_from_either_version(at: Place) -> None:
    """What is no text is read as JSON; an absent one is said."""
    at.ask("POST", "kv/data/a/b", {"data": {"k": "v", "n": 5}})
    at.ask("POST", "old/a", {"k": "w"})
    api = at.connect(read_only=True)
    secrets = load(VENDOR.secrets or "")(api)
    assert isinstance(secrets, VaultSecrets)
    found = [secrets.read(p, k).reveal() for p, k in (("kv/a/b", "k"), ("/kv/a/b/", "n"), ("old/a", "k"))]
    assert found == ["v", "5", "w"]
    for path, key, why in (("kv/a/b", "x", "no key"), ("kv/none", "k", "no secret"), ("nope/a", "k", "no mount")):
        with pytest.raises(Failure, match=why):
            secrets.read(path, key)
    at.ask("DELETE", "kv/data/a/b")
    with pytest.raises(Refused, match="no secret"):
        secrets.read("kv/a/b", "k")
