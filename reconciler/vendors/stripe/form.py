"""Stripe's form encoding: nested values as bracketed keys, and an empty text for what is to be cleared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus, urlencode

Pairs = list[tuple[str, str]]

_PART = re.compile(r"\[([^\[\]]*)\]")


def pairs(fields: Mapping[str, Any]) -> Pairs:
    """A body or a query as Stripe takes it: `recurring[interval]=month`, `tiers[0][up_to]=inf`.

    The `stripe` SDK writes the same pairs but leaves out None and empty lists, which are what clears a field here.
    """
    return [pair for key, value in fields.items() for pair in _pairs(key, value)]


def _pairs(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None or value == [] or value == {}:
        yield key, ""
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _pairs(f"{key}[{name}]", item)
    elif isinstance(value, (list, tuple)):
        for n, item in enumerate(value):
            yield from _pairs(f"{key}[{n}]", item)
    elif isinstance(value, bool):
        yield key, "true" if value else "false"
    else:
        yield key, str(value)


def encoded(fields: Mapping[str, Any]) -> bytes:
    """A body as bytes; brackets stay readable, as the SDK writes them."""
    return urlencode(pairs(fields), safe="[]").encode()


def split(text: str) -> Pairs:
    """The pairs of a form body."""
    found = (part.partition("=") for part in text.split("&") if part)
    return [(unquote_plus(key), unquote_plus(value)) for key, _, value in found]


def nested(flat: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Bracketed pairs as a tree of maps and lists with texts as leaves; numbered and unnamed keys make lists."""
    tree: dict[str, Any] = {}
    for key, value in flat:
        name = key.partition("[")[0]
        path = [name, *_PART.findall(key[len(name):])]
        node = tree
        for part in path[:-1]:
            below = node.setdefault(part, {})
            if not isinstance(below, dict):
                below = node[part] = {}
            node = below
        last = path[-1] if path[-1] != "" else str(len(node))
        node[last] = value
    return {key: _listed(value) for key, value in tree.items()}


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isdigit() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=int)]
    return {key: _listed(value) for key, value in node.items()}


def path_of(param: str) -> str:
    """Stripe's name of a parameter as a path: `tiers[0][up_to]` → `tiers[0].up_to`."""
    return re.sub(r"\[([^\]]*)\]", lambda hit: f"[{hit[1]}]" if hit[1].isdigit() else f".{hit[1]}" if hit[1] else "",
                  param)
