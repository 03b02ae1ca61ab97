"""A ledger that is older than what is live, and objects that people put in the place of ours: nothing goes, nothing doubles."""

from __future__ import annotations

import copy

import pytest

from tests.engine.entries import PLAN, PROJECT
from tests.world import Shop

FLAG = {"flag": {"beta": {"variants": [{"key": "a", "share": 1}]}}}
KEY = {"project": {"web": {}}, "key": {"api": {"project": {"ref": "web"}, "lifecycle": {"rotate": "1"}}}}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def by_hand(shop: Shop, place: str, **other: object) -> None:
    """Somebody removes the one object of a collection, and makes it again in the dashboard: it has another id, and no mark."""
    (old,) = shop.cloud.objects[place].values()
    shop.cloud.objects[place] = {"hand": {**old, "metadata": {}, "id": "hand", **other}}


@pytest.mark.parametrize(("manifest", "place"), [
    (PROJECT, "projects"), (FLAG, "flags"), ({"note": {"n": {"text": "t"}}}, "notes")])
def test_what_was_made_again_by_hand_is_adopted_and_not_doubled(shop: Shop, manifest: dict[str, object], place: str) -> None:
    """The ledger's id has gone and another object has the natural key: taken where it is equal, with a note."""
    shop.apply(manifest)
    by_hand(shop, place, **({"metadata": {"team": "x"}} if place == "projects" else {}))
    (action,) = shop.plan(manifest).actions
    assert action.op.value == "adopt" and "not there any more" in " ".join(note.text for note in action.notes)
    shop.apply(manifest)
    assert list(shop.cloud.objects[place]) == ["hand"]
    assert shop.acts(manifest) == {}


def test_what_was_made_again_otherwise_is_blocked(shop: Shop) -> None:
    """One that differs is nobody's to change, though the entry had an object once."""
    shop.apply(PROJECT)
    by_hand(shop, "projects", title="Theirs")
    assert shop.acts(PROJECT) == {"project/web": "blocked"}
    assert shop.acts({}) == {"project/web": "forget"}


def test_a_ledger_from_before_a_supersede_finds_the_new_object(shop: Shop) -> None:
    """An old backup is put back: its rate is archived, the newer one has our mark and the key, and is the one that is meant."""
    shop.apply(PLAN)
    backup = copy.deepcopy(shop.store.records)
    dearer = {**PLAN, "rate": {"month": {**PLAN["rate"]["month"], "amount": 3500}}}
    shop.apply(dearer)
    shop.store.records = backup
    before = copy.deepcopy(shop.cloud.objects["rates"])
    assert shop.acts(dearer) == {"rate/month": "adopt"}
    shop.apply(dearer)
    assert shop.cloud.objects["rates"] == before and shop.acts(dearer) == {}


def test_a_ledger_from_before_a_rotation_makes_no_third_key(shop: Shop) -> None:
    """The key that it knows has gone and another one has the name: nobody makes one beside it."""
    shop.apply(KEY)
    backup = copy.deepcopy(shop.store.records)
    turned = {**KEY, "key": {"api": {**KEY["key"]["api"], "lifecycle": {"rotate": "2"}}}}
    shop.apply(turned)
    shop.store.records = backup
    assert shop.acts(KEY) == {"key/api": "adopt"}
    shop.apply(KEY)
    assert len(shop.cloud.objects["keys"]) == 1 and shop.acts(KEY) == {}


def test_an_old_key_that_waits_for_its_end_takes_nobodys_place(shop: Shop) -> None:
    """The new key is removed by hand while the old one is kept: a new one is made, the old one stays what it is."""
    shop.apply(KEY)
    turned = {**KEY, "key": {"api": {**KEY["key"]["api"], "lifecycle": {"rotate": "2", "keep_old": "7d"}}}}
    shop.apply(turned)
    old, new = shop.cloud.objects["keys"]
    del shop.cloud.objects["keys"][new]
    assert shop.acts(turned) == {"key/api": "create"}
    shop.apply(turned)
    assert old in shop.cloud.objects["keys"] and len(shop.cloud.objects["keys"]) == 2
    assert shop.acts(turned) == {}


def test_an_entry_with_an_id_is_not_made_again(shop: Shop) -> None:
    """`lifecycle.id` never creates, also when the ledger knew the object and somebody removed it."""
    shop.cloud.objects["projects"] = {"p9": {"id": "p9", "slug": "web", "title": "Web", "metadata": {"team": "x"}}}
    bound = {"project": {"web": {**PROJECT["project"]["web"], "lifecycle": {"id": "p9"}}}}
    shop.apply(bound)
    del shop.cloud.objects["projects"]["p9"]
    assert shop.acts(bound) == {"project/web": "blocked"}


def test_an_object_that_is_named_by_its_id_comes_over_from_its_old_entry(shop: Shop) -> None:
    """`lifecycle.id` names what an entry that is gone had: it moves, and the old entry ends nothing later."""
    shop.apply(PROJECT)
    named = {"project": {"site": {"slug": "web", "lifecycle": {"id": "projects_1", "on_remove": "keep"}}}}
    action = shop.action(shop.plan(named), "project/site")
    assert str(action.moved_from) == "cloud.project/web"
    shop.apply(named)
    assert list(shop.store.read().entries) == ["cloud.project/site"]
    shop.apply({})
    assert "projects_1" in shop.cloud.objects["projects"] and not shop.store.read().entries
