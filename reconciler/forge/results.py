"""How applies ended, read back from what `apply --format json` printed: the comment below a merge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model import Action, Address, Op, Outcome, Plan, Report, Result
from reconciler.output import result
from reconciler.output.markdown import LIMIT, opening
from reconciler.output.quoting import code

MARKER = result.MARKER


@dataclass(frozen=True, slots=True)
class Ended:
    """One apply; `report` is None when it never came to its end (refused, stale, locked, killed)."""

    name: str
    plan: Plan | None = None
    report: Report | None = None


def read(text: str, name: str) -> Ended:
    """What the lines say; lines that are no events are passed over, for a log may stand among them."""
    actions: dict[Address, Action] = {}
    outcomes: dict[Address, Outcome] = {}
    told: dict[str, Any] = {}
    for line in _lines(text):
        address = _address(line.get("change") if line.get("type") == "planned_change" else line)
        if address is not None and line["type"] == "planned_change":
            actions[address] = _action(address, line["change"])
        elif address is not None and line["type"] == "apply_complete":
            outcomes.setdefault(address, Outcome(address, Result.DONE))
        elif address is not None and line["type"] == "diagnostic":
            outcomes[address] = _outcome(address, line)
        elif line["type"] == "outputs":
            told["ids"] = line.get("outputs")
        elif line["type"] in ("version", "change_summary"):
            told[f"{line['type']} {line.get('operation', '')}".strip()] = line
    version, planned, applied = (told.get(key, {}) for key in ("version", "change_summary", "change_summary apply"))
    if not version.get("project"):
        return Ended(name)
    plan = Plan(str(version["project"]), str(version.get("stack")), tuple(actions.values()), str(planned.get("digest") or ""))
    if not applied:
        return Ended(f"{plan.project}/{plan.stack}", plan)
    report = Report(tuple(_named(one, told.get("ids")) for one in outcomes.values()), str(applied.get("run") or ""),
                    applied.get("interrupted") is True)
    return Ended(f"{plan.project}/{plan.stack}", plan, report)


def comment(ends: Sequence[Ended], logs: Iterable[str] = (), *, redact: bool = False) -> str:
    """One comment for all of them, within the limit; with `redact` without what vendors said."""
    logs = list(logs)
    room = (LIMIT - sum(len(log) + 2 for log in logs)) // max(len(ends), 1) - 200
    parts = [_told(end, redact=redact, limit=room).strip("\n") for end in ends]
    return "\n\n".join((f"{opening(MARKER)}\n{parts[0] if parts else ''}", *parts[1:], *logs)) + "\n"


def _told(end: Ended, *, redact: bool, limit: int) -> str:
    if end.plan is None or end.report is None:
        return (f"## reconciler: {code(end.name)}\n\nThe apply did not come to its end. What it did is recorded: "
                "`reconciler plan` shows what is left.")
    return result.comment(end.report, end.plan, redact=redact, limit=limit).partition("\n")[2]


def _action(address: Address, change: Mapping[str, Any]) -> Action:
    """As much of an action as its one line needs."""
    try:
        op = Op(change.get("op"))
    except ValueError:
        op = Op.UPDATE
    effect = change.get("effect")
    return Action(op, address, effect=str(effect) if effect else None)


def _outcome(address: Address, line: Mapping[str, Any]) -> Outcome:
    try:
        ended = Result(line.get("result"))
    except ValueError:
        ended = Result.FAILED
    return Outcome(address, ended, str(line.get("summary") or ""), str(line.get("detail") or ""))


def _named(one: Outcome, ids: Any) -> Outcome:
    """A done action with the vendor's id."""
    found = (ids.get(str(one.address)) or {}).get("id") if isinstance(ids, dict) else None
    return Outcome(one.address, one.result, one.error, one.next, one.path, str(found)) if found else one


def _address(found: Any) -> Address | None:
    try:
        return Address.parse(found["address"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("type"), str):
            yield found
