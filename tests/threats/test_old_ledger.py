"""A ledger that is older than what is live, and objects that people put in the place of ours: nothing goes, nothing doubles."""

from __future__ import annotations

import copy
import random

import pytest

from tests.engine.entries import PLAN, PROJECT
from tests.engine.random_stacks import SEED, manifest
from tests.world import Shop

FLAG = {"flag": {"beta": {"variants": [{"key": "a", "share": 1}]}}}
KEY = {"project": {"web": {}}, "key": {"api": {"project": {"ref": "web"}, "lifecycle": {"rotate": "1"}}}}


KEYS = {"projects": "slug", "flags": "key", "pages": "path", "rooms": "name", "seats": "name", "notes": "title",
        "rates": "code"}
"""The natural key of each collection."""


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


def twins(shop: Shop) -> list[str]:
    """The natural keys that more than one object in use has."""
    found = []
    for place, field in KEYS.items():
        held = [one[field] for one in shop.cloud.objects.get(place, {}).values()
                if one.get("active") is not False or place == "flags"]
        found += [f"{place} {key}" for key in set(held) if key is not None and held.count(key) > 1]
    return found


def meddled(shop: Shop, rng: random.Random) -> None:
    """Somebody removes an object of ours, and perhaps makes it again, without our mark."""
    there = sorted((place, id) for place in KEYS for id in shop.cloud.objects.get(place, {}))
    if there:
        place, id = rng.choice(there)
        one = shop.cloud.objects[place].pop(id)
        if rng.random() < 0.5:
            shop.cloud.objects[place][f"hand-{id}"] = {**one, "id": f"hand-{id}", "metadata": {}}


@pytest.mark.parametrize("seed", range(SEED, SEED + 25))
def test_no_history_of_old_ledgers_and_hands_doubles_anything(shop: Shop, seed: int) -> None:
    """Random stacks, backups put back, answers lost, objects removed and made again by hand: one object a natural key."""
    rng, backups = random.Random(seed), []
    for _ in range(8):
        backups.append(copy.deepcopy(shop.store.records))
        if rng.random() < 0.3:
            when, fault = len(shop.cloud.sent) + rng.randint(0, 3), rng.choice(("reset before", "reset after", "refuse"))
            shop.cloud.faults = {when: fault}
        shop.apply(manifest(rng))
        shop.cloud.faults = {}
        assert twins(shop) == [], seed
        if rng.random() < 0.4:
            shop.store.records = copy.deepcopy(rng.choice(backups))
        if rng.random() < 0.4:
            meddled(shop, rng)


def test_an_old_rate_of_ours_takes_no_key_from_one_that_is_in_use(shop: Shop) -> None:
    """The ledger is lost, ours is archived and somebody made one with its key: that one counts."""
    shop.apply(PLAN)
    shop.store.records = shop.store.records[:1]
    ours = shop.cloud.objects["rates"]["rates_2"]
    shop.cloud.objects["rates"]["hand"] = {**ours, "id": "hand", "metadata": {}, "amount": 1}
    ours.update(active=False, code=None)
    assert shop.acts(PLAN)["rate/month"] == "blocked"
    shop.cloud.objects["rates"]["hand"]["amount"] = 2900
    assert shop.acts(PLAN)["rate/month"] == "adopt"


def test_two_of_ours_for_one_entry_are_told_once(shop: Shop) -> None:
    """Blocked with both named, and not told again as objects that nobody holds."""
    shop.apply(PROJECT)
    shop.store.records = shop.store.records[:1]
    shop.cloud.objects["projects"]["copy"] = {**shop.cloud.objects["projects"]["projects_1"], "id": "copy"}
    made = shop.plan(PROJECT)
    assert "copy, projects_1" in (shop.action(made, "project/web").blocked or "") and made.warnings == ()


def test_no_key_is_taken_that_another_object_has(shop: Shop) -> None:
    """Where the natural key alone tells objects apart, an entry is not given one that an object beside it has already."""
    shop.apply({"note": {"n": {"title": "ours", "text": "t"}}})
    shop.cloud.objects["notes"]["hand"] = {"id": "hand", "title": "theirs", "text": "t"}
    action = shop.action(shop.plan({"note": {"n": {"title": "theirs", "text": "t"}}}), "note/n")
    assert action.op.value == "blocked" and "hand has its natural key already" in (action.blocked or "")


def test_a_key_whose_holder_stays_after_all_is_not_taken(shop: Shop) -> None:
    """One note can't be renamed, so that another one is not given its title: two of one title could not be told apart."""
    shop.apply({"note": {"a": {"title": "one"}, "b": {"title": "two"}}})
    shop.cloud.objects["notes"]["hand"] = {"id": "hand", "title": "theirs", "text": ""}
    made = shop.plan({"note": {"a": {"title": "theirs"}, "b": {"title": "one"}}})
    assert shop.ops(made) == {"note/a": "blocked", "note/b": "blocked"}


def test_an_archived_object_is_not_brought_back_beside_one_that_has_its_key(shop: Shop) -> None:
    """Somebody archived our rate and made another one of its code: that one is adopted or blocked, and ours stays archived."""
    shop.apply(PLAN)
    (ours,) = shop.cloud.objects["rates"].values()
    ours["active"] = False
    assert shop.acts(PLAN)["rate/month"] == "update"
    shop.cloud.objects["rates"]["hand"] = {**ours, "id": "hand", "metadata": {}, "active": True, "amount": 1}
    assert shop.acts(PLAN)["rate/month"] == "blocked"
    shop.cloud.objects["rates"]["hand"]["amount"] = 2900
    assert shop.acts(PLAN)["rate/month"] == "adopt"
    shop.apply(PLAN)
    assert ours["active"] is False and shop.acts(PLAN) == {}
