"""`validate`: everything that can be known offline, every problem in one run."""

from __future__ import annotations

import json
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, FORMAT, flags, options
from reconciler.cli.session import checked
from reconciler.errors import Invalid
from reconciler.model import Problem
from reconciler.output import problems


@click.command("validate")
@flags(COMMON, FORMAT)
@click.pass_obj
def command(console: Console, /, *, form: str, **given: Any) -> int:
    """Check manifests and reconciler.yaml offline: syntax, schema, references, vendors' limits.

    Needs no credential and sends nothing. Exit codes: 0 fine, 3 findings.
    """
    chosen = options(console, given)
    found: list[Problem] = []
    count = 0
    try:
        with checked(console, chosen) as workspace:
            count = len(workspace.validate())
            found = list(workspace.warnings)
            left_out = workspace.left_out
    except Invalid as error:
        if form != "json":
            raise
        found, left_out = list(error.problems), ()
    if form == "json":
        console.data(_json(found, count))
    else:
        if found:
            console.err.write(console.clean(problems.render(found, console.source, color=console.color_err)))
        console.data(f"{count} {'entry is' if count == 1 else 'entries are'} fine.")
        for sentence in left_out:
            console.say(sentence)
    return 3 if any(problem.severity == "error" for problem in found) else 0


def _json(found: list[Problem], count: int) -> str:
    errors = sum(problem.severity == "error" for problem in found)
    return json.dumps({
        "format_version": "1.0", "valid": errors == 0, "entries": count, "error_count": errors,
        "warning_count": len(found) - errors, "diagnostics": [_diagnostic(problem) for problem in found],
    }, indent=2, ensure_ascii=False)


def _diagnostic(problem: Problem) -> dict[str, Any]:
    at = problem.at
    place = {"file": at.file, "line": at.line, "column": at.column, "width": problem.width} if at is not None else None
    return {"severity": problem.severity, "summary": problem.message, "path": problem.path, "hint": problem.hint,
            "help": problem.help, "at": place}
