"""`show`: a saved plan, without network or credentials."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.apply_ import read_plan
from reconciler.cli.console import Console
from reconciler.cli.flags import PLANS, flags
from reconciler.cli.showing import TOGETHER, Together, code_of, width
from reconciler.output import json, text


@click.command("show")
@click.argument("plan", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--show-unchanged", is_flag=True, help="List unchanged entries too, as far as they were saved.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes.")
@click.option("--no-color", is_flag=True, help="No colours (NO_COLOR).")
@flags(PLANS)
@click.pass_obj
def command(
    console: Console, /, *, plan: Path, show_unchanged: bool, detailed_exitcode: bool, no_color: bool, form: str
) -> int:
    """Render a saved PLAN.

    Exit codes: as for plan when it was saved; 5 an altered file, which is refused.
    """
    written = read_plan(plan)
    saved = json.load(written)
    if form == "json":
        console.data(written, cleaned=True)
    elif form in TOGETHER:
        together = Together(form, show_unchanged=show_unchanged)
        together.take(saved.plan)
        together.show(console)
    else:
        color = console.color_out and not no_color
        console.page(text.render(saved.plan, show_unchanged=show_unchanged, color=color, width=width(console)))
    return code_of(saved.plan, detailed=detailed_exitcode)
