"""`completion`: the scripts are ready texts, made by `make generate`."""

from __future__ import annotations

import click

from reconciler.cli import SHELLS, TEXTS
from reconciler.cli.console import Console


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_obj
def command(console: Console, /, *, shell: str) -> int:
    """Print the completion script of a SHELL: `eval "$(reconciler completion bash)"`."""
    console.data((TEXTS / f"completion.{shell}").read_text("utf-8"))
    return 0
