"""A live object's fields as a manifest would declare them: defaults left out, ids as references, nothing secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reconciler.contract.compare import covers, empty
from reconciler.contract.spec import PLAIN, Link, Mark, Shape
from reconciler.model import Fields

Refer = Callable[[Link, Any], Any | None]
"""The reference (`{ref: …}`) that stands for the value of a link; None where nothing declared has it."""

UNWRITABLE = frozenset({Mark.WRITE_ONLY, Mark.CREATE_ONLY, Mark.SECRET})
"""Marks of fields that no reading gives back, or that nobody may see."""

_WORDS = (frozenset({"ref"}), frozenset({"ref", "output"}), frozenset({"var"}), frozenset({"secret"}), frozenset({"file"}),
          frozenset({"format", "with"}), frozenset({"literal"}))


def declared(fields: Mapping[str, Any], shape: Shape, refer: Refer) -> Fields:
    """The fields that say something: what equals the vendor's default is left out, at every depth of a model."""
    found: Fields = {}
    for name, value in fields.items():
        child = shape.children.get(name)
        if child is None or child.marks & UNWRITABLE:
            continue
        if child.required or not covers(value, None, child):
            found[name] = None if value is None else _written(value, child, refer)
    return found


def _written(value: Any, shape: Shape, refer: Refer) -> Any:
    if shape.link is not None and not isinstance(value, (dict, list)):
        reference = refer(shape.link, value)
        return value if reference is None else reference
    if isinstance(value, dict) and shape.kind == "model":
        return declared(value, shape, refer)
    if isinstance(value, dict):
        inner = {key: _written(item, shape.item or PLAIN, refer) for key, item in value.items()
                 if shape.item is None or not empty(item)}
        return {"literal": inner} if frozenset(inner) in _WORDS else inner
    if isinstance(value, list):
        return [_written(item, _item(shape), refer) for item in value]
    return value


def _item(shape: Shape) -> Shape:
    """The shape of a list's items; a link on the list is one on each item."""
    item = shape.item or PLAIN
    return item if item.link is not None or shape.link is None else Shape(kind=item.kind, link=shape.link)
