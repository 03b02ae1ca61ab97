"""`validate`: everything that can be known offline, every problem in one run."""

from __future__ import annotations

import json
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.flags import CHECKS, COMMON, flags, options
from reconciler.cli.session import checked
from reconciler.errors import Invalid
from reconciler.model import Problem
from reconciler.output.escape import in_json
from reconciler.project import CONFIG
from reconciler.workspace.settled import below_repository


@click.command("validate")
@flags(COMMON, CHECKS)
@click.pass_obj
def command(console: Console, /, *, form: str, **given: Any) -> int:
    """Check manifests and reconciler.yaml offline: syntax, schema, references, vendors' limits.

    Needs no credential and sends nothing. Exit codes: 0 fine, 3 findings.
    """
    chosen = options(console, given)
    found: list[Problem] = []
    count = 0
    left_out: tuple[str, ...] = ()
    files: tuple[str, ...] = (f"{below_repository(chosen.dir)}{CONFIG}",)
    try:
        with checked(console, chosen) as workspace:
            files = workspace.files
            count = len(workspace.validate())
            found, left_out = list(workspace.warnings), workspace.left_out
    except Invalid as error:
        if form == "text":
            raise
        found = list(error.problems)
    if form == "text":
        if found:
            console.problems(found)
        console.data(f"{count} {'entry is' if count == 1 else 'entries are'} fine.")
        for sentence in left_out:
            console.say(sentence)
    else:
        console.data(_document(console, form, found, count, files))
        console.annotate(found)
    return 3 if any(problem.severity == "error" for problem in found) else 0


def _document(console: Console, form: str, found: list[Problem], count: int, files: tuple[str, ...]) -> str:
    from reconciler.output import findings, held, junit, sarif

    if form == "json":
        return _json(found, count)
    if form == "markdown":
        return findings.comment(found, count, console.source)
    if form == "sarif":
        return sarif.render([sarif.Run("validate", held.of_problems(found), files[0])], __version__)
    return junit.render([junit.of_files("validate", files, found)], console.source)


def _json(found: list[Problem], count: int) -> str:
    errors = sum(problem.severity == "error" for problem in found)
    return in_json(json.dumps({
        "format_version": "1.0", "valid": errors == 0, "entries": count, "error_count": errors,
        "warning_count": len(found) - errors, "diagnostics": [_diagnostic(problem) for problem in found],
    }, indent=2, ensure_ascii=False))


def _diagnostic(problem: Problem) -> dict[str, Any]:
    at = problem.at
    place = {"file": at.file, "line": at.line, "column": at.column, "width": problem.width} if at is not None else None
    return {"severity": problem.severity, "summary": problem.message, "path": problem.path, "hint": problem.hint,
            "help": problem.help, "at": place}
