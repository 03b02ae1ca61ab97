"""What belongs to people: paths that an entry seeds or ignores."""

from __future__ import annotations

import pytest

from tests.world import Shop


@pytest.mark.parametrize("word", ["seed", "ignore"])
def test_a_key_that_was_managed_and_is_now_left_to_people_stays(word: str) -> None:
    """The ledger knows it as ours and the entry no longer writes it: in a merged map that is no removal."""
    shop = Shop()
    whole = {"title": "Shop", "metadata": {"team": "a", "tier": "b"}}
    shop.apply({"project": {"main": whole}})
    shop.sent()
    left = {"project": {"main": {**whole, "lifecycle": {word: ["metadata.tier"]}}}}
    assert shop.acts(left) == {}
    shop.apply(left)
    assert shop.acts(left) == {} and shop.sent() == []
