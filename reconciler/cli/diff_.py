"""`diff`: two stacks in the manifests' terms, offline."""

from __future__ import annotations

from typing import Any

import click

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.cli.flags import PLACED, flags, options, written_as
from reconciler.cli.session import checked
from reconciler.cli.showing import width
from reconciler.errors import Usage
from reconciler.output import comparison
from reconciler.output.compare import compared


@click.command("diff")
@click.option("--stack", "-s", "stacks", multiple=True, metavar="NAME", help="A stack; given twice, the two that are compared.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when they differ.")
@flags(PLACED, written_as("text", "json"))
@click.pass_obj
def command(console: Console, /, *, stacks: tuple[str, ...], detailed_exitcode: bool, form: str, **given: Any) -> int:
    """Compare two stacks as their manifests resolve: what only one of them has, and where the same entry differs.

    Reads no vendor and needs no credential; a secret's value is never shown. Exit codes: 0 fine, 2 they differ
    (with --detailed-exitcode), 3 findings.
    """
    if len(stacks) != 2 or stacks[0] == stacks[1]:
        raise Usage("two stacks are compared", "reconciler diff --stack staging --stack production")
    loaded = []
    for name in stacks:
        with checked(console, options(console, {**given, "stack": name})) as workspace:
            loaded.append(workspace.validate())
            for sentence in workspace.left_out:
                console.say(sentence)
    found = compared(stacks[0], loaded[0], stacks[1], loaded[1])
    if form == "json":
        console.data(comparison.dump(found, __version__))
    else:
        console.page(comparison.render(found, color=console.color_out, width=width(console)))
    return 2 if detailed_exitcode and found.pairs else 0
