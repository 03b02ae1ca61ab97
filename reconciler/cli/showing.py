"""A plan on the console, and what it means for the exit code."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.model import Op, Plan, Report, Result
from reconciler.output import json, text


def show_plan(console: Console, plan: Plan, form: str, *, show_unchanged: bool = False) -> None:
    """The plan as text or JSON, on stdout."""
    if form == "json":
        console.data(written(console, plan, show_unchanged=show_unchanged), cleaned=True)
        return
    shown = text.render(plan, show_unchanged=show_unchanged, color=console.color_out, width=width(console))
    console.page(shown)


def written(console: Console, plan: Plan, *, show_unchanged: bool = False) -> str:
    """The plan as its file, cleaned of secrets before its checksum is made."""
    return json.dump(plan, __version__, show_unchanged=show_unchanged, clean=console.clean)


def width(console: Console) -> int:
    """Columns to write for; a fixed width where there is no terminal, so that logs are the same everywhere."""
    if not console.out.isatty():
        asked = console.environ.get("COLUMNS", "")
        return int(asked) if asked.isdecimal() and int(asked) else 110
    return shutil.get_terminal_size((110, 40)).columns


def code_of(plan: Plan, *, detailed: bool = False) -> int:
    """1 unreadable, 4 blocked or stopped, 2 changes, 0 fine."""
    if plan.unreadable:
        return 1
    if plan.stopped or any(action.op is Op.BLOCKED for action in plan.actions):
        return 4
    return 2 if detailed and not plan.empty else 0


def worst(codes: Iterable[int]) -> int:
    """The one exit code where several fit."""
    found = set(codes)
    return next((code for code in (1, 3, 5, 4, 2) if code in found), max(found, default=0))


def code_of_report(report: Report) -> int:
    """6 where anything is left, 0 where all is done."""
    return 0 if all(outcome.result is Result.DONE for outcome in report.outcomes) else 6
