"""`graph`: dependencies between entries, offline."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, flags, options
from reconciler.cli.session import checked
from reconciler.derive.graph import graph


@click.command("graph")
@click.option("--format", "form", type=click.Choice(["text", "mermaid", "dot"]), default="text", show_default=True,
              help="How to write it.")
@flags(COMMON)
@click.pass_obj
def command(console: Console, /, *, form: str, **given: Any) -> int:
    """Show which entry needs which; deferred links are marked."""
    with checked(console, options(console, given)) as workspace:
        resources = workspace.validate()
        found = {one.address.kind: workspace.connections.kind(one.address.kind) for one in resources}
        kinds = {name: kind for name, kind in found.items() if kind is not None}
        console.data(graph(resources, kinds, form))
    return 0
