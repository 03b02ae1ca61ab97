"""The one diff: what counts as one change, and what counts as somebody else's."""

from __future__ import annotations

from typing import Annotated

from reconciler.contract import Mark, Spec, shape_of
from reconciler.engine.diff import Applied, diff
from tests.world import sha


class Parcel(Spec):
    """A size of two fields."""

    height: int | None = None
    width: int | None = None


class Thing(Spec):
    """A merged map, a model that can be missing, and a map of models that is owned whole."""

    metadata: Annotated[dict[str, str] | None, Mark.MERGED] = None
    parcel: Parcel | None = None
    options: dict[str, Parcel] | None = None


def applied(**prints: object) -> Applied:
    """A ledger that remembers these values by path (`__` for the dot)."""
    known = {path.replace("__", "."): sha(value) for path, value in prints.items()}
    return Applied(known, lambda print, value: print == sha(value), known=True)


def test_a_map_that_is_cleared_whole_is_one_change() -> None:
    """Its keys, which the ledger knows as ours, are not told a second time."""
    found = diff({"metadata": None}, {"metadata": {"team": "a", "foreign": "b"}}, shape_of(Thing), applied(metadata__team="a"))
    assert [(c.path, c.after) for c in found] == [("metadata", None)]


def test_a_model_that_somebody_cleared_is_drift() -> None:
    """The change is of the whole model, the ledger remembers its fields; when none of them was edited here, it is drift."""
    want = {"parcel": {"height": 1, "width": 2}}
    found = diff(want, {"parcel": None}, shape_of(Thing), applied(parcel__height=1, parcel__width=2))
    assert [(c.path, c.drift) for c in found] == [("parcel", True)]
    found = diff(want, {"parcel": None}, shape_of(Thing), applied(parcel__height=1, parcel__width=3))
    assert [(c.path, c.drift) for c in found] == [("parcel", False)]


def test_an_entry_that_leaves_a_map_is_no_drift() -> None:
    """The ledger remembers its fields; one that the ledger has nothing of was put there by somebody else."""
    live = {"options": {"a": {"height": 1}, "b": {"height": 2}, "c": {"height": 3}}}
    found = diff({"options": {"a": {"height": 1}}}, live, shape_of(Thing), applied(options__a__height=1, options__b__height=2))
    assert [(c.path, c.after, c.drift) for c in found] == [("options.b", None, False), ("options.c", None, True)]
