"""`undo`: the plan of an earlier commit's manifests, and what it can't bring back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, DECIDING, INTO, PLANS, RUNNING, SELECTING, flags, options
from reconciler.cli.session import opened
from reconciler.cli.showing import code_of, show_plan, written
from reconciler.model import Plan
from reconciler.output.escape import safe
from reconciler.workspace.options import Options


@click.command("undo")
@click.option("--to", "ref", required=True, metavar="REF", help="The git revision whose manifests to go back to.")
@click.option("--write", is_flag=True, help="Put that revision's manifests in the place of today's, for `apply`.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Save the plan, for `apply FILE` once the manifests are back.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--show-unchanged", is_flag=True, help="List unchanged entries too.")
@flags(COMMON, SELECTING, DECIDING, RUNNING, PLANS, INTO)
@click.pass_obj
def command(console: Console, /, *, ref: str, write: bool, out: Path | None, detailed_exitcode: bool, show_unchanged: bool,
            form: str, json_into: Path | None, **given: Any) -> int:
    """Show the plan of an earlier commit's manifests over today's reconciler.yaml, and what it can't bring back.

    Like `plan` it can't write anything at a vendor. To do it, the manifests have to say it: --write puts the files back
    as they were (it refuses while they hold changes that no commit has), then `apply` as ever. Exit codes as for plan.
    """
    from reconciler.workspace import earlier

    chosen = replace(options(console, given), show_unchanged=show_unchanged)
    with opened(console, chosen) as workspace:
        source = console.source
        console.source = lambda name: source(name) or earlier.text(chosen.dir, name)
        if write:
            earlier.committed(chosen.dir)
        plan = workspace.undo(ref)
        show_plan(console, plan, form, show_unchanged=show_unchanged)
        for path in (out, json_into):
            if path is not None:
                console.write(path, written(console, plan, show_unchanged=show_unchanged), cleaned=True)
        if write:
            names = earlier.restore(chosen.dir, ref)
            console.say(f"{len(names)} file{'' if len(names) == 1 else 's'} as of {ref}: {safe(', '.join(names))}" if names
                        else f"the manifests are as of {ref} already")
        console.say(_next(plan, ref, out, chosen, write=write))
    return code_of(plan, detailed=detailed_exitcode)


def _next(plan: Plan, ref: str, out: Path | None, chosen: Options, *, write: bool) -> str:
    flags = f"{f' --stack {chosen.stack}' if chosen.stack else ''}{' --sandbox' if chosen.sandbox else ''}"
    apply = f"reconciler apply{f' {out}' if out is not None else ''}{flags}"
    if plan.empty:
        return f"Nothing differs from {ref}."
    return f"`{apply}` does this." if write else f"To do it: `reconciler undo --to {ref} --write{flags}`, then `{apply}`."
