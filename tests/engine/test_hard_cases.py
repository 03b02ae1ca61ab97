"""The contract's hard cases once more, where two of them meet: a nested key, its secret, a page of several calls, a flag."""

from __future__ import annotations

import pytest

from reconciler.model import Result
from tests.engine.entries import PLAN, PROJECT
from tests.world import Shop

KEY = {"project": {"ref": "web"}, "lifecycle": {"deliver": {"token": {"to": "box", "path": "kv", "key": "t"}}}}
KEYED = {**PROJECT, "key": {"k1": KEY}}
PAGE = {"page": {"home": {"html": "<h1>", "published": True, "tags": ["a", "b"]}}}
FLAG = {"flag": {"beta": {"groups": [{"key": "a", "share": 10}],
                          "variants": [{"key": "x", "share": 40}, {"key": "y", "share": 60}]}}}


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_a_secret_that_is_lost_with_its_answer_is_made_again(shop: Shop) -> None:
    """The key is found, its token was never seen: the next run makes another, delivers it, and ends the first."""
    shop.cloud.faults = {1: "reset after"}
    assert {str(o.address): o.result for o in shop.apply(KEYED).outcomes}["cloud.key/k1"] is Result.UNKNOWN
    assert shop.sink.held == {} and list(shop.cloud.objects["keys"]) == ["keys_2"]
    shop.sent()
    made = shop.plan(KEYED)
    assert shop.action(made, "key/k1").effect == "rotate"
    shop.run(made)
    assert shop.sent() == ["POST keys", "DELETE keys/keys_2"]
    assert shop.sink.held == {"kv#t": "tok-3"} and shop.acts(KEYED) == {}


def test_a_parent_goes_after_what_is_nested_in_it(shop: Shop) -> None:
    """The vendor refuses to remove a project that is still in use."""
    shop.apply({**KEYED, **PLAN})
    shop.sent()
    assert shop.acts(PLAN) == {"project/web": "delete", "key/k1": "delete"}
    shop.apply(PLAN)
    assert [line.rpartition("/")[0] for line in shop.sent()] == ["DELETE keys", "DELETE projects"]


def test_a_nested_object_follows_its_replaced_parent(shop: Shop) -> None:
    """A key of another project is another key: made and delivered there before the old one ends."""
    both = {"project": {**PROJECT["project"], "api": {"title": "API"}}}
    shop.apply({**both, "key": {"k1": KEY}})
    shop.sent()
    moved = {**both, "key": {"k1": {**KEY, "project": {"ref": "api"}}}}
    assert shop.acts(moved) == {"key/k1": "replace"}
    shop.apply(moved)
    assert [line.partition("/")[0] for line in shop.sent()] == ["POST keys", "DELETE keys"]
    assert [one["project"] for one in shop.cloud.objects["keys"].values()] == [
        one["id"] for one in shop.cloud.objects["projects"].values() if one["slug"] == "api"]
    assert shop.acts(moved) == {}


@pytest.mark.parametrize("call", [1, 2])
def test_a_refused_later_call_leaves_an_object_that_is_ours_and_unfinished(shop: Shop, call: int) -> None:
    """What is done is not done again: the next run sends the calls that are left, and no create."""
    shop.cloud.faults = {call: "refuse"}
    assert shop.apply(PAGE).outcomes[0].result is Result.FAILED
    assert len(shop.sent()) == call + 1
    assert shop.acts(PAGE) == {"page/home": "update"}
    shop.apply(PAGE)
    assert not [line for line in shop.sent() if line == "POST pages"]
    assert len(shop.cloud.objects["pages"]) == 1 and shop.acts(PAGE) == {}


def test_a_write_of_the_whole_object_by_key_keeps_wiring_with_its_item(shop: Shop) -> None:
    """Items that the vendor gives back in another order are the same items, and what others put into one stays in it."""
    shop.apply(FLAG)
    held = shop.cloud.objects["flags"]["flags_1"]
    held["variants"] = [{**held["variants"][1], "wired": "y"}, {**held["variants"][0], "wired": "x"}]
    variants = [{"key": "x", "share": 30}, {"key": "y", "share": 70}]
    changed = {"flag": {"beta": {**FLAG["flag"]["beta"], "variants": variants}}}
    shop.apply(changed)
    assert shop.cloud.objects["flags"]["flags_1"]["variants"] == [
        {"key": "x", "share": 30, "wired": "x"}, {"key": "y", "share": 70, "wired": "y"}]
    assert shop.acts(changed) == {}


def test_a_default_that_is_cleared_and_a_target_that_goes_in_one_run(shop: Shop) -> None:
    """The link is let go before what it pointed at is archived, whoever asked for either."""
    shop.apply(PLAN)
    shop.sent()
    bare = {"offer": {"pro": {"title": "Pro", "default_rate": None}}}
    shop.apply(bare)
    assert shop.sent() == ["POST offers/pro", "POST rates/rates_2"]
    assert shop.cloud.objects["offers"]["pro"]["default_rate"] is None
    assert shop.cloud.objects["rates"]["rates_2"]["active"] is False
    assert shop.acts(bare) == {}
