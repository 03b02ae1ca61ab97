"""What an entry means without a reference: a name that another entry of the stack will have, as the API takes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.contract.spec import Link, Mark, Shape
from reconciler.model import Address, Resource, has_token

Chosen = Mapping[tuple[str, str, str], Address]
"""The entry whose author chose an output: by kind, output and value."""


def waiting(resources: list[Resource], kinds: Mapping[str, Kind[Any]]) -> list[Resource]:
    """The resources; each waits for the entries that its link fields name in plain words, or by their default.

    `mount: transit`, where the mount is declared too, is the API's own word for it and no less a need than a reference.
    """
    chosen = {(one.address.kind, output, value): one.address for one in resources
              for output, meaning in kinds[one.address.kind].outputs.items()
              if meaning.foretold is not None and isinstance(value := one.fields.get(meaning.foretold), str)}
    found = []
    for one in resources:
        waits = dict.fromkeys((*one.waits, *_named(kinds[one.address.kind], one, chosen)))
        found.append(replace(one, waits=tuple(waits)) if len(waits) > len(one.waits) else one)
    return found


def _named(kind: Kind[Any], one: Resource, chosen: Chosen) -> Iterator[Address]:
    for name, shape in kind.shape.children.items():
        link = _link(shape)
        if link is None or Mark.DEFERRED in shape.marks:
            continue
        value = one.fields.get(name, kind.spec.model_fields[name].default if Mark.IDENTITY in shape.marks else None)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and not has_token(item):
                address = chosen.get((kind.kin(link.kind), link.output, item))
                if address is not None and address != one.address:
                    yield address


def _link(shape: Shape) -> Link | None:
    return shape.link or (shape.item.link if shape.item is not None else None)
