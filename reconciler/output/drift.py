"""Drift as a person reads it, as JSON, and as Markdown: what was, as far as it is known, and what is now."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from reconciler.model import Action, Change, Drift, Drifted, Fell, Note, Op, Turned
from reconciler.output import text, values
from reconciler.output.escape import in_json
from reconciler.output.markdown import LIMIT
from reconciler.output.quoting import cell, fence, within

FORMAT = "1.0"

OPS = {Fell.CHANGED: Op.UPDATE, Fell.REMOVED: Op.DELETE, Fell.ARCHIVED: Op.DELETE, Fell.TAKEN: Op.FORGET}
"""The symbol under which each is shown: what a plan would show that had done it."""


def render(drift: Drift, *, color: bool, width: int) -> str:
    """All of it for the terminal, the summary last."""
    return "\n".join([*_lines(drift, color=color, width=width), _summary(drift)]) + "\n"


def _lines(drift: Drift, *, color: bool, width: int) -> list[str]:
    """What stands above the summary, an empty line last where there is anything."""
    shown = [*map(_told, drift.found), *(replace(action, effect=None, changes=(), notes=()) for action in drift.unreadable)]
    lines = [*text.entries(shown, color=color, width=width)]
    for part in ([*text.remarks(drift.plan, color=color, width=width)], [""]):
        if lines and part and lines[-1]:
            lines.append("")
        lines += filter(None, part)
    return lines


def markdown(drift: Drift, *, limit: int = LIMIT) -> str:
    """The same as a comment or an issue, of at most `limit` characters; what vendors wrote stays inert."""
    title = f"## reconciler: drift of {cell(drift.plan.project)} / {cell(drift.plan.stack)}"
    every = _lines(drift, color=False, width=110)
    lines, left = within(every, limit - len(title) - len(_summary(drift)) - 300)
    cut = f"Cut to fit: {len(lines):,} of {len(every):,} lines shown. `reconciler drift` has all." if left else ""
    return "\n\n".join(filter(None, (title, cut, fence([*lines, *([""] if left else []), _summary(drift)], "text")))) + "\n"


def dump(drift: Drift, tool: str, *, clean: Callable[[str], str] = str) -> str:
    """The same for programs."""
    return clean(in_json(json.dumps({
        "format_version": FORMAT, "tool": tool, "project": drift.plan.project, "stack": drift.plan.stack,
        "drifted": [_entry(one) for one in drift.found],
        "unreadable": [{"address": str(action.address), "reason": action.blocked} for action in drift.unreadable],
        "summary": {**_counts(drift), "unreadable": len(drift.unreadable), "unchanged": drift.same},
        "requests": {"read": drift.plan.reads, "write": 0},
        "left_out": list(drift.plan.left_out), "warnings": [*drift.plan.warnings, *drift.plan.stopped],
    }, indent=1, ensure_ascii=False)))


def _entry(one: Drifted) -> dict[str, Any]:
    at = one.action.at
    return {"address": str(one.address), "id": one.action.id, "what": one.what.value, "by": one.by or None,
            "at": {"file": at.file, "line": at.line, "column": at.column} if at is not None else None,
            "changes": [_field(field) for field in one.fields]}


def _field(field: Turned) -> dict[str, Any]:
    was, now = (values.SECRET if field.said else None, values.SECRET) if field.secret else (field.was, field.now)
    return {"path": field.path, "was": values.plain(was), "now": values.plain(now), "secret": field.secret, "said": field.said}


def _told(one: Drifted) -> Action:
    """The entry as a plan would show what was done to it."""
    changes = tuple(_change(field) for field in one.fields)
    notes = (Note(one.by, subject="by"),) if one.by else ()
    return replace(one.action, op=OPS[one.what], effect=one.what.value, impact=(), changes=changes, notes=notes, facts=(),
                   want=None, blocked=None, after=())


def _change(field: Turned) -> Change:
    return Change(field.path, field.was, field.now, secret=field.secret, drift=not field.said)


def _counts(drift: Drift) -> dict[str, int]:
    return {what.value.replace(" ", "_"): drift.count(what) for what in Fell}


def _summary(drift: Drift) -> str:
    parts = [f"{count} {word.replace('_', ' ')}" for word, count in _counts(drift).items() if count]
    parts += [f"{len(drift.unreadable)} can't be read"] if drift.unreadable else []
    requests = f"Requests: {drift.plan.reads} read, 0 write."
    if not parts:
        return f"No drift. {drift.same} as applied.   {requests}"
    return f"Drift: {', '.join([*parts, f'{drift.same} as applied'])}.   {requests}"
