"""Fingerprints and seals: what they tell, and what nobody can read from them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.ledger.prints import Key, prints, same, seal, valid
from reconciler.model import Owner
from reconciler.secret import Secret

KEY = Key.of("correct horse")
FIELDS: dict[str, Any] = {
    "name": "Pro", "unit_amount": 2900, "nickname": None, "metadata": {"tier": "pro", "seats": "3"}, "payloads": {},
    "recurring": {"interval": "month", "trial": {"days": 7}}, "tiers": [{"up_to": 1}, {"up_to": "inf"}],
}


@pytest.mark.parametrize("key", [KEY, None])
def test_every_leaf_has_one_digest_and_lists_are_leaves(key: Key | None) -> None:
    """Paths go down maps to what is not one; an empty map and a list stand for themselves."""
    found = prints(FIELDS, key, "salt")
    assert set(found) == {"name", "unit_amount", "nickname", "metadata.tier", "metadata.seats", "payloads",
                          "recurring.interval", "recurring.trial.days", "tiers"}
    assert found == prints(dict(reversed(FIELDS.items())), key, "salt")
    assert all(same(found[path], FIELDS[path], key, "salt") for path in ("name", "payloads", "tiers", "nickname"))
    assert same(found["recurring.trial.days"], 7, key, "salt")


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize(("one", "other"), [("a", "b"), (1, "1"), (None, ""), ([], {}), ([1], [2]), (True, "true")])
def test_different_values_have_different_digests(key: Key | None, one: Any, other: Any) -> None:
    """Types count as values do: null, an empty string, an empty list and an empty map are four things."""
    assert not same(prints({"a": one}, key, "s")["a"], other, key, "s")


def test_a_salt_keeps_two_ledgers_apart() -> None:
    """Equal values in two stacks can't be recognised by their digests, with or without scrypt."""
    for hard in (False, True):
        one, two = (prints({"a": "x"}, None, salt, lambda path: hard)["a"] for salt in ("s1", "s2"))  # noqa: B023
        assert one != two
        assert same(one, "x", None, "s1")
        assert not same(one, "x", None, "s2")


def test_secrets_without_a_key_are_slow_to_guess() -> None:
    """A secret value, alone or inside a list, and a path named hard get scrypt; the rest does not."""
    fields = {"plain": "x", "secret": Secret("hunter2"), "list": [{"k": Secret("hunter2")}], "hard": "hunter2"}
    found = prints(fields, None, "s", lambda path: path == "hard")
    assert {path: print.partition(":")[0] for path, print in found.items()} == {
        "plain": "sha256", "secret": "scrypt", "list": "scrypt", "hard": "scrypt"}
    assert found["secret"] == found["hard"]
    assert same(found["secret"], Secret("hunter2"), None, "s")
    assert not same(found["secret"], Secret("hunter3"), None, "s")


@pytest.mark.parametrize("key", [KEY, None])
def test_no_digest_holds_a_value(key: Key | None) -> None:
    """Nothing of a value can be seen in its digest."""
    text = repr(prints({"a": Secret("canary-8c1f"), "b": ["canary-8c1f"], "c": {"d": "canary-8c1f"}}, key, "s"))
    assert "canary" not in text


def test_digests_outlive_a_change_of_the_key() -> None:
    """What was written without a key, or under a previous one, is still compared; under an unknown key it is not."""
    old = prints({"a": 1}, KEY, "s")["a"]
    bare = prints({"a": 1}, None, "s")["a"]
    turned = Key.of("new", ("correct horse",))
    assert same(old, 1, turned, "s")
    assert same(bare, 1, turned, "s")
    assert not same(old, 2, turned, "s")
    assert not same(old, 1, Key.of("new"), "s")
    assert not same(old, 1, None, "s")
    assert not same("", 1, KEY, "s")
    assert not same("md5:1", 1, KEY, "s")
    assert prints({"a": 1}, turned, "s")["a"] != old


def test_a_seal_can_be_made_with_the_key_only() -> None:
    """A mark copied to another address, written by hand, or sealed under another key is not ours."""
    mark = seal(Owner("sql2ai/prod", "stripe.price/pro"), KEY)
    assert valid(mark, KEY)
    assert valid(mark, Key.of("new", ("correct horse",)))
    for forged in (Owner("sql2ai/prod", "stripe.price/pro"), Owner("sql2ai/prod", "stripe.price/b", mark.seal),
                   Owner("sql2ai/test", "stripe.price/pro", mark.seal), Owner("sql2ai/prod", "stripe.price/pro", "é")):
        assert not valid(forged, KEY)
    assert not valid(mark, Key.of("new"))


@pytest.mark.parametrize("text", [None, "", Secret("")])
def test_without_a_key_nothing_is_sealed_and_nothing_checked(text: str | Secret | None) -> None:
    """An empty key is no key."""
    key = Key.of(text)
    assert key is None
    mark = Owner("sql2ai/prod", "stripe.price/pro")
    assert seal(mark, key) == mark
    assert valid(mark, key)
    assert valid(Owner("sql2ai/prod", "stripe.price/pro", "whatever"), key)
