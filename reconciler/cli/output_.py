"""`output`: ids and outputs for the application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, RUNNING, flags, options
from reconciler.cli.session import opened
from reconciler.derive import code
from reconciler.derive.zone import zone
from reconciler.errors import Usage
from reconciler.secret import Secret
from reconciler.workspace import Workspace


@click.command("output")
@click.option("--format", "form", type=click.Choice(["json", "dotenv", "zone"]), help="Print this, instead of writing files.")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 when a file of `outputs:` is stale.")
@flags(COMMON, RUNNING)
@click.pass_obj
def command(console: Console, /, *, form: str | None, check: bool, **given: Any) -> int:
    """Write the files that `outputs:` of reconciler.yaml lists, or print ids and outputs with --format.

    Secrets are left out. `zone` is the DNS records that vendors ask for, as a zone file.
    Exit codes: 0 fine, 2 a file is stale (with --check), 3 findings.
    """
    if form is not None and check:
        raise Usage("--check compares the files of `outputs:`; --format prints")
    with opened(console, options(console, given)) as workspace:
        listed = workspace.stack.outputs
        if form is None and not listed:
            if check:
                raise Usage("`outputs:` of reconciler.yaml lists no file", "outputs: {dotenv: {file: .env.generated}}")
            form = "json"
        outputs = workspace.outputs()
        _tell(console, workspace, outputs)
        if form is not None:
            prefix = listed[form].prefix if form in listed else ""
            console.data(_rendered(workspace, form, outputs, prefix))
            return 0
        stale = [name for name, one in listed.items()
                 if not _done(console, workspace, one.file, _rendered(workspace, name, outputs, one.prefix), check=check)]
    return 2 if stale else 0


def _tell(console: Console, workspace: Workspace, outputs: code.Outputs) -> None:
    """What is missing: entries without an object, and secrets."""
    waiting = sorted(str(one.address) for one in workspace.validate() if one.address not in outputs)
    if waiting:
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        console.warn(f"not there yet, so without outputs: {', '.join(waiting[:3])}{more}; apply makes them")
    secrets = [f"{address} {name}" for address, found in outputs.items() for name, value in found.items()
               if isinstance(value, Secret)]
    if secrets:
        console.say(f"left out as secrets: {', '.join(secrets[:3])}{' …' if len(secrets) > 3 else ''}")


def _rendered(workspace: Workspace, form: str, outputs: code.Outputs, prefix: str) -> str:
    if form == "zone":
        return zone(outputs, workspace.connections.kind)
    return code.dotenv(outputs, prefix) if form == "dotenv" else code.as_json(outputs)


def _done(console: Console, workspace: Workspace, name: str, text: str, *, check: bool) -> bool:
    """Whether the file is as it should be, in the end."""
    root = workspace.options.dir.resolve()
    path = (root / name).resolve()
    if Path(name).is_absolute() or not path.is_relative_to(root):
        raise Usage(f"{name} lies outside of the project", "outputs: names files inside of it")
    fresh = path.is_file() and path.read_bytes() == text.encode()
    if fresh or check:
        if not fresh:
            console.data(f"{name} is stale")
        return fresh
    console.write(path, text)
    console.say(f"wrote {name}")
    return True
