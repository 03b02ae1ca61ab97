"""Whether a stack can be planned and applied here: every connection asked by harmless reads, and the ledger looked at."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reconciler.contract import Permissions
from reconciler.contract.kind import Kind
from reconciler.errors import Denied, Failure, Invalid, WrongAccount
from reconciler.model import Problem, Ref, Resource, SecretRef, Want, fill
from reconciler.workspace.connections import Opened, answered

if TYPE_CHECKING:
    from reconciler.workspace.running import Workspace

FEW = 6
"""So many permissions that are held are named; of those that are lacking each is."""

APART = 60.0
"""Seconds that two clocks may differ before it is worth a word."""

PURPOSES = ("plan", "apply", "facts")
_LACKING = {"plan": "give them to the credential that plans",
            "apply": "right for a credential that only plans; the one that applies needs them",
            "facts": "a plan says where it does not know something for want of them"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `code` is what it makes of the exit code, `note` that it is worth a word."""

    about: str
    name: str
    text: str
    next: str = ""
    code: int = 0
    note: bool = False

    @property
    def state(self) -> str:
        """In one word."""
        return "wrong" if self.code else "note" if self.note else "ok"


@dataclass(frozen=True, slots=True)
class Holding:
    """One permission: what it is for, which kinds need it, and whether it is held; None where the vendor does not tell."""

    connection: str
    permission: str
    purpose: str
    kinds: tuple[str, ...]
    held: bool | None


@dataclass(slots=True)
class Checkup:
    """What was found, in the order in which it was looked at."""

    checks: list[Check] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def examined(workspace: Workspace, chosen: Collection[str]) -> Checkup:
    """Everything about these connections (all, where none is chosen), and about the ledger; nothing is written anywhere."""
    found = Checkup()
    resources = _declared(workspace, found)
    for connection in chosen or tuple(workspace.connections.vendors):
        _connection(workspace, connection, resources, found)
    found.checks.extend(_ledger(workspace))
    return found


def _declared(workspace: Workspace, found: Checkup) -> tuple[Resource, ...]:
    """The entries; broken manifests are findings, and no reason to stop."""
    try:
        return workspace.validate()
    except Invalid as error:
        found.problems.extend(error.problems)
        count = len(error.problems)
        found.checks.append(Check("manifests", "manifests", f"{count} finding{'s' if count > 1 else ''}", code=3))
        return ()


# connections


def _connection(workspace: Workspace, name: str, resources: Iterable[Resource], found: Checkup) -> None:
    mistakes = workspace.connections.mistakes(name)
    if mistakes:
        fresh = [one for one in mistakes if one not in found.problems]
        found.problems.extend(fresh)
        said = "; ".join(dict.fromkeys(one.message for one in mistakes))
        found.checks.append(Check(name, "settings", said, mistakes[0].help, 3))
        return
    try:
        client = workspace.connections.client(name, read_only=True).api
        opened = workspace.connections.open(name, read_only=True)
        who = answered(opened.api.leads_to)
    except Failure as error:
        found.checks.append(_unreachable(name, error, _place(workspace, name)))
        return
    sandbox = workspace.settled.sandbox is not None
    place = f"the sandbox in the place of {client.base_url}" if sandbox else client.base_url
    found.checks.append(Check(name, "reachable", place))
    found.checks.extend(_whose(name, opened, who, pinned=sandbox))
    found.checks.extend(_clock(workspace, name, opened))
    _permissions(workspace, opened, resources, found)


def _place(workspace: Workspace, name: str) -> str:
    """Where a connection leads, as far as its settings can be read."""
    try:
        api = workspace.connections.client(name, read_only=True).api
    except Failure:
        return ""
    return f"{api.base_url} through {api.settings.proxy}" if api.settings.proxy else api.base_url


def _unreachable(name: str, error: Failure, place: str) -> Check:
    """A failure with its cause in words: whose name is unknown, what is not trusted, what does not answer."""
    if isinstance(error, WrongAccount):
        return Check(name, "account", error.message, error.next, 4)
    if isinstance(error, Denied):
        return Check(name, "credential", f"{place} refuses it: {error.message}", error.next, 3)
    if isinstance(error, Invalid):
        return Check(name, "settings", "; ".join(one.message for one in error.problems), error.problems[0].help, 3)
    why, what = _cause(error)
    return Check(name, "reachable", f"{place}: {why or error.message}", what or error.next, 1)


def _cause(error: BaseException) -> tuple[str, str]:
    """What lies below a failure to connect, and what to do about it."""
    chain: list[BaseException] = []
    below: BaseException | None = error
    while below is not None and below not in chain:
        chain.append(below)
        below = below.__cause__ or below.__context__
    for one in reversed(chain):
        if isinstance(one, ssl.SSLCertVerificationError):
            return (f"its certificate is not trusted ({getattr(one, 'verify_message', one.strerror)})",
                    "ca_bundle: names the certificates of an authority of your own; a wrong clock has the same effect")
        if isinstance(one, ssl.SSLError):
            return f"no TLS could be agreed on ({one.reason or type(one).__name__})", "is it https:// at that port?"
        if isinstance(one, socket.gaierror):
            return "its name is unknown here (DNS)", "check the address; behind a proxy, name it: proxy: http://host:port"
        if isinstance(one, ConnectionRefusedError):
            return "nothing listens there", "check the address and its port, and that the server runs"
        if type(one).__name__ == "ProxyError":
            return f"the proxy turns us away ({one})", "check proxy: in reconciler.yaml"
        if isinstance(one, TimeoutError) or "Timeout" in type(one).__name__:
            return "no answer in time", "check the network, or wait longer with timeout:"
    return "", ""


def _whose(name: str, opened: Opened, who: Mapping[str, str], *, pinned: bool) -> Iterator[Check]:
    """Whom the credential leads to, and what of that could be pinned and is not."""
    about = opened.api.about()
    told = [f"{key} {value}" for key, value in who.items()]
    told += [key if value is True else f"{key} {', '.join(value) if isinstance(value, tuple) else value}"
             for key, value in about.items() if value and key not in who]
    if told:
        free = [key for key in who if not pinned and getattr(opened.api.settings, key, None) in (None, "@current")]
        pins = ", ".join(f"{key}: {who[key]}" for key in free)
        help = f"pin it, so that no other one is ever written to: {pins}" if pins else ""
        yield Check(name, "account", "; ".join(told), help, note=bool(pins))


def _clock(workspace: Workspace, name: str, opened: Opened) -> Iterator[Check]:
    """How far the vendor's clock and ours are apart."""
    said, ours = opened.api.dated or ("", 0.0)
    try:
        apart = parsedate_to_datetime(said).timestamp() - ours
    except (TypeError, ValueError):
        return
    if abs(apart) > APART:
        yield Check(name, "clock", f"this machine's clock is {abs(apart):.0f} s {'behind' if apart > 0 else 'ahead'}",
                    "set it by NTP: logins and certificates hang on it", note=True)


# permissions


def _permissions(workspace: Workspace, opened: Opened, resources: Iterable[Resource], found: Checkup) -> None:
    """What the declared kinds need (all of the vendor's, where none is declared), against what the credential holds."""
    asked: dict[tuple[str, str], dict[str, None]] = {}
    for kind, needed in _needed(workspace, opened, tuple(resources)):
        for purpose, names in zip(PURPOSES, (needed.read, needed.write, needed.look), strict=True):
            for one in names:
                asked.setdefault((purpose, one), {})[kind] = None
    try:
        every = dict.fromkeys(one for _, one in asked)
        held = answered(lambda: opened.api.held(every))
    except Failure as error:
        found.checks.append(Check(opened.name, "permissions", f"not known: {error.message}", error.next, note=True))
        held = {}
    mine = [Holding(opened.name, one, purpose, tuple(kinds), held.get(one)) for (purpose, one), kinds in asked.items()]
    found.holdings.extend(mine)
    found.checks.extend(_judged(opened.name, mine))


def _judged(name: str, holdings: Iterable[Holding]) -> Iterator[Check]:
    holdings = tuple(holdings)
    for purpose in PURPOSES:
        asked = [one for one in holdings if one.purpose == purpose]
        lacks = [one.permission for one in asked if one.held is False]
        dark = [one.permission for one in asked if one.held is None]
        if lacks:
            code = 3 if purpose == "plan" else 0
            yield Check(name, purpose, f"lacks {', '.join(lacks)}", _LACKING[purpose], code, note=not code)
        if dark:
            yield Check(name, purpose, f"the vendor does not tell of {', '.join(dark)}", note=True)
        if asked and not lacks and not dark:
            yield Check(name, purpose, f"holds {_few([one.permission for one in asked])}")


def _few(names: list[str]) -> str:
    """What is fine needs no long list."""
    return ", ".join(names) if len(names) <= FEW else f"all {len(names)} that are needed"


def _needed(workspace: Workspace, opened: Opened, resources: tuple[Resource, ...]) -> Iterator[tuple[str, Permissions]]:
    mine = [one for one in resources if one.address.connection == opened.name]
    outputs = {one.address: opened.kinds[one.address.kind].foretell(Want(one.address, one.fields)) for one in mine}

    def told(token: Ref | SecretRef) -> Any:
        return outputs.get(token.address, {}).get(token.output, token) if isinstance(token, Ref) else token

    for one in mine:
        yield one.address.kind, opened.kinds[one.address.kind].needed(Want(one.address, fill(one.fields, told)))
    declared = {one.address.kind for one in mine}
    left = _remembered(workspace) & opened.kinds.keys() - declared
    for kind in sorted(left if mine or left else opened.kinds):
        yield kind, _whole(opened.kinds[kind])


def _remembered(workspace: Workspace) -> set[str]:
    """The kinds of the ledger's entries; none where it can't be read, which is told elsewhere."""
    try:
        return {address.partition("/")[0] for address in workspace.ledger().entries}
    except Failure:
        return set()


def _whole(kind: Kind[Any]) -> Permissions:
    """What a kind needs whatever its entries are."""
    held = kind.permissions
    return Permissions(*(tuple(one for one in names if "{" not in one) for names in (held.read, held.write, held.look)))


# the ledger


def _ledger(workspace: Workspace) -> Iterator[Check]:
    for problem in workspace.settled.unread(()):
        yield Check("ledger", "key", problem.message, problem.help, 3)
    try:
        hosts = {name: one.api.base_url for (name, _), one in workspace.connections.opened.items()}
        for problem in workspace.settled.unfit_for_ci(hosts):
            yield Check("ledger", "store", problem.message, problem.help, 3)
        ledger, holder = workspace.ledger(), workspace.store.holder()
    except Invalid as error:
        yield from (Check("ledger", "store", problem.message, problem.help, 3) for problem in error.problems)
        return
    except Failure as error:
        yield Check("ledger", "store", error.message, error.next, 1)
        return
    count = len(ledger.entries)
    store = "the sandbox's own" if workspace.settled.sandbox is not None else workspace.stack.ledger.store
    yield Check("ledger", "store", f"{store}: {count} {'entry' if count == 1 else 'entries'}, serial {ledger.serial}")
    pending = len(ledger.intents)
    if pending:
        yield Check("ledger", "open", f"{pending} request{'s' if pending > 1 else ''} of an earlier run left open",
                    "the next plan settles them by reading", note=True)
    if holder is None:
        yield Check("ledger", "lock", "nobody holds it")
        return
    since = datetime.fromtimestamp(holder.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    whose = f" of {holder.who}" if holder.who else ""
    yield Check("ledger", "lock", f"run {holder.run}{whose} on {holder.host or 'another machine'} "
                f"(pid {holder.pid}) holds it since {since}",
                f"wait with --lock-timeout, or `reconciler ledger unlock --run {holder.run}` if it is stuck", note=True)
