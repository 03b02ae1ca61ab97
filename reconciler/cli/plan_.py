"""`plan`: reads the vendors and shows what apply would do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, DECIDING, INTO, PLANS, RUNNING, SELECTING, flags, options
from reconciler.cli.session import opened
from reconciler.cli.showing import TOGETHER, Together, code_of, show_plan, worst, written
from reconciler.errors import Failure, Invalid, Usage
from reconciler.model import Op
from reconciler.project import CONFIG
from reconciler.workspace.options import Options
from reconciler.workspace.settled import below_repository


@click.command("plan")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save the plan, for `apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--show-unchanged", is_flag=True, help="List unchanged entries too.")
@click.option("--all-stacks", is_flag=True, help="Plan every stack, one after the other.")
@flags(COMMON, SELECTING, DECIDING, RUNNING, PLANS, INTO)
@click.pass_obj
def command(console: Console, /, *, out: Path | None, detailed_exitcode: bool, show_unchanged: bool, all_stacks: bool,
            form: str, json_into: Path | None, **given: Any) -> int:
    """Show what apply would do; this command can't write anything at a vendor.

    With --all-stacks, --format json is an array of the plans.

    Exit codes: 0 fine, 1 something could not be read, 2 changes (with --detailed-exitcode), 3 findings,
    4 blocked actions or a threshold.
    """
    chosen = replace(options(console, given), show_unchanged=show_unchanged)
    if all_stacks and (chosen.stack is not None or out is not None or json_into is not None):
        raise Usage("--all-stacks goes with neither --stack nor a file: each stack has a plan of its own")
    config = f"{below_repository(chosen.dir)}{CONFIG}"
    one_document = form in TOGETHER or (all_stacks and form == "json")
    together = Together(form, show_unchanged=show_unchanged, config=config) if one_document else None
    if all_stacks:
        code = worst([_each(console, replace(chosen, stack=name), form, together, detailed=detailed_exitcode)
                      for name in _stacks(chosen)])
    else:
        try:
            code = _one(console, chosen, out, json_into, form, together, detailed=detailed_exitcode)
        except Invalid as error:
            if together is None or not together.broken(error):
                raise
            console.failure(error)
            code = error.exit_code
    if together is not None:
        together.show(console)
        together.annotate(console)
    return code


def _stacks(chosen: Options) -> tuple[str, ...]:
    from reconciler import __version__
    from reconciler.project import names

    return names(chosen.dir, version=__version__, ref=chosen.config_from, shown=CONFIG)


def _each(console: Console, chosen: Options, form: str, together: Together | None, *, detailed: bool) -> int:
    """One of several stacks; what is wrong with it does not keep the others from being planned."""
    if form == "text":
        console.data(f"Stack {chosen.stack}:\n")
    try:
        return _one(console, chosen, None, None, form, together, detailed=detailed)
    except Failure as error:
        if together is not None and isinstance(error, Invalid):
            together.broken(error)
        console.failure(error)
        return error.exit_code


def _one(console: Console, chosen: Options, out: Path | None, into: Path | None, form: str, together: Together | None, *,
         detailed: bool) -> int:
    with opened(console, chosen) as workspace:
        plan = workspace.plan()
        if together is None:
            show_plan(console, plan, form, show_unchanged=chosen.show_unchanged)
        else:
            together.add(console, plan)
        for path in (out, into):
            if path is not None:
                console.write(path, written(console, plan, show_unchanged=chosen.show_unchanged), cleaned=True)
        if out is not None:
            there = " --sandbox" if chosen.sandbox else ""
            blocked = " but what is blocked" if any(action.op is Op.BLOCKED for action in plan.actions) else ""
            console.say(f"Saved to {out}; `reconciler apply {out}{there}` does exactly this{blocked}.")
    return code_of(plan, detailed=detailed)
