"""`version`."""

from __future__ import annotations

import json
import platform

import click

from reconciler import __version__
from reconciler.cli.console import Console


@click.command("version")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the Python it runs on and the plan's format.")
@click.pass_obj
def command(console: Console, /, *, as_json: bool) -> int:
    """Print the version."""
    if as_json:
        console.data(json.dumps({"version": __version__, "python": platform.python_version(), "format_version": "1.0"}))
    else:
        console.data(f"reconciler {__version__}")
    return 0
