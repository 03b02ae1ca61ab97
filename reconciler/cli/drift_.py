"""`drift`: what changed at the vendors since the last apply, apart from what the manifests ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, INTO, RUNNING, SELECTING, flags, options, written_as
from reconciler.cli.session import opened
from reconciler.cli.showing import width
from reconciler.model import Drift
from reconciler.output import drift as output
from reconciler.output.escape import safe
from reconciler.workspace import Workspace


@click.command("drift")
@click.option("--write", is_flag=True, help="Take the live values into the manifests, in place.")
@flags(COMMON, SELECTING, RUNNING, written_as("text", "json", "markdown"), INTO)
@click.pass_obj
def command(console: Console, /, *, write: bool, form: str, json_into: Path | None, **given: Any) -> int:
    """Show what somebody changed at the vendors since the last apply; this command can't write anything there.

    With --write the manifests say from then on what is live, comments and layout kept: all files are written or none.

    Exit codes: 0 no drift (or all of it written), 1 something could not be read, 2 drift, 3 findings.
    """
    with opened(console, options(console, given)) as workspace:
        found = workspace.drift()
        if json_into is not None:
            console.write(json_into, output.dump(found, __version__, clean=console.clean), cleaned=True)
        _show(console, found, form)
        left = _written(console, workspace, found) if write else len(found.found)
    return 1 if found.unreadable else 2 if left else 0


def _show(console: Console, found: Drift, form: str) -> None:
    if form == "json":
        console.data(output.dump(found, __version__, clean=console.clean), cleaned=True)
    elif form == "markdown":
        console.data(output.markdown(found))
    else:
        console.page(output.render(found, color=console.color_out, width=width(console)))


def _written(console: Console, workspace: Workspace, found: Drift) -> int:
    """Take what can be taken into the manifests; how many entries are not taken whole."""
    done = workspace.take(found)
    for name in done.files:
        console.say(f"wrote {name}")
    for warning in done.warnings:
        console.warn(warning)
    for problem in done.left:
        where = f"{problem.at}: " if problem.at is not None else ""
        console.warn(safe(f"{where}{problem.message}" + (f" ({problem.help})" if problem.help else "")))
    return done.open
