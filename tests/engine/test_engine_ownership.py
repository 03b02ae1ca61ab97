"""Whose an object is: adopted, foreign, moved, protected, kept, forgotten; and what counts as somebody's edit."""

from __future__ import annotations

import pytest

from tests.engine.entries import PLAN, PROJECT
from tests.world import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_equal_unmarked_object_is_adopted_and_only_marked(shop: Shop) -> None:
    """Adopting writes a mark at most."""
    shop.cloud.objects["projects"] = {"p9": {"id": "p9", "slug": "web", "title": "Web", "metadata": {"team": "x", "f": "y"}}}
    assert shop.acts(PROJECT) == {"project/web": "adopt"}
    shop.apply(PROJECT)
    assert shop.sent() == ["POST projects/p9"]
    assert shop.cloud.objects["projects"]["p9"]["metadata"]["f"] == "y"
    assert shop.acts(PROJECT) == {}


def test_a_differing_unmarked_object_is_blocked(shop: Shop) -> None:
    """It is nobody's to change until the author says so."""
    shop.cloud.objects["projects"] = {"p9": {"id": "p9", "slug": "web", "title": "Theirs"}}
    assert shop.acts(PROJECT) == {"project/web": "blocked"}
    taken = {"project": {"web": {"title": "Web", "lifecycle": {"adopt": "changes"}}}}
    assert shop.acts(taken) == {"project/web": "update"}
    shop.apply(taken)
    assert shop.acts(taken) == {}


def test_twins_are_blocked_and_named(shop: Shop) -> None:
    """Two objects of one natural key: nobody guesses."""
    shop.cloud.objects["projects"] = {n: {"id": n, "slug": "web", "title": "Web"} for n in ("p1", "p2")}
    action = shop.action(shop.plan(PROJECT), "project/web")
    assert action.op.value == "blocked" and "p1, p2" in (action.blocked or "")


def test_another_stacks_mark_is_never_taken(shop: Shop) -> None:
    """An object with a foreign mark is blocked."""
    shop.apply(PROJECT)
    other = Shop()
    other.cloud, other.stack, other.kinds = shop.cloud, "prod", shop.kinds
    assert other.acts(PROJECT) == {"project/web": "blocked"}


def test_a_lost_ledger_finds_everything_again(shop: Shop) -> None:
    """Nothing is created or deleted; marks and natural keys lead back."""
    manifest = {**PROJECT, **PLAN, "note": {"n": {"text": "t"}}}
    shop.apply(manifest)
    shop.store.records = shop.store.records[:1]
    acts = shop.acts(manifest)
    assert set(acts.values()) == {"adopt"}
    shop.apply(manifest)
    assert shop.acts(manifest) == {}


def test_a_hand_made_change_is_drift_and_a_manifest_edit_is_not(shop: Shop) -> None:
    """Three-way: what the manifest still says was changed by somebody else."""
    shop.apply(PROJECT)
    shop.cloud.objects["projects"]["projects_1"]["title"] = "Hacked"
    action = shop.action(shop.plan(PROJECT), "project/web")
    assert [i.value for i in action.impact] == ["drift"] and action.changes[0].drift
    edited = {"project": {"web": {"title": "New", "metadata": {"team": "x"}}}}
    action = shop.action(shop.plan(edited), "project/web")
    assert [i.value for i in action.impact] == ["cosmetic"]
    assert shop.acts(PROJECT, leave_drift=True) == {}


def test_a_removed_metadata_key_of_ours_goes_and_a_foreign_one_stays(shop: Shop) -> None:
    """Keys the ledger knows as ours are removed when they leave the manifest."""
    shop.apply(PROJECT)
    shop.cloud.objects["projects"]["projects_1"]["metadata"]["foreign"] = "1"
    less = {"project": {"web": {"title": "Web"}}}
    assert shop.acts(less) == {"project/web": "update"}
    shop.apply(less)
    left = shop.cloud.objects["projects"]["projects_1"]["metadata"]
    assert "team" not in left and left["foreign"] == "1" and left["reconciler_stack"] == "shop/test"
    assert shop.acts(less) == {}


def test_a_field_that_leaves_the_manifest_is_told_once(shop: Shop) -> None:
    """No longer managed, and what it stays at."""
    shop.apply(PROJECT)
    less = {"project": {"web": {"metadata": {"team": "x"}}}}
    action = shop.action(shop.plan(less), "project/web")
    assert action.op.value == "noop" and "no longer managed (stays Web)" in action.notes[0].text
    shop.apply(less)
    assert shop.action(shop.plan(less), "project/web").notes == ()


def test_a_field_that_leaves_beside_a_change_is_told_too(shop: Shop) -> None:
    """An update forgets it as well, and so must not do that in silence."""
    shop.apply(PROJECT)
    action = shop.action(shop.plan({"project": {"web": {"metadata": {"team": "y"}}}}), "project/web")
    assert action.op.value == "update" and "no longer managed (stays Web)" in [note.text for note in action.notes]


def test_a_renamed_entry_is_a_move(shop: Shop) -> None:
    """Never adopt and delete of one object."""
    shop.apply(PROJECT)
    renamed = {"project": {"site": {"slug": "web", "title": "Web", "metadata": {"team": "x"}}}}
    assert shop.acts(renamed) == {"project/site": "move"}
    shop.apply(renamed)
    assert shop.acts(renamed) == {}
    former = {"project": {"again": {"slug": "web2", "title": "Web", "metadata": {"team": "x"},
                                    "lifecycle": {"formerly": ["site"]}}}}
    assert shop.acts(former) == {"project/again": "update"}
    shop.apply(former)
    assert shop.acts(former) == {} and len(shop.cloud.objects["projects"]) == 1


def test_protection_outlives_its_entry(shop: Shop) -> None:
    """A protected object is not deleted when its block is removed."""
    held = {**PROJECT, "note": {"n": {"lifecycle": {"protect": True}}}}
    shop.apply(held)
    assert shop.acts(PROJECT) == {"note/n": "blocked"}
    free = {**PROJECT, "note": {"n": {}}}
    shop.apply(free)
    assert shop.acts(PROJECT) == {"note/n": "delete"}


def test_on_remove_keep_forgets(shop: Shop) -> None:
    """The object stays at the vendor, without our mark."""
    kept = {"project": {"web": {"lifecycle": {"on_remove": "keep"}}}, "note": {"n": {}}}
    shop.apply(kept)
    assert shop.acts({"note": {"n": {}}}) == {"project/web": "forget"}
    shop.apply({"note": {"n": {}}})
    assert "reconciler_stack" not in next(iter(shop.cloud.objects["projects"].values())).get("metadata", {})
    assert shop.acts({"note": {"n": {}}}) == {}


def test_a_singleton_is_taken_over_with_adopt_and_forgotten(shop: Shop) -> None:
    """Settings always exist: the first take-over of one that differs has the impact adopt."""
    manifest = {"limits": {"main": {"seats": 9}}, "note": {"n": {}}}
    action = shop.action(shop.plan(manifest), "limits/main")
    assert action.op.value == "update" and "adopt" in [i.value for i in action.impact]
    shop.apply(manifest)
    assert shop.acts(manifest) == {}
    assert shop.acts({"note": {"n": {}}}) == {"limits/main": "forget"}


def test_seed_is_set_once_and_ignore_never(shop: Shop) -> None:
    """People own a seeded field afterwards; an ignored one is neither sent nor compared."""
    manifest = {"project": {"web": {"title": "Web", "settings": {"a": 1},
                                    "lifecycle": {"seed": ["title"], "ignore": ["settings"]}}}}
    shop.apply(manifest)
    made = shop.cloud.objects["projects"]["projects_1"]
    assert made["title"] == "Web" and "settings" not in made
    made["title"] = "People's"
    assert shop.acts(manifest) == {}


def test_an_unmanaged_entry_is_referable_and_never_written(shop: Shop) -> None:
    """manage: false looks up and gives its outputs."""
    shop.cloud.objects["projects"] = {"p9": {"id": "p9", "slug": "web", "title": "Theirs"}}
    manifest = {"project": {"web": {"title": "Ours", "lifecycle": {"manage": False}}},
                "note": {"n": {"project": {"ref": "web"}}}}
    assert shop.acts(manifest) == {"note/n": "create"}
    shop.apply(manifest)
    assert next(iter(shop.cloud.objects["notes"].values()))["project"] == "p9"
    assert shop.acts({"note": {"x": {}}})["note/n"] == "delete"
