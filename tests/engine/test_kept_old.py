"""An old object whose time is up goes once nobody uses it, and not before."""

from __future__ import annotations

import pytest

from reconciler.model import Fate, Op
from tests.cloud import Key
from tests.world import Shop

PROJECT = {"project": {"web": {}}}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def keyed(rotate: str) -> dict[str, object]:
    return {**PROJECT, "key": {"k1": {"project": {"ref": "web"}, "lifecycle": {
        "rotate": rotate, "keep_old": "7d", "deliver": {"token": {"to": "box", "path": "kv", "key": "t"}}}}}}


def test_an_old_key_that_is_still_used_waits(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is up and it stays, told by a line; another rotation meanwhile removes neither; unused, both go."""
    used = {"keys_2"}
    monkeypatch.setattr(Key, "fate", lambda self, live: Fate("delete", live.id in used, "somebody sends with it"))
    shop.apply(keyed("1"))
    shop.apply(keyed("2"))
    shop.clock.sleep(8 * 86400)
    made = shop.plan(keyed("2"))
    assert shop.acts(keyed("2")) == {}
    assert [note.text for note in shop.action(made, "key/k1").notes] == ["old keys_2 stays: somebody sends with it"]
    shop.apply(keyed("3"))
    shop.clock.sleep(8 * 86400)
    shop.sent()
    shop.apply(keyed("3"))
    assert shop.sent() == ["DELETE keys/keys_3"]
    used.clear()
    shop.apply(keyed("3"))
    assert shop.sent() == ["DELETE keys/keys_2"]
    assert shop.acts(keyed("3")) == {} and set(shop.cloud.objects["keys"]) == {"keys_4"}


def test_removing_the_entry_asks_for_an_old_key_in_use_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new one may go, the old one that is used may not: refused without its address."""
    monkeypatch.setattr(Key, "fate", lambda self, live: Fate("delete", live.id == "keys_2", "somebody sends with it"))
    shop.apply(keyed("1"))
    shop.apply(keyed("2"))
    action = shop.action(shop.plan(PROJECT), "key/k1")
    assert action.op is Op.BLOCKED and "somebody sends with it" in str(action.blocked)
    assert shop.action(shop.plan(PROJECT, allow=("irreversible:cloud.key/k1",)), "key/k1").drops == ("keys_3", "keys_2")


def test_removing_the_entry_tells_of_the_old_object_too(shop: Shop) -> None:
    """Both keys go, or both stay where the entry says so, and the plan names the old one either way."""
    shop.apply(keyed("1"))
    shop.apply(keyed("2"))
    (note,) = shop.action(shop.plan(PROJECT), "key/k1").notes
    assert (note.subject, note.text) == ("left behind", "keys_2 (delete)")
    kept = keyed("2")
    kept["key"]["k1"]["lifecycle"]["on_remove"] = "keep"  # type: ignore[index]
    shop.apply(kept)
    assert "keys_2 stays too" in shop.action(shop.plan(PROJECT), "key/k1").notes[-1].text
    shop.apply(PROJECT)
    assert set(shop.cloud.objects["keys"]) == {"keys_2", "keys_3"} and not shop.store.read().entries.get("cloud.key/k1")


def test_a_secret_of_an_adopted_object_is_said_not_to_be_delivered(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the answer to a create is handed over; who declares a delivery for what is there already is told so."""
    from reconciler.contract import Output
    from tests.cloud import Room

    monkeypatch.setattr(Room, "outputs", {"id": Output(), "code": Output(secret=True)})
    shop.cloud.objects.setdefault("rooms", {})["r9"] = {"id": "r9", "name": "blue", "size": 1}
    manifest = {"room": {"blue": {"lifecycle": {"deliver": {"code": {"to": "box", "path": "kv", "key": "c"}}}}}}
    notes = [note.text for note in shop.action(shop.plan(manifest), "room/blue").notes]
    assert notes == ["code not delivered: the object was there before; refer to it, or rotate it where that is possible"]
