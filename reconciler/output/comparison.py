"""Two stacks side by side, as a person reads it and as JSON; a secret's value in neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from reconciler.model import Action, Change, Note, Op, Resource
from reconciler.output import text, values
from reconciler.output.compare import LEFT_OUT, Comparison, Pair, Side
from reconciler.output.escape import in_json, safe

FORMAT = "1.0"


def render(found: Comparison, *, color: bool, width: int) -> str:
    """All of it for the terminal, the summary last."""
    lines = [*text.entries([_action(found, pair) for pair in found.pairs], color=color, width=width)]
    return "\n".join([*lines, *([""] if lines else []), _summary(found)]) + "\n"


def dump(found: Comparison, tool: str) -> str:
    """The same for programs; a field that one stack leaves out is missing on its side."""
    return in_json(json.dumps({
        "format_version": FORMAT, "tool": tool, "stacks": [found.here, found.there],
        "entries": [_entry(found, pair) for pair in found.pairs], "unchanged": found.same,
    }, indent=1, ensure_ascii=False))


def _action(found: Comparison, pair: Pair) -> Action:
    """A pair as a plan would show it that makes the first stack the second."""
    if pair.there is None or pair.here is None:
        op, name, one = (Op.DELETE, found.here, pair.here) if pair.there is None else (Op.CREATE, found.there, pair.there)
        return Action(op, pair.address, effect=f"only in {name}", at=one.at if one is not None else None)
    both = [side for side in pair.fields if side.here is not LEFT_OUT and side.there is not LEFT_OUT]
    return Action(Op.UPDATE, pair.address, effect="differs", at=pair.there.at, notes=tuple(_notes(pair)),
                  changes=tuple(Change(side.path, side.here, side.there, secret=side.secret) for side in both))


def _notes(pair: Pair) -> Iterator[Note]:
    for side in pair.fields:
        if side.here is LEFT_OUT or side.there is LEFT_OUT:
            yield Note(f"{_said(side.here, side)} -> {_said(side.there, side)}", subject=side.path)


def _said(value: Any, side: Side) -> str:
    if value is LEFT_OUT:
        return "(left out)"
    return values.SECRET if side.secret else values.shown(values.plain(value))


def _entry(found: Comparison, pair: Pair) -> dict[str, Any]:
    only = found.here if pair.there is None else found.there if pair.here is None else None
    return {"address": str(pair.address), "only_in": only, "at": {name: _at(one) for name, one in (
        (found.here, pair.here), (found.there, pair.there)) if one is not None},
        "fields": [_field(found, side) for side in pair.fields]}


def _field(found: Comparison, side: Side) -> dict[str, Any]:
    said = {name: values.SECRET if side.secret else values.plain(value)
            for name, value in ((found.here, side.here), (found.there, side.there)) if value is not LEFT_OUT}
    return {"path": side.path, "values": said, "secret": side.secret}


def _at(one: Resource) -> dict[str, Any]:
    return {"file": one.at.file, "line": one.at.line, "column": one.at.column}


def _summary(found: Comparison) -> str:
    if not found.pairs:
        return f"No difference. {found.same} the same in {safe(found.here)} and {safe(found.there)}."
    counts = [(sum(pair.there is None for pair in found.pairs), f"only in {found.here}"),
              (sum(pair.here is None for pair in found.pairs), f"only in {found.there}"),
              (sum(bool(pair.fields) for pair in found.pairs), "differ"), (found.same, "the same")]
    return f"{', '.join(f'{count} {safe(word)}' for count, word in counts)}."
