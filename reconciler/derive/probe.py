"""Finds fields that can be set once: the kind itself is asked about every pair of values that a field may have."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations
from typing import Any

from reconciler.contract import Mark
from reconciler.contract.kind import Kind
from reconciler.derive.fields import Field, alternatives
from reconciler.model import Address, Change, Fields, Live, Want


def is_one_way(kind: Kind[Any], field: Field) -> bool:
    """Whether some change of a field that is not immutable needs a new object all the same."""
    if Mark.IMMUTABLE in field.shape.marks or type(kind).forces is Kind.forces or "[" in field.path or "*" in field.path:
        return False
    return any(_forces(kind, field.path, before, after) for before, after in permutations(_values(field), 2))


def _values(field: Field) -> list[Any]:
    """The words that a field may be, or both answers to a question."""
    found: list[Any] = []
    for part in alternatives(field.json):
        found += part.get("enum", [part["const"]] if "const" in part else [])
        found += [True, False] if part.get("type") == "boolean" else []
    return found


def _forces(kind: Kind[Any], path: str, before: Any, after: Any) -> bool:
    want: Want[Any] = Want(Address(kind.bound, "x"), _at(path, after))
    with suppress(LookupError, TypeError, AttributeError):
        return kind.forces(Live("", _at(path, before)), want, Change(path, before, after))
    return False


def _at(path: str, value: Any) -> Fields:
    for name in reversed(path.split(".")):
        value = {name: value}
    made: Fields = value
    return made
