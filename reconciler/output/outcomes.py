"""How an apply ended, as a person reads it: what is done, what is left, and why, with the next step."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from reconciler.model import Action, Address, Location, Op, Outcome, Plan, Problem, Report, Result
from reconciler.output import problems
from reconciler.output.escape import columns, cut, pad, safe
from reconciler.output.paint import BOLD, GREEN, RED, YELLOW, Paint
from reconciler.output.words import symbol, word

LEAST = 6
"""Fewer columns of an id tell nothing."""

SAID = {Result.FAILED: "failed", Result.UNKNOWN: "may have happened", Result.STALE: "changed since it was planned"}
NEXT = {Result.FAILED: "once that is mended, `reconciler apply` does what is left",
        Result.UNKNOWN: "the next plan finds out by reading; nothing is sent again before you agree",
        Result.STALE: "plan again"}


def report(report: Report, plan: Plan, *, color: bool, source: problems.Source = lambda file: None,
           width: int | None = None) -> str:
    """What is done first, then what is left, the count last; `source` gives files' texts for the lines that were refused."""
    paint, actions = Paint(color), {action.address: action for action in plan.actions}
    lines = [*_quiet(report, actions, paint, width)]
    bad = [_problem(outcome, actions.get(outcome.address)) for outcome in report.outcomes if outcome.result in SAID]
    if bad:
        told = problems.render(bad, source, color=color, counted=False, width=width).splitlines()
        lines += ["", *told] if lines else told
    if lines:
        lines.append("")
    lines += _whole(report, plan, paint, width)
    return "\n".join(lines) + "\n"


def _quiet(report: Report, actions: dict[Address, Action], paint: Paint, width: int | None) -> Iterator[str]:
    """One line for each action that is done, or was not started; on a terminal what does not fit is cut, or stands below."""
    shown = [*report.having(Result.DONE), *report.having(Result.SKIPPED)]
    rows = [_row(outcome, actions.get(outcome.address)) for outcome in shown]
    sizes, gap = [11, max((columns(row[1]) for row in rows), default=0), 13], 3
    if width is not None and any(sum(sizes) + gap * 3 + columns(row[3]) > width for row in rows):
        sizes, gap = [max(columns(row[n]) for row in rows) for n in range(3)], 2
    for outcome, row in zip(shown, rows, strict=True):
        done = outcome.result is Result.DONE
        cells = [pad(cell, size) for cell, size in zip(row, sizes, strict=False)]
        line = (" " * gap).join((paint(cells[0], GREEN if done else YELLOW), *cells[1:]))
        room = width - sum(sizes) - gap * 3 if width is not None else None
        if room is None or columns(row[3]) <= room:
            yield f"{line}{' ' * gap}{row[3]}".rstrip()
        elif done:
            yield f"{line}{' ' * gap}{cut(row[3], room) if room >= LEAST else ''}".rstrip()
        else:
            yield line.rstrip()
            yield from textwrap.wrap(row[3], max(width or 0, 40), initial_indent="    ", subsequent_indent="    ",
                                     break_long_words=False, break_on_hyphens=False)


def _row(outcome: Outcome, action: Action | None) -> tuple[str, str, str, str]:
    """How it ended, of what, what was done, and the id or the reason."""
    did = f"{symbol(action)} {word(action)}" if action is not None else ""
    said = (outcome.id,) if outcome.result is Result.DONE else (outcome.error, outcome.next)
    return outcome.result.value, safe(str(outcome.address)), did, ". ".join(safe(one) for one in said if one)


def _problem(outcome: Outcome, action: Action | None) -> Problem:
    """What the vendor or the engine said, at the YAML that sent the field."""
    about = f"{outcome.path}: " if outcome.path and outcome.path not in outcome.error else ""
    message = f"{outcome.address} {SAID[outcome.result]}: {about}{outcome.error}"
    return Problem(message, place(outcome, action), help=outcome.next or NEXT[outcome.result])


def place(outcome: Outcome, action: Action | None) -> Location | None:
    """Where the manifest says the field that was refused, or the entry."""
    if action is None:
        return None
    if action.resource is not None and outcome.path:
        return action.resource.place(outcome.path)
    return action.at


def _whole(report: Report, plan: Plan, paint: Paint, width: int | None) -> Iterator[str]:
    if report.not_in_plan:
        more = f" and {len(report.not_in_plan) - 5} more" if len(report.not_in_plan) > 5 else ""
        yield f"Not in this plan: {', '.join(safe(str(one)) for one in report.not_in_plan[:5])}{more}."
    if report.interrupted:
        yield f"{paint('Interrupted:', YELLOW, BOLD)} what was under way is recorded; `reconciler apply` goes on from here."
    counts = [(result, len(report.having(result))) for result in Result]
    blocked = plan.count(Op.BLOCKED)
    whole = not blocked and all(result is Result.DONE or not n for result, n in counts)
    words = ", ".join([*(f"{n} {result.value}" for result, n in counts if n or result is Result.DONE),
                       *([f"{blocked} blocked"] if blocked else [])])
    run = f"Run {safe(report.run)}." if report.run else ""
    line = f"{paint('Apply:', GREEN if whole else RED, BOLD)} {words}."
    if run and (width is None or columns(f"Apply: {words}.   {run}") <= width):
        yield f"{line}   {run}"
    else:
        yield from filter(None, (line, run))
