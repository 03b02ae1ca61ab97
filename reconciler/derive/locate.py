"""From a path as people write it to the field that is meant, with the marks that it inherits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from reconciler.contract import Shape
from reconciler.contract.kind import Kind
from reconciler.contract.spec import PLAIN
from reconciler.derive.fields import Field, fields_of
from reconciler.errors import Usage
from reconciler.suggest import did_you_mean

_LAST = re.compile(r"(?:\.?[^.\[]+|\[[^\]]*\])\Z")


def every(kind: Kind[Any]) -> Iterator[Field]:
    """Every field of a kind that has a name, at every depth, with what it inherits."""
    return (field for field in _all(kind) if not field.path.endswith(("[]", ".*")))


def found(kind: Kind[Any], path: str) -> Field | None:
    """The field at a path such as `tiers[0].up_to`, `tiers.up_to` or `metadata.team`, with what it inherits."""
    return next((field for field in _all(kind) if _pattern(field).fullmatch(path)), None)


def located(kind: Kind[Any], path: str) -> Field:
    """The same; Usage where there is none."""
    field = found(kind, path)
    if field is not None:
        return field
    above, inside = path, None
    while above and inside is None:
        above = _LAST.sub("", above)
        inside = found(kind, above) if above else None
    names = [field.path for field in (fields_of(kind.spec) if inside is None else below(inside))]
    where = f"{kind.bound}.{inside.path}" if inside is not None else kind.bound
    if not names:
        raise Usage(f"there are no fields below {where}", f"reconciler explain {where}")
    near = did_you_mean(path if inside is None else inside.path + path[len(above):], names)
    raise Usage(f"{kind.bound} has no field {path}", near or f"there are: {', '.join(names)}")


def below(field: Field) -> tuple[Field, ...]:
    """The fields of a nested model, or of the items of a list or map of them."""
    return field.children or (field.item.children if field.item is not None else ())


def heir(shape: Shape, above: Shape) -> Shape:
    """A field's marks and impact with those of what it lies in, which hold for everything below, as a diff counts them."""
    return replace(shape, marks=shape.marks | above.marks, impact=shape.impact or above.impact)


def _all(kind: Kind[Any]) -> Iterator[Field]:
    for field in fields_of(kind.spec):
        yield from _with_inner(field, PLAIN)


def _with_inner(field: Field, above: Shape) -> Iterator[Field]:
    shape = heir(field.shape, above)
    yield replace(field, shape=shape)
    inner = field.children or ((field.item,) if field.item is not None else ())
    for child in inner:
        yield from _with_inner(child, shape)


def _pattern(field: Field) -> re.Pattern[str]:
    """A field's path, with any index or key where a list or map stands; an index may be left out."""
    text = re.escape(field.path)
    if text.endswith(r"\.\*") and not field.children and field.item is None:
        text = text.removesuffix(r"\.\*") + r"\..+"
    return re.compile(text.replace(r"\.\*", r"\.[^.\[]+").replace(r"\[\]", r"(?:\[[^\]]*\])?"))
