"""A plan on the console, and what it means for the exit code."""

from __future__ import annotations

import shutil
from collections.abc import Iterable

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.errors import Invalid
from reconciler.model import Op, Plan, Problem, Report, Result
from reconciler.output import held, json, text
from reconciler.project import CONFIG

TOGETHER = frozenset({"markdown", "html", "sarif", "junit"})
"""The formats that are one document, however many plans it is of."""


def show_plan(console: Console, plan: Plan, form: str, *, show_unchanged: bool = False) -> None:
    """The plan on stdout, and what holds it up as annotations."""
    if form == "json":
        console.data(written(console, plan, show_unchanged=show_unchanged), cleaned=True)
    elif form in TOGETHER:
        together = Together(form, show_unchanged=show_unchanged)
        together.add(console, plan)
        together.show(console)
    else:
        console.page(text.render(plan, show_unchanged=show_unchanged, color=console.color_out, width=width(console)))
    console.annotate(one.problem for one in held.of_plan(plan))


class Together:
    """Plans, and what kept others from being made, as one document.

    It is made from what a plan's file would say, and added while that plan's secrets are known: what a file does not
    tell, no document tells.
    """

    def __init__(self, form: str, *, show_unchanged: bool = False, config: str = CONFIG) -> None:
        self.form, self.show_unchanged, self.config = form, show_unchanged, config
        self.plans: list[Plan] = []
        self.files: list[str] = []
        self.problems: list[Problem] = []

    def add(self, console: Console, plan: Plan) -> None:
        """Take in a plan that was just made."""
        whole = self.show_unchanged or self.form == "html"
        if self.form == "json":
            self.files.append(written(console, plan, show_unchanged=self.show_unchanged).rstrip())
        self.take(json.load(written(console, plan, show_unchanged=whole)).plan)

    def take(self, plan: Plan) -> None:
        """Take in a saved plan."""
        self.plans.append(plan)

    def broken(self, error: Invalid) -> bool:
        """Take in why there is no plan; whether the format can tell."""
        self.problems += [one for one in error.problems if one not in self.problems]
        return self.form in ("sarif", "junit")

    def show(self, console: Console) -> None:
        """The document on stdout."""
        console.data(self._document(console), cleaned=self.form == "json")

    def annotate(self, console: Console) -> None:
        """What holds the plans up, as annotations."""
        console.annotate(one.problem for plan in self.plans for one in held.of_plan(plan))

    def _document(self, console: Console) -> str:
        from reconciler.output import html, junit, markdown, sarif

        if self.form == "json":
            return "[" + ",\n".join(self.files) + "]"
        if self.form == "markdown":
            return markdown.comment([markdown.section(plan) for plan in self.plans])
        if self.form == "html":
            return html.page(self.plans, show_unchanged=self.show_unchanged)
        if self.form == "sarif":
            runs = [sarif.Run("validate", held.of_problems(self.problems), self.config)] if self.problems else []
            runs += [sarif.Run(f"plan/{plan.project}/{plan.stack}", held.of_plan(plan), self.config) for plan in self.plans]
            return sarif.render(runs, __version__)
        suites = [junit.of_files("validate", (), self.problems)] if self.problems else []
        return junit.render([*suites, *map(junit.of_plan, self.plans)], console.source)


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
