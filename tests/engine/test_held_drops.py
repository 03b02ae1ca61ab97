"""What points at an object moves along only if that object really goes."""

from __future__ import annotations

import pytest

from reconciler.engine.selection import Selection
from tests.world import Shop

OFFER = {"pro": {"title": "Pro", "default_rate": {"ref": "month"}}}
RATE = {"offer": {"ref": "pro"}, "amount": 2900}
BARE = {"offer": {"pro": {"title": "Pro"}}}


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.apply({"offer": OFFER, "rate": {"month": {**RATE, "lifecycle": {"protect": True}}}})
    made.sent()
    return made


def test_the_link_to_a_protected_object_stays(shop: Shop) -> None:
    """Its removal is blocked, so nothing that points at it is touched, with --skip-blocked neither."""
    assert shop.acts(BARE) == {"rate/month": "blocked"}
    shop.apply(BARE)
    assert shop.sent() == []
    assert shop.cloud.objects["offers"]["pro"]["default_rate"] == "rates_2"


def test_the_link_to_an_object_that_is_left_out_stays(shop: Shop) -> None:
    """A selection that leaves out the removal leaves out what would come of it."""
    shop.apply({"offer": OFFER, "rate": {"month": {**RATE, "lifecycle": {"protect": False}}}})
    shop.sent()
    assert shop.acts(BARE, selection=Selection(targets=("cloud.offer/pro",))) == {}
    assert shop.acts(BARE) == {"offer/pro": "update", "rate/month": "delete"}
