"""`explain`: why an entry changes, or what a kind or field means."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, RUNNING, flags, options
from reconciler.cli.session import opened
from reconciler.contract import Kind, registry
from reconciler.derive import explain
from reconciler.errors import Usage
from reconciler.model import Address
from reconciler.suggest import did_you_mean


@click.command("explain")
@click.argument("what", metavar="ADDR|KIND[.FIELD]")
@flags(COMMON, RUNNING)
@click.pass_obj
def command(console: Console, /, *, what: str, **given: Any) -> int:
    """Explain an entry (stripe.price/pro), a kind (stripe.price) or a field (stripe.price.recurring.interval).

    An entry is planned first, so that its change can be followed: manifest line, vendor's rule, request.
    """
    chosen = options(console, given)
    if "/" not in what:
        kind, field = _kind(what)
        console.data(explain.explain_field(kind, field) if field else explain.explain_kind(kind))
        return 0
    try:
        address = Address.parse(what)
    except ValueError as error:
        raise Usage(str(error)) from error
    with opened(console, chosen) as workspace:
        plan = workspace.plan()
        action = next((one for one in plan.actions if one.address == address), None)
        if action is None:
            raise Usage(f"{address} is neither declared nor ours", did_you_mean(what, [str(a.address) for a in plan.actions]))
        of = workspace.connections.kind(address.kind)
        assert of is not None, "a plan holds kinds of configured vendors only"
        console.data(explain.explain_address(action, of, plan))
    return 0


def _kind(what: str) -> tuple[Kind[Any], str]:
    """`vendor.noun.field.inner` → the kind and the path of the field."""
    vendor, _, rest = what.partition(".")
    noun, _, field = rest.partition(".")
    found = registry.vendor(vendor) if vendor in registry.names() else None
    kind = found.kind(noun) if found is not None and noun else None
    if found is None or kind is None:
        names = [kind.name for name in registry.names() if (one := registry.vendor(name)) is not None for kind in one.kinds]
        inner = [name for name in names if found is not None and name.startswith(f"{vendor}.")]
        raise Usage(f"there is no kind {what}", did_you_mean(what, names) or f"there are: {', '.join(inner or names)}")
    return kind(None, None, found.title), field
