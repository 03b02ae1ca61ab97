"""Lists that are matched by a key and whose order counts too."""

from __future__ import annotations

from typing import Annotated

from reconciler.contract import Keyed, Spec, covers, overlay, shape_of
from reconciler.engine.diff import diff


class Share(Spec):
    key: str
    percent: int = 0


class Wheel(Spec):
    shares: Annotated[list[Share], Keyed("key", ordered=True)] = []
    spokes: Annotated[list[Share], Keyed("key")] = []


SHAPE = shape_of(Wheel)
A, B = {"key": "a", "percent": 1}, {"key": "b", "percent": 2}


def test_another_order_is_another_list_where_order_counts() -> None:
    """Told as one change of the whole; where it does not count there is none."""
    assert [c.path for c in diff({"shares": [B, A]}, {"shares": [A, B]}, SHAPE)] == ["shares"]
    assert diff({"spokes": [B, A]}, {"spokes": [A, B]}, SHAPE) == ()


def test_in_the_same_order_an_item_is_told_by_its_key() -> None:
    """And only what is inside it."""
    found = diff({"shares": [A, {**B, "percent": 9}]}, {"shares": [{**A, "foreign": 1}, B]}, SHAPE)
    assert [(c.path, c.before, c.after) for c in found] == [("shares[b].percent", 2, 9)]


def test_foreign_keys_follow_their_item() -> None:
    """Written whole in the wanted order, each over the item of its key."""
    shape = SHAPE.child("shares")
    written = overlay([{**A, "id": 1}, {**B, "id": 2}], [B, A], shape)
    assert written == [{**B, "id": 2}, {**A, "id": 1}] and covers(written, [B, A], shape)
