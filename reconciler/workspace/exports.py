"""What exists at a vendor and no manifest declares: read whole, and written as manifests."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.engine.exporting import Export, export
from reconciler.engine.observe import Kinds
from reconciler.errors import Usage
from reconciler.manifest.terraform import Stated
from reconciler.manifest.write import unwritable
from reconciler.model import Live
from reconciler.suggest import did_you_mean
from reconciler.workspace.moving_in import Named, claims

if TYPE_CHECKING:
    from reconciler.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Choice:
    """What to export: connections, and of these only some kinds or some names; `archived` objects too.

    With `found` it is what Terraform manages, under its names.
    """

    vendors: tuple[str, ...]
    kinds: tuple[str, ...] = ()
    match: str | None = None
    archived: bool = False
    found: tuple[Stated, ...] | None = None


def exported(workspace: Workspace, choice: Choice) -> Export:
    """The entries; a value that a manifest can't carry leaves its object out, and says so."""
    kinds = _kinds(workspace, choice)
    wanted = {name for name in kinds if not choice.kinds or any(_is(name, one) for one in choice.kinds)}
    claimed, strange = claims(choice.found or (), kinds, ())
    called = Named(claimed)

    def chosen(kind: str, live: Live) -> bool:
        if kind not in wanted or not _matches(kinds, kind, live, choice.match):
            return False
        return choice.found is None or called(kind, live) is not None

    found = export(workspace.whole(kinds), chosen, archived=choice.archived, called=called)
    odd = [address for address, fields in found.entries.items() if unwritable(fields)]
    told = tuple(f"{address}: it holds control characters, so it is not written" for address in odd)
    return Export({a: f for a, f in found.entries.items() if a not in odd}, (*found.left_out, *told, *strange))


def _is(bound: str, asked: str) -> bool:
    return asked in (bound, bound.partition(".")[2])


def _matches(kinds: Kinds, kind: str, live: Live, glob: str | None) -> bool:
    return glob is None or fnmatchcase(live.id, glob) or fnmatchcase(kinds[kind].title(live), glob)


def _kinds(workspace: Workspace, choice: Choice) -> Kinds:
    connections = workspace.connections
    for vendor in choice.vendors:
        if vendor not in connections.vendors:
            raise Usage(f"{vendor} is not a configured vendor", did_you_mean(vendor, connections.vendors)
                        or f"there are: {', '.join(connections.vendors)}")
    kinds = {name: kind for vendor in choice.vendors
             for name, kind in connections.open(vendor, read_only=True).kinds.items()}
    for one in choice.kinds:
        if not any(_is(name, one) for name in kinds):
            raise Usage(f"there is no kind {one}", did_you_mean(one, kinds) or f"there are: {', '.join(kinds)}")
    return kinds
