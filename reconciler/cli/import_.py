"""`import`: records existing objects as ours; at the vendor it writes the mark at most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli.applying import Applying
from reconciler.cli.console import Console
from reconciler.cli.flags import APPLIES, COMMON, LOCKING, RUNNING, flags, options
from reconciler.cli.session import opened
from reconciler.errors import Usage
from reconciler.manifest.terraform import stated
from reconciler.model import Address


@click.command("import")
@click.argument("addresses", nargs=-1, metavar="[ADDR[=ID]]...")
@click.option("--take-over", is_flag=True, help="Also an object that has another stack's mark; the mark is rewritten.")
@click.option("--from", "state", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="What Terraform manages: the output of `terraform show -json`.")
@flags(COMMON, RUNNING, LOCKING, APPLIES)
@click.pass_obj
def command(console: Console, /, *, addresses: tuple[str, ...], take_over: bool, state: Path | None, form: str,
            **given: Any) -> int:
    """Record existing objects as ours: ADDR by its natural key, ADDR=ID by the vendor's id.

    The entry is declared in the manifests first; what differs is shown by the next plan. With --from it is every object
    that Terraform manages and an entry means: the one of its name, else the one of its natural key or id.

    Exit codes: 0 recorded, 3 findings, 4 blocked, 6 incomplete, 7 another run holds the stack, 64 no such entry or object.
    """
    pairs = [_pair(word) for word in addresses]
    if not pairs and state is None:
        raise Usage("nothing is named", "reconciler import ADDR, ADDR=ID, or --from terraform.json")
    found = stated(state) if state is not None else ()
    with opened(console, options(console, given)) as workspace:
        return Applying(console, workspace, form).record(pairs, found, take_over=take_over)


def _pair(word: str) -> tuple[Address, str | None]:
    name, equals, id = word.partition("=")
    if equals and not id:
        raise Usage(f"{word}: there is no id after =", "ADDR takes the object with its natural key, ADDR=ID that one")
    try:
        return Address.parse(name), id or None
    except ValueError as error:
        raise Usage(str(error)) from error
