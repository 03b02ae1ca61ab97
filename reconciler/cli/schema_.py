"""`schema`: JSON Schema for editors, generated from the kinds."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.console import Console
from reconciler.derive import schema


@click.command("schema")
@click.option("--write", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Write manifest.json, plan.json and reconciler.json there.")
@click.argument("name", type=click.Choice(["manifest", "plan", "reconciler"]), default="manifest", required=False)
@click.pass_obj
def command(console: Console, /, *, folder: Path | None, name: str) -> int:
    """Print a JSON Schema, or write all three with --write.

    A first line `# yaml-language-server: $schema=../schemas/manifest.json` lets an editor use it.
    """
    made = schema.texts()
    if folder is None:
        console.data(made[name])
        return 0
    for each, text in made.items():
        console.write(folder / f"{each}.json", text)
    return 0
