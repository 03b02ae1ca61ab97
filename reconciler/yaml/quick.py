"""YAML text → values, as fast as Python can, for a file with nothing odd in it; everything else is build.py's.

Only kinds and names (the keys of the two outer maps) get their places: every entry is told by its name's place.
"""

from __future__ import annotations

from typing import Any

import yaml as pyyaml

from reconciler.yaml.document import Place
from reconciler.yaml.words import CONTROL, LOADER, MAX_DEPTH, MAX_DIGITS, MAX_NODES, SPECIAL, plain

Heads = dict[tuple[Any, ...], Place]
HEADS = 2
"""How many maps deep places are kept: kinds, names."""


class Odd(Exception):
    """There is something in the file that has to be told, or that only the builder can tell from a mistake."""


def quick(text: str) -> tuple[Any, Heads]:
    """The value and the places of kinds and names; Odd where that is not all there is to say."""
    if CONTROL.search(text):
        raise Odd
    loader = LOADER(text)
    try:
        return _built(loader)
    except pyyaml.YAMLError as error:
        raise Odd from error
    finally:
        loader.dispose()


def _built(loader: Any) -> tuple[Any, Heads]:  # noqa: C901 - see below
    # over 40 lines: one loop over all events, because a call for each would take longer than the rest
    scalar, mapping, sequence, get = pyyaml.ScalarEvent, pyyaml.MappingStartEvent, pyyaml.SequenceStartEvent, loader.get_event
    heads: Heads = {}
    outer: list[tuple[Any, Any]] = []
    root: Any = []
    here, key, key_event, nodes = root, None, None, 0
    while True:
        event = get()
        kind = event.__class__
        if kind is scalar:
            nodes += 1
            value = event.value
            if event.anchor is not None or event.tag is not None:
                raise Odd
            if key is None and here.__class__ is dict:
                if (value == "<<" and not event.style) or value in here or CONTROL.search(value):
                    raise Odd
                key, key_event = value, event
                continue
            if not event.style:
                if len(value) > MAX_DIGITS:
                    raise Odd
                if value[:1] in SPECIAL:
                    value = plain(value)
            elif event.style == '"' and CONTROL.search(value):
                raise Odd
        elif kind is mapping or kind is sequence:
            nodes += 1
            odd_key = key is None and here.__class__ is dict
            if odd_key or event.anchor is not None or event.tag is not None or len(outer) > MAX_DEPTH or nodes > MAX_NODES:
                raise Odd
            value = {} if kind is mapping else []
        elif kind is pyyaml.MappingEndEvent or kind is pyyaml.SequenceEndEvent:
            here, key = outer.pop()[0], None
            continue
        elif kind is pyyaml.StreamEndEvent:
            break
        elif kind is pyyaml.AliasEvent:
            raise Odd
        else:
            continue
        if here.__class__ is dict:
            here[key] = value
            if len(outer) <= HEADS:
                heads[*(one for _, one in outer[1:]), key] = _place(key_event, event)
        else:
            here.append(value)
        if kind is not scalar:
            outer.append((here, key))
            here = value
        key = None
    if nodes > MAX_NODES or len(root) != 1:
        raise Odd
    return root[0], heads


def _place(key: Any, value: Any) -> Place:
    at, start = value.start_mark, key.start_mark
    return Place(at.line + 1, at.column + 1, _width(value), start.line + 1, start.column + 1, _width(key))


def _width(event: Any) -> int:
    start, end = event.start_mark, event.end_mark
    return max(end.column - start.column, 1) if end.line == start.line else 1
