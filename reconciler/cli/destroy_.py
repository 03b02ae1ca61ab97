"""`destroy`: plan and apply of an empty desired state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.applying import Applying, Consenting
from reconciler.cli.console import Console
from reconciler.cli.flags import APPLIES, COMMON, DECIDING, INTO, LOCKING, RUNNING, SELECTING, flags, options
from reconciler.cli.session import opened


@click.command("destroy")
@click.option("--auto-approve", is_flag=True, help="Don't ask; needs --allow delete beside it.")
@click.option("--skip-blocked", is_flag=True, help="Do the rest when something is blocked.")
@flags(COMMON, SELECTING, DECIDING, RUNNING, LOCKING, APPLIES, INTO)
@click.pass_obj
def command(
    console: Console, /, *, auto_approve: bool, skip_blocked: bool, form: str, json_into: Path | None, **given: Any
) -> int:
    """Remove everything that this stack owns; asks for the stack's name.

    Unattended: --auto-approve --allow delete, and --allow irreversible:ADDR for what can't be undone.
    Exit codes as for apply.
    """
    chosen = options(console, {**given, "skip_blocked": skip_blocked})
    with opened(console, chosen) as workspace:
        consenting = Consenting(auto_approve=auto_approve, answer=workspace.stack.name)
        return Applying(console, workspace, form, json_into).run(consenting, destroy=True)
