"""A plan as its file, with a checksum over every byte of it, and lines of NDJSON; no secret in either."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.model import Action, Change, Note, Plan
from reconciler.output import values
from reconciler.output.details import tells, unchanged, wanted
from reconciler.output.escape import in_json
from reconciler.output.money import currencies
from reconciler.output.saved import FORMAT, Saved, read

__all__ = ["Clean", "Saved", "checksum", "dump", "line", "load"]

Clean = Callable[[str], str]
"""Strikes secrets out of a text that somebody else wrote."""

_TAIL = '"\n}\n'
_END = re.compile(r',\n "checksum": "(sha256:[0-9a-f]{64})"\n}\n\Z')


def dump(plan: Plan, tool_version: str, *, show_unchanged: bool = False, clean: Clean = str) -> str:
    """The plan's file, one line an action; the same plan gives the same bytes.

    `clean` gets each value and sentence. What the tool itself made (addresses, digests) is left as it is: a short
    secret that happens to stand in a digest must not spoil the file.
    """
    told = _Told(plan, clean)
    before: dict[str, Any] = {
        "format_version": FORMAT, "tool": tool_version, "project": plan.project, "stack": plan.stack,
        "digest": plan.digest, "serial": plan.serial, "consents": list(plan.consents), "accounts": dict(plan.accounts)}
    behind: dict[str, Any] = {
        "summary": plan.summary, "requests": {"read": plan.reads, "write": plan.writes},
        "left_out": told(plan.left_out), "warnings": told(plan.warnings), "stopped": told(plan.stopped),
        "unreadable": plan.unreadable}
    actions = [f"  {_text(told.action(action))}" for action in plan.actions if show_unchanged or tells(action)]
    listed = "[\n" + ",\n".join(actions) + "\n ]" if actions else "[]"
    parts = [*_members(before), f' "actions": {listed}', *_members(behind)]
    body = "{\n" + ",\n".join(parts) + ',\n "checksum": "'
    return body + checksum(body) + _TAIL


def checksum(body: str) -> str:
    """The checksum of a plan's file: over all that stands before it, which is all but the end of the map."""
    return "sha256:" + hashlib.sha256(body.encode()).hexdigest()


def load(text: str) -> Saved:
    """A saved plan; Stale when the file is altered, is no plan, or has another format."""
    hit = _END.search(text)
    whole = hit is not None and checksum(text[:hit.start(1)]) == hit[1]
    return read(text, whole=whole)


def line(type: str, **fields: Any) -> str:
    """One event of NDJSON."""
    return _text(values.plain({"type": type, **fields})) + "\n"


def _members(fields: Mapping[str, Any]) -> Iterator[str]:
    return (f" {json.dumps(name)}: {_text(value)}" for name, value in fields.items())


def _text(value: Any) -> str:
    return in_json(json.dumps(value, ensure_ascii=False))


class _Told:
    """Turns the parts of a plan into JSON values; what others wrote is cleaned before it is quoted."""

    def __init__(self, plan: Plan, clean: Clean) -> None:
        self.plan, self.clean = plan, clean

    def __call__(self, value: Any) -> Any:
        """A value as JSON, without secrets."""
        return self._cleaned(values.plain(value))

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {self.clean(key): self._cleaned(item) for key, item in value.items()}
        return [self._cleaned(item) for item in value] if isinstance(value, list) else value

    def action(self, action: Action) -> dict[str, Any]:
        """One action; what only a few have stands behind what all have."""
        at = action.at
        all_have = {
            "op": action.op.value, "address": str(action.address), "id": self(action.id),
            "impact": [impact.value for impact in action.impact], "effect": self(action.effect),
            "digest": self.plan.digests.get(action.address),
            "at": None if at is None else {"file": at.file, "line": at.line, "column": at.column},
            "changes": self._changes(action), "needs": [str(need) for need in action.needs],
            "notes": [self(_sentence(note.subject, note.text)) for note in action.notes],
            "facts": [self(_sentence(fact.subject, fact.text)) for fact in action.facts],
            "blocked": self(action.blocked)}
        about_notes = [self(_about(note)) for note in action.notes]
        about_facts = [self(_subject(fact.subject)) for fact in action.facts]
        some_have = {
            "moved_from": str(action.moved_from) if action.moved_from is not None else None,
            "kept": self._kept(action),
            "after": [{"method": call.method, "path": self(call.path) or "?"} for call in action.after],
            "notes_about": about_notes if any(about_notes) else None,
            "facts_about": about_facts if any(about_facts) else None}
        return all_have | {name: value for name, value in some_have.items() if value}

    def _changes(self, action: Action) -> list[dict[str, Any]]:
        money = currencies(action)
        return [self._change(change, money) for change in action.changes]

    def _change(self, change: Change, money: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
        sides = [values.SECRET if change.secret and side is not None else self(side)
                 for side in (change.before, change.after)]
        told = {"path": self(change.path), "before": sides[0], "after": sides[1], "replaces": change.replaces,
                "secret": change.secret, "drift": change.drift, "unknown": change.unknown}
        return told | {"currency": money[change.path][1]} if change.path in money else told

    def _kept(self, action: Action) -> dict[str, Any]:
        """The fields that stay as they are, by name; the value only where a note is about it."""
        found: dict[str, Any] = dict.fromkeys(unchanged(action))
        changed = {change.path for change in action.changes}
        for path in (note.path for note in action.notes if note.path is not None and note.path not in changed):
            if (value := wanted(path, action)) is not None:
                found[path] = self(value)
        return found


def _sentence(subject: str, text: str) -> str:
    return f"{subject}: {text}" if subject else text


def _subject(subject: str) -> dict[str, Any]:
    return {"subject": subject} if subject else {}


def _about(note: Note) -> dict[str, Any]:
    """What a note says beside its text."""
    found = _subject(note.subject)
    if note.path is not None:
        found["path"] = note.path
    if note.impact is not None:
        found["impact"] = note.impact.value
    if note.refuse:
        found |= {"refuse": True, "consent": note.consent.value}
    return found
