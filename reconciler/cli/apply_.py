"""`apply`: plans, asks, and does it; or does exactly a saved plan's actions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.applying import Applying, Consenting
from reconciler.cli.console import Console
from reconciler.cli.flags import APPLIES, COMMON, DECIDING, INTO, LOCKING, RUNNING, SELECTING, flags, options
from reconciler.cli.session import opened
from reconciler.engine.digest import of_plan as digest_of
from reconciler.errors import Usage
from reconciler.output import json
from reconciler.output.saved import altered


@click.command("apply")
@click.argument("plan", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Don't ask; money, access, drift, adopt and delete need --allow beside it.")
@click.option("--digest", metavar="SHA", help="Apply only if the whole new plan has this digest.")
@click.option("--skip-blocked", is_flag=True, help="Do the rest when something is blocked.")
@click.option("--show-unchanged", is_flag=True, help="List unchanged entries too.")
@flags(COMMON, SELECTING, DECIDING, RUNNING, LOCKING, APPLIES, INTO)
@click.pass_obj
def command(console: Console, /, *, plan: Path | None, auto_approve: bool, digest: str | None, skip_blocked: bool,
            show_unchanged: bool, form: str, json_into: Path | None, **given: Any) -> int:
    """Plan, ask, and do it. With a saved PLAN: plan again and do exactly its actions.

    Exit codes: 0 done, 4 blocked or not consented, 5 the saved plan or digest is stale, 6 incomplete,
    7 another run holds the stack, 130 interrupted.
    """
    chosen = replace(options(console, given), skip_blocked=skip_blocked, show_unchanged=show_unchanged)
    saved = None
    if plan is not None:
        if digest is not None or auto_approve:
            raise Usage("a saved plan is its own consent: neither --digest nor --auto-approve goes with it")
        saved = agreeing(json.load(read_plan(plan)))
        chosen = replace(chosen, allow=tuple(dict.fromkeys((*chosen.allow, *saved.consents))))
        if chosen.stack is None and not console.environ.get("RECONCILER_STACK"):
            chosen = replace(chosen, stack=saved.stack)
    consenting = Consenting(auto_approve=auto_approve, digest=_digest(digest), saved=saved)
    with opened(console, chosen) as workspace:
        return Applying(console, workspace, form, json_into).run(consenting)


def agreeing(saved: json.Saved) -> json.Saved:
    """A saved plan whose digest is that of its parts: consents can't be slipped in below an approved digest."""
    made = digest_of(saved.project, saved.stack, saved.accounts, saved.consents, saved.digests.values())
    if made != saved.digest:
        raise altered("its digest is not that of its actions, accounts and consents")
    return saved


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    text = text.lower().removeprefix("sha256:")
    if len(text) != 64 or any(char not in "0123456789abcdef" for char in text):
        raise Usage("--digest takes a whole digest: sha256: and 64 hexadecimal digits", "it stands in the plan's JSON")
    return f"sha256:{text}"


def read_plan(path: Path) -> str:
    """A saved plan's text; Usage when there is none."""
    try:
        return path.read_bytes().decode()
    except OSError as error:
        raise Usage(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Usage(f"{path} is not a saved plan") from error
