"""Opens the connections that a command has to do with; whatever is missing for any of them is told before a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.engine.observe import Kinds
from reconciler.errors import Invalid
from reconciler.ledger import Ledger
from reconciler.model import Problem, Resource, SecretRef, tokens_in
from reconciler.workspace.connections import Connections
from reconciler.workspace.settled import Settled


def wanted(chosen: Collection[str], resources: Iterable[Resource], ledger: Ledger) -> set[str]:
    """The connections a command has to do with: selected ones, and those their entries refer to, however far that leads."""
    by_address = {r.address: r for r in resources}
    used = {address.connection for address in by_address} | {name.partition(".")[0] for name in ledger.entries}
    if not chosen:
        return used
    left = [address for address in by_address if address.connection in chosen]
    met = set(left)
    while left:
        fresh = {need for need in by_address[left.pop()].needs if need in by_address} - met
        met |= fresh
        left.extend(fresh)
    return (set(chosen) & used) | {address.connection for address in met}


def opened(connections: Connections, settled: Settled, names: Collection[str], resources: Iterable[Resource],
           ledger: Ledger, *, write: bool) -> Kinds:
    """The kinds of these connections over their clients; Invalid with all that is missing, before anything is asked."""
    names = sorted(names)
    problems = [*_gone(connections, settled, names, ledger)]
    for name in names:
        problems.extend(connections.mistakes(name))
    problems.extend(settled.unread(_secrets(r for r in resources if r.address.connection in names)))
    if problems:
        raise Invalid(problems)
    clients = {name: connections.client(name, read_only=not write) for name in names}
    unfit = list(settled.unfit_for_ci({name: one.api.base_url for name, one in clients.items()}))
    if unfit:
        raise Invalid(unfit)
    kinds: dict[str, Kind[Any]] = {}
    for name in names:
        kinds.update(connections.open(name, read_only=not write).kinds)
    return kinds


def _gone(connections: Connections, settled: Settled, names: Iterable[str], ledger: Ledger) -> Iterator[Problem]:
    for name in names:
        if connections.vendor(name) is not None:
            continue
        ours = sorted(a for a in ledger.entries if a.partition(".")[0] == name)
        count = f"{len(ours)} entries" if len(ours) > 1 else "an entry"
        more = " …" if len(ours) > 1 else ""
        yield settled.stack.problem(
            f"the ledger holds {count} of {name}, which is no longer configured ({ours[0]}{more})", "vendors", key=True,
            help=f"configure it again under vendors:, to keep or to remove what is there,\n"
                 f"or let it go as it is: reconciler ledger forget '{name}.*'")


def _secrets(resources: Iterable[Resource]) -> list[str]:
    found = (token for r in resources for token in tokens_in(r.fields) if isinstance(token, SecretRef))
    return list(dict.fromkeys(token.name for token in found))
