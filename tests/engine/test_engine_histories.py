"""The engine over the invented vendor: the contract's hard cases, one by one."""

from __future__ import annotations

import pytest

from reconciler.model import Result
from tests.engine.entries import PLAN, PROJECT
from tests.world import Shop


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
    assert shop.ops(made) == {"room/r": "replace", "seat/s": "replace"}
    shop.run(made)
    assert shop.sent() == ["DELETE seats/seats_2", "DELETE rooms/rooms_1", "POST rooms", "POST seats"]
    assert shop.acts(manifest(2)) == {}


def test_equal_worlds_give_equal_digests_and_a_secret_is_in_none(shop: Shop) -> None:
    """The digest binds what would be done."""
    manifest = {**PROJECT, "key": {"k": {"project": {"ref": "web"}, "password": {"secret": "pw"}}}}
    one, two = shop.plan(manifest), shop.plan(manifest)
    assert one.digest == two.digest and one.digest.startswith("sha256:")
    assert "hunter2" not in repr(one)
    assert shop.plan({**manifest, "note": {"n": {}}}).digest != one.digest
