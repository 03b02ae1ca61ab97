"""The engine over the invented vendor: the contract's hard cases, one by one."""

from __future__ import annotations

import pytest

from reconciler.model import Result
from tests.world import Shop

PROJECT = {"project": {"web": {"title": "Web", "metadata": {"team": "x"}}}}
PLAN = {
    "offer": {"pro": {"title": "Pro", "default_rate": {"ref": "month"}}},
    "rate": {"month": {"offer": {"ref": "pro"}, "amount": 2900}},
}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def price(amount: int) -> dict[str, object]:
    return {**PLAN, "rate": {"month": {"offer": {"ref": "pro"}, "amount": amount}}}


def test_what_was_applied_is_not_planned_again(shop: Shop) -> None:
    """After an apply the plan is empty."""
    assert shop.acts(PROJECT) == {"project/web": "create"}
    assert shop.apply(PROJECT).outcomes[0].result is Result.DONE
    assert shop.acts(PROJECT) == {}
    assert shop.sent() == ["POST projects"]


def test_two_objects_that_need_each_other_are_made_in_two_steps(shop: Shop) -> None:
    """A deferred field is set by a second step, after both ends exist."""
    shop.apply(PLAN)
    assert shop.sent() == ["POST offers", "POST rates", "POST offers/pro"]
    assert shop.cloud.objects["offers"]["pro"]["default_rate"] == "rates_2"
    assert shop.acts(PLAN) == {}


def test_a_price_is_superseded_before_its_old_self_is_archived(shop: Shop) -> None:
    """There is never a moment without an active price."""
    shop.apply(PLAN)
    shop.sent()
    shop.cloud.watch.append(lambda c: _some_active(c))
    made = shop.plan(price(3500))
    action = shop.action(made, "rate/month")
    assert (action.op.value, action.effect, [i.value for i in action.impact]) == ("replace", "supersede", ["money"])
    shop.run(made)
    assert shop.sent() == ["POST rates", "POST offers/pro", "POST rates/rates_2"]
    assert shop.cloud.objects["rates"]["rates_2"]["active"] is False
    assert shop.acts(price(3500)) == {}


def _some_active(cloud: object) -> None:
    assert any(r["active"] and r["code"] for r in cloud.objects["rates"].values())  # type: ignore[attr-defined]


def test_a_supersede_cut_off_after_its_create_is_finished(shop: Shop) -> None:
    """No third price is made; what is left is done."""
    shop.apply(PLAN)
    shop.sent()
    shop.cloud.faults = {1: "refuse"}
    report = shop.apply(price(3500))
    assert {o.result for o in report.outcomes} == {Result.FAILED, Result.SKIPPED}
    shop.sent()
    assert shop.acts(price(3500)) == {"offer/pro": "update", "rate/month": "update"}
    shop.apply(price(3500))
    assert shop.sent() == ["POST offers/pro", "POST rates/rates_2"]
    assert shop.acts(price(3500)) == {}


def test_an_unmanaged_default_moves_along(shop: Shop) -> None:
    """A default that the manifest does not name still follows its superseded price."""
    shop.apply(PLAN)
    bare = {"offer": {"pro": {"title": "Pro"}}, "rate": {"month": {"offer": {"ref": "pro"}, "amount": 3500}}}
    shop.apply(bare)
    assert shop.cloud.objects["offers"]["pro"]["default_rate"] == "rates_3"
    assert shop.acts(bare) == {}


def test_removing_both_ends_unlinks_then_archives_then_deletes(shop: Shop) -> None:
    """Deferred fields are cleared before drops."""
    shop.apply({**PLAN, **PROJECT})
    shop.sent()
    shop.apply(PROJECT)
    assert shop.sent() == ["POST offers/pro", "POST rates/rates_3", "DELETE offers/pro"]
    assert shop.acts(PROJECT) == {}
    assert "pro" not in shop.cloud.objects["offers"]


def test_an_archived_object_that_is_declared_again_is_revived(shop: Shop) -> None:
    """Delete and declare again: the archived holder of the key comes back."""
    shop.apply(PLAN)
    shop.apply({"offer": {"pro": {"title": "Pro"}}})
    assert shop.cloud.objects["rates"]["rates_2"]["active"] is False
    assert shop.acts(PLAN)["rate/month"] == "update"
    shop.apply(PLAN)
    assert shop.cloud.objects["rates"]["rates_2"]["active"] is True
    assert shop.acts(PLAN) == {}


def test_a_nested_object_is_made_under_a_parent_that_is_made_in_the_same_run(shop: Shop) -> None:
    """References are filled in as soon as their object exists."""
    manifest = {**PROJECT, "key": {"k1": {"project": {"ref": "web"}, "password": {"secret": "pw"},
                                          "lifecycle": {"deliver": {"token": {"to": "box", "path": "kv", "key": "t"}}}}}}
    shop.apply(manifest)
    assert shop.sent() == ["POST projects", "POST keys"]
    assert shop.sink.held == {"kv#t": "tok-2"}
    assert shop.acts(manifest) == {}


def keyed(rotate: str = "1", **life: object) -> dict[str, object]:
    return {**PROJECT, "key": {"k1": {"project": {"ref": "web"}, "lifecycle": {
        "rotate": rotate, "deliver": {"token": {"to": "box", "path": "kv", "key": "t"}}, **life}}}}


def test_a_rotation_makes_delivers_and_then_deletes_the_old(shop: Shop) -> None:
    """A changed word asks for a new secret."""
    shop.apply(keyed("1"))
    shop.sent()
    made = shop.plan(keyed("2"))
    assert shop.action(made, "key/k1").effect == "rotate"
    shop.run(made)
    assert shop.sent() == ["POST keys", "DELETE keys/keys_2"]
    assert shop.sink.held == {"kv#t": "tok-3"}
    assert shop.acts(keyed("2")) == {}


def test_a_kept_old_key_goes_in_a_later_plan(shop: Shop) -> None:
    """keep_old: the old one is removed once its time is up."""
    shop.apply(keyed("1"))
    shop.apply(keyed("2", keep_old="7d"))
    assert shop.acts(keyed("2", keep_old="7d")) == {}
    shop.clock.sleep(8 * 86400)
    shop.sent()
    assert shop.acts(keyed("2", keep_old="7d")) == {"key/k1": "update"}
    shop.apply(keyed("2", keep_old="7d"))
    assert shop.sent() == ["DELETE keys/keys_2"]
    assert shop.acts(keyed("2", keep_old="7d")) == {}


@pytest.mark.parametrize("moment", ["check", "put"])
def test_a_failing_sink_leaves_the_old_key_and_no_new_one(shop: Shop, moment: str) -> None:
    """An undelivered key is undone; the old one stays ours."""
    shop.apply(keyed("1"))
    shop.sink.broken = moment
    report = shop.apply(keyed("2"))
    assert report.outcomes[0].result is Result.FAILED
    assert list(shop.cloud.objects["keys"]) == ["keys_2"]
    shop.sink.broken = ""
    shop.apply(keyed("2"))
    assert len(shop.cloud.objects["keys"]) == 1
    assert shop.acts(keyed("2")) == {}


def test_a_kind_of_several_calls_is_completed_after_a_crash_between_them(shop: Shop) -> None:
    """The create's id is ours at once; what is missing is planned as an update."""
    manifest = {"page": {"home": {"html": "<p>", "published": True, "tags": ["a", "b"]}}}
    shop.cloud.faults = {1: "refuse"}
    shop.apply(manifest)
    assert shop.sent() == ["POST pages", "POST pages/pages_1"]
    assert shop.acts(manifest) == {"page/home": "update"}
    shop.apply(manifest)
    assert shop.sent() == ["POST pages/pages_1", "POST pages/pages_1"]
    assert shop.acts(manifest) == {}


def test_a_whole_object_write_keeps_what_others_put_there(shop: Shop) -> None:
    """Foreign keys survive a write of the whole object."""
    manifest = {"flag": {"beta": {"groups": [{"key": "a", "share": 10}]}}}
    shop.apply(manifest)
    shop.cloud.objects["flags"]["flags_1"]["experiment"] = 7
    shop.cloud.objects["flags"]["flags_1"]["groups"][0]["wiring"] = "x"
    assert shop.acts(manifest) == {}
    shop.apply({"flag": {"beta": {"groups": [{"key": "a", "share": 50}]}}})
    assert shop.cloud.objects["flags"]["flags_1"] == {
        "id": "flags_1", "key": "beta", "experiment": 7, "groups": [{"key": "a", "share": 50, "wiring": "x"}]}


def test_a_delete_first_replace_takes_those_that_hang_on_it_along(shop: Shop) -> None:
    """The cascade needs no rule of its own: an unresolved reference in an immutable field is a replace."""
    def manifest(size: int) -> dict[str, object]:
        return {"room": {"r": {"size": size}}, "seat": {"s": {"room": {"ref": "r"}}}}
    shop.apply(manifest(1))
    shop.sent()
    made = shop.plan(manifest(2))
    assert {k: v for k, v in shop.ops(made).items()} == {"room/r": "replace", "seat/s": "replace"}
    shop.run(made)
    assert shop.sent() == ["DELETE seats/seats_2", "DELETE rooms/rooms_1", "POST rooms", "POST seats"]
    assert shop.acts(manifest(2)) == {}


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


@pytest.mark.parametrize("fault", ["reset before", "reset after"])
def test_an_unknown_create_is_settled_by_reads(shop: Shop, fault: str) -> None:
    """After a reset there is exactly one object, whichever side it fell on."""
    shop.cloud.faults = {0: fault}
    report = shop.apply(PROJECT)
    assert report.outcomes[0].result is Result.UNKNOWN
    shop.apply(PROJECT)
    shop.apply(PROJECT)
    assert len(shop.cloud.objects["projects"]) == 1
    assert shop.acts(PROJECT) == {}


@pytest.mark.parametrize("fault", ["reset before", "reset after"])
def test_an_unknown_create_without_a_mark_is_found_by_its_natural_key(shop: Shop, fault: str) -> None:
    """Where there is no room for a mark the natural key's digest tells."""
    manifest = {"note": {"n": {"text": "t"}}}
    shop.cloud.faults = {0: fault}
    shop.apply(manifest)
    shop.apply(manifest)
    assert len(shop.cloud.objects["notes"]) == 1
    assert shop.acts(manifest) == {}


def test_a_half_done_update_is_not_reported_as_somebodys_edit(shop: Shop) -> None:
    """A pending intent's fields count as ours."""
    shop.apply(PROJECT)
    edited = {"project": {"web": {"title": "New", "metadata": {"team": "y"}}}}
    shop.cloud.faults = {1: "reset before"}
    shop.apply(edited)
    action = shop.action(shop.plan(edited), "project/web")
    assert not any(change.drift for change in action.changes)


def test_a_denied_list_blocks_its_own_addresses_and_their_dependents_only(shop: Shop) -> None:
    """403 is not absence."""
    manifest = {**PROJECT, "note": {"n": {"project": {"ref": "web"}}, "m": {}}}
    shop.cloud.denied = {"projects"}
    assert shop.acts(manifest) == {"project/web": "blocked", "note/n": "blocked", "note/m": "create"}


def test_an_object_changed_during_the_apply_is_not_overwritten(shop: Shop) -> None:
    """The one read before an update tells: stale, this step only."""
    shop.apply(PROJECT)
    made = shop.plan({"project": {"web": {"title": "New", "metadata": {"team": "x"}}}})
    shop.cloud.objects["projects"]["projects_1"]["title"] = "Somebody's"
    report = shop.run(made)
    assert report.outcomes[0].result is Result.STALE
    assert shop.cloud.objects["projects"]["projects_1"]["title"] == "Somebody's"


def test_deletes_over_the_threshold_stop_everything(shop: Shop) -> None:
    """More than 30 % of a vendor's entries, from ten deletes."""
    many = {"note": {f"n{i}": {} for i in range(20)}}
    shop.apply(many)
    made = shop.plan({"note": {f"n{i}": {} for i in range(9)}})
    assert made.stopped and "11 of 20" in made.stopped[0]
    assert shop.plan({}).stopped
    assert not shop.plan({"note": {f"n{i}": {} for i in range(12)}}).stopped


def test_a_shrunken_read_stops_everything(shop: Shop) -> None:
    """A vendor that suddenly shows nothing is not believed."""
    many = {"note": {f"n{i}": {} for i in range(20)}}
    shop.apply(many)
    shop.cloud.objects["notes"] = {}
    assert any("not there" in text for text in shop.plan(many).stopped)


def test_equal_worlds_give_equal_digests_and_a_secret_is_in_none(shop: Shop) -> None:
    """The digest binds what would be done."""
    manifest = {**PROJECT, "key": {"k": {"project": {"ref": "web"}, "password": {"secret": "pw"}}}}
    one, two = shop.plan(manifest), shop.plan(manifest)
    assert one.digest == two.digest and one.digest.startswith("sha256:")
    assert "hunter2" not in repr(one)
    assert shop.plan({**manifest, "note": {"n": {}}}).digest != one.digest
