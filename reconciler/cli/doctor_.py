"""`doctor`: whether a stack can be planned and applied from here, and where each setting comes from."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, FORMAT, RUNNING, flags, options
from reconciler.cli.session import opened
from reconciler.cli.showing import width, worst
from reconciler.errors import Invalid
from reconciler.output.escape import safe
from reconciler.output.paint import DIM, GREEN, RED, YELLOW, Paint
from reconciler.workspace.checkup import Check, Checkup, examined
from reconciler.workspace.origins import DEFAULT, Setting, settings
from reconciler.workspace.selecting import selectable

HUES = {"ok": GREEN, "note": YELLOW, "wrong": RED}


@click.command("doctor")
@click.option("--vendor", "vendors", multiple=True, metavar="V", help="Only this connection.")
@flags(COMMON, RUNNING, FORMAT)
@click.pass_obj
def command(console: Console, /, *, form: str, **given: Any) -> int:
    """Show each setting and where it came from, and check what a plan and an apply need.

    Every connection is asked by harmless reads: can it be reached, whom does the credential lead to, does it hold the
    permissions that the declared kinds need. Writes nothing. Exit codes: 0 fine, 1 something can't be reached, 3 findings
    in manifests, configuration or credentials, 4 another account than the pinned one.
    """
    named = {name for name, value in given.items() if value not in (None, False, ())}
    chosen = options(console, given)
    found, set_to = Checkup(), list[Setting]()
    tools = _tools(console, chosen.dir)
    try:
        with opened(console, chosen) as workspace:
            selectable(chosen, workspace.connections.vendors, ())
            set_to = list(settings(workspace.settled, workspace.connections, named))
            found = examined(workspace, chosen.vendors)
    except Invalid as error:
        found.problems.extend(error.problems)
        found.checks.append(Check("project", "reconciler.yaml", "it can't be used as it is", code=3))
    code = worst(check.code for check in found.checks)
    if form == "json":
        console.data(_json(tools, set_to, found, code))
        return code
    if found.problems:
        console.failure(Invalid(found.problems))
    console.data("\n".join(_text(tools, set_to, found.checks, Paint(console.color_out), width(console))))
    return code


def _tools(console: Console, folder: Path) -> list[tuple[str, str]]:
    """The tool, git and the terminal."""
    asks = "can be asked" if console.can_ask else "nobody to ask"
    colour = "colours" if console.color_out else "no colours"
    return [("reconciler", f"{__version__}, Python {platform.python_version()}"), ("git", _git(folder)),
            ("terminal", f"{width(console)} columns, {colour}, {asks}")]


def _git(folder: Path) -> str:
    version = _says(folder, "--version").removeprefix("git version ")
    if not version:
        return "not installed: --changed-since, --config-from and a ledger in git need it"
    if _says(folder, "rev-parse", "--is-inside-work-tree") != "true":
        return f"{version}, outside a repository"
    remotes = _says(folder, "remote").split()
    return f"{version}, in a repository " + (f"with the remote {', '.join(remotes)}" if remotes else "without a remote")


def _says(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


# how it is told


def _text(tools: Sequence[tuple[str, str]], set_to: Sequence[Setting], checks: Sequence[Check], paint: Paint,
          columns: int) -> Iterator[str]:
    yield "tool"
    yield from _rows([(name, text, "") for name, text in tools], paint)
    if set_to:
        yield "settings"
        yield from _rows([(one.name, one.value, one.origin) for one in set_to if one.origin != DEFAULT], paint)
        yield from _defaults([f"{one.name} {one.value}" for one in set_to if one.origin == DEFAULT], columns, paint)
    for about in dict.fromkeys(check.about for check in checks):
        yield about
        for check in (one for one in checks if one.about == about):
            yield f"  {paint(f'{check.state:5}', HUES[check.state])}  {check.name:10}  {safe(check.text)}"
            if check.next:
                yield paint(f"         {'':10}  {safe(check.next)}", DIM)
    counts = {state: sum(check.state == state for check in checks) for state in HUES}
    yield ""
    yield ", ".join(f"{count} {state}" for state, count in counts.items() if count) + "."


def _rows(rows: Sequence[tuple[str, str, str]], paint: Paint) -> Iterator[str]:
    first = max((len(name) for name, _, _ in rows), default=0)
    second = min(max((len(value) for _, value, origin in rows if origin), default=0), 40)
    for name, value, origin in rows:
        line = f"  {name:{first}}  {safe(value):{second}}"
        yield (f"{line}  {paint(safe(origin), DIM)}" if origin else line).rstrip()


def _defaults(words: Iterable[str], columns: int, paint: Paint) -> Iterator[str]:
    line = "  by default:"
    for word in words:
        if len(line) + len(word) + 2 > columns:
            yield paint(line, DIM)
            line = "    "
        line += f" {safe(word)},"
    yield paint(line.rstrip(","), DIM)


def _json(tools: Sequence[tuple[str, str]], set_to: Sequence[Setting], found: Checkup, code: int) -> str:
    return json.dumps({
        "format_version": "1.0", "exit_code": code, "tool": dict(tools),
        "settings": [{"name": one.name, "value": one.value, "origin": one.origin} for one in set_to],
        "checks": [{"about": one.about, "name": one.name, "state": one.state, "text": one.text, "next": one.next}
                   for one in found.checks],
        "permissions": [{"connection": one.connection, "permission": one.permission, "for": one.purpose,
                         "kinds": list(one.kinds), "held": one.held} for one in found.holdings],
        "problems": [{"message": one.message, "at": str(one.at) if one.at is not None else None, "help": one.help}
                     for one in found.problems]}, indent=2, ensure_ascii=False)
