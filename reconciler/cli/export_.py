"""`export`: what exists at a vendor and nothing declares, as manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, RUNNING, flags, options
from reconciler.cli.session import opened
from reconciler.manifest.fresh import files, written
from reconciler.manifest.terraform import stated
from reconciler.manifest.write import text
from reconciler.workspace.exports import Choice, exported


@click.command("export")
@click.option("--vendor", "vendors", multiple=True, required=True, metavar="V", help="The connection to export.")
@click.option("--kind", "kinds", multiple=True, metavar="K", help="Only this kind (stripe.price, or price).")
@click.option("--match", metavar="GLOB", help="Only objects whose id or natural key matches.")
@click.option("--archived", is_flag=True, help="Archived objects too.")
@click.option("--from", "state", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Only what Terraform manages, under its names: the output of `terraform show -json`.")
@click.option("--write", is_flag=True, help="Write new files under manifests/ instead of printing; nothing is overwritten.")
@flags(COMMON, RUNNING)
@click.pass_obj
def command(console: Console, /, *, vendors: tuple[str, ...], kinds: tuple[str, ...], match: str | None, archived: bool,
            state: Path | None, write: bool, **given: Any) -> int:
    """Print live objects that carry no mark and that no manifest declares, as manifests with their references.

    Secrets and what the vendor makes by itself are left out; a plan after it holds only equal adoptions.
    """
    with opened(console, options(console, given)) as workspace:
        found = exported(workspace, Choice(vendors, kinds, match, archived, stated(state) if state is not None else None))
        for sentence in found.left_out:
            console.warn(sentence)
        if not found.entries:
            console.say("There is nothing that is not declared already.")
        elif write:
            for path, entries in files(workspace.options.dir, found.entries).items():
                console.write(path, written(workspace.options.dir, path, entries))
                count = "1 entry" if len(entries) == 1 else f"{len(entries)} entries"
                console.say(f"wrote {path.relative_to(workspace.options.dir)}: {count}")
        else:
            console.data(text(found.entries))
    return 0
