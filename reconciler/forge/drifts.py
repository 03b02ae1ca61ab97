"""The drift of a night as one issue, from what `drift --json-into` wrote: opened, written anew, closed when it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.errors import Stale
from reconciler.output.escape import safe
from reconciler.output.markdown import LIMIT, opening
from reconciler.output.quoting import code, fence, within

MARKER = "reconciler drift"
ABOUT = ("Changed at the vendors since the last apply, and not by a manifest. Take it into the manifests with "
         "`reconciler drift --write`, or apply to set it back.")
WIDTH = 200
"""Characters of a value that are shown; `reconciler drift` has all."""


@dataclass(frozen=True, slots=True)
class Drifts:
    """What one stack's report says."""

    name: str
    entries: tuple[Mapping[str, Any], ...]
    unreadable: tuple[Mapping[str, Any], ...]


def read(text: str, name: str) -> Drifts:
    """A report of `drift`; Stale when it is none."""
    try:
        found = json.loads(text)
        if found["format_version"] != "1.0":
            raise ValueError
        drifted, unreadable = (tuple(one for one in found[key] if one["address"]) for key in ("drifted", "unreadable"))
        return Drifts(f"{found['project']}/{found['stack']}", drifted, unreadable)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Stale(f"{name} is no report of drift", "`reconciler drift --json-into FILE` writes one") from error


def title(reports: Iterable[Drifts]) -> str:
    """What the issue is called; how much there is stands in its text."""
    return safe(f"Drift in {', '.join(one.name for one in reports)}")


def issue(reports: Sequence[Drifts], *, redact: bool = False) -> str:
    """The issue's text, cut to fit."""
    parts = [f"{opening(MARKER)}\n{ABOUT}"]
    room = LIMIT - len(parts[0]) - 400
    for one in reports:
        lines, left = within([*_lines(one, redact=redact)], room // len(reports))
        more = f"\n\nAnd more: {left} lines are left out for want of room." if left else ""
        gone = f"### {code(one.name)}: no drift any more" if not one.entries and not one.unreadable else \
            f"### {code(one.name)}: {len(one.entries)} drifted\n\n{fence(lines, 'text')}{more}"
        parts.append(gone)
    return "\n\n".join(parts) + "\n"


def _lines(report: Drifts, *, redact: bool) -> Iterator[str]:
    for one in report.entries:
        at = one.get("at") or {}
        place = f"   {at.get('file')}:{at.get('line')}" if at else ""
        yield safe(f"{one.get('what')}   {one['address']}{place}")
        for field in one.get("changes") or () if not redact else ():
            was = _value(field.get("was")) if field.get("said") else "(not known)"
            yield safe(f"    {field.get('path')}   {was} -> {_value(field.get('now'))}")
    for one in report.unreadable:
        why = "" if redact else f"   {one.get('reason')}"
        yield safe(f"can't be read   {one['address']}{why}")


def _value(found: Any) -> str:
    text = json.dumps(found, ensure_ascii=False)
    return text if len(text) <= WIDTH else text[:WIDTH] + "…"
