"""How an apply ended, as a comment: done or not, what failed and may have happened, the next step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from reconciler.model import Address, Op, Outcome, Plan, Report, Result
from reconciler.output import outcomes
from reconciler.output.entries import did
from reconciler.output.escape import safe
from reconciler.output.markdown import LIMIT, opening
from reconciler.output.quoting import cell, fence

MARKER = "reconciler result"

ORDER = (Result.FAILED, Result.UNKNOWN, Result.STALE, Result.SKIPPED, Result.DONE)
"""What needs somebody first."""

WORDS = {Result.FAILED: "Failed", Result.UNKNOWN: "May have happened", Result.STALE: "Changed since it was planned",
         Result.SKIPPED: "Not started", Result.DONE: "Done"}


def comment(report: Report, plan: Plan, *, redact: bool = False, limit: int = LIMIT, marker: str = MARKER) -> str:
    """One comment on an apply of `plan`; with `redact` addresses and operations only."""
    left = [outcome for outcome in report.outcomes if outcome.result is not Result.DONE]
    blocked = [action.address for action in plan.actions if action.op is Op.BLOCKED]
    counts = ", ".join([*(f"{len(having)} {result.value}" for result in Result if (having := report.having(result))),
                        *([f"{len(blocked)} blocked"] if blocked else [])])
    alert = (("CAUTION", "Incomplete") if left or blocked else
             ("NOTE", "Applied" if report.outcomes else "Nothing to apply"))
    parts = [f"{opening(marker)}\n## reconciler: {cell(plan.project)} / {cell(plan.stack)}",
             f"> [!{alert[0]}]\n> **{alert[1]}{': ' + counts if counts else ''}.**"]
    if report.interrupted:
        parts.append("Interrupted: what was under way is recorded, and the next apply goes on from here.")
    if plan.digest:
        parts.append(f"Digest {cell(plan.digest)}{f', run {cell(report.run)}' if report.run else ''}")
    room = limit - sum(len(part) + 2 for part in parts) - 200
    for result in ORDER:
        if result is Result.DONE and blocked:
            parts.append(_named("Blocked", blocked, room))
            room -= len(parts[-1]) + 2
        part = _group(result, report.having(result), plan, room, redact=redact)
        parts.append(part)
        room -= len(part) + 2
    if report.not_in_plan:
        parts.append(_named("Not in this plan", report.not_in_plan, room))
    return "\n\n".join(filter(None, parts)) + "\n"


def cleaned(report: Report, clean: Callable[[str], str]) -> Report:
    """The report without the secrets that a vendor may have quoted, before anything is escaped."""
    def said(one: Outcome) -> Outcome:
        return replace(one, error=clean(one.error), next=clean(one.next), id=clean(one.id) if one.id is not None else None)

    return replace(report, outcomes=tuple(map(said, report.outcomes)))


def _group(result: Result, having: Sequence[Outcome], plan: Plan, room: int, *, redact: bool) -> str:
    """The outcomes of one result; of the last ones only how many, where there is no room."""
    if not having:
        return ""
    actions = {action.address: action for action in plan.actions}
    lines: list[str] = []
    shown, taken = 0, 200
    for outcome in having:
        action = actions.get(outcome.address)
        text = [f"{did(action) + '   ' if action is not None else ''}{safe(str(outcome.address))}"]
        if not redact and result is Result.DONE:
            text[0] = f"{text[0]}   {safe(outcome.id or '')}".rstrip()
        elif not redact:
            said = (outcome.error, outcome.next or outcomes.NEXT.get(result, ""))
            text += [f"    {safe(line)}" for part in said if part for line in part.split("\n")]
        size = sum(len(line) + 1 for line in text)
        if taken + size > room:
            break
        lines, shown, taken = [*lines, *text], shown + 1, taken + size
    count = str(len(having)) if shown == len(having) else f"{shown} of {len(having)} shown"
    if result is not Result.DONE:
        return f"#### {WORDS[result]}: {count}\n\n{fence(lines, 'diff') if lines else ''}".rstrip()
    body = f"\n\n{fence(lines, 'diff')}\n\n" if lines else ""
    return f"<details><summary><b>{WORDS[result]}</b>: {count}</summary>{body}</details>"


def _named(title: str, addresses: Sequence[Address], room: int) -> str:
    lines: list[str] = []
    for address in addresses:
        if sum(len(line) + 1 for line in lines) + len(str(address)) + 100 > room:
            break
        lines.append(safe(str(address)))
    count = str(len(addresses)) if len(lines) == len(addresses) else f"{len(lines)} of {len(addresses)} shown"
    return f"#### {title}: {count}\n\n{fence(lines, 'text') if lines else ''}".rstrip()
