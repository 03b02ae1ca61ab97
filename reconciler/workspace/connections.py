"""The connections of a stack: vendors found by name, settings checked, clients opened when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.clock import Clock
from reconciler.contract import registry
from reconciler.contract.kind import Kind
from reconciler.contract.vendor import Placed, Settings, Vendor, load
from reconciler.errors import MISSHAPEN, Failure, Invalid, Usage, shaped
from reconciler.model import Delivery, Problem, Resource

if TYPE_CHECKING:
    import httpx

    from reconciler.contract.http import Api
    from reconciler.sandbox import Sandbox


T = TypeVar("T")


def answered(ask: Callable[[], T]) -> T:
    """What a vendor says of a connection; Unreadable where the answer has not the promised shape."""
    try:
        return ask()
    except MISSHAPEN as error:
        raise shaped(error) from error


@dataclass(slots=True)
class Opened:
    """One connection with its client and its kinds; `pinned` once its account and mode were checked."""

    name: str
    vendor: Vendor
    api: Api
    kinds: Mapping[str, Kind[Any]]
    pinned: bool = False


class Connections:
    """Every connection that a stack configures, by name.

    `vendors` maps a connection to its vendor, `absent` are those that the stack leaves out, `commands` the declared
    sinks, `met` the connections that a manifest named. `settings` gives a connection's checked settings (Invalid when
    they are wrong or a variable is unset); with `sandbox` a folder none is read, and objects are kept there.
    """

    def __init__(self, vendors: Mapping[str, str], settings: Callable[[str, type[Settings]], Settings], clock: Clock, *,
                 sandbox: Path | None = None, transports: Mapping[str, httpx.BaseTransport] | None = None,
                 tune: Mapping[str, Any] | None = None, progress: Callable[[str], None] | None = None,
                 absent: frozenset[str] = frozenset(), commands: frozenset[str] = frozenset()) -> None:
        self.vendors, self.settings, self.clock, self.sandbox = vendors, settings, clock, sandbox
        self.transports, self.tune, self.progress = dict(transports or {}), dict(tune or {}), progress
        self.absent, self.commands = absent, commands
        self.met: set[str] = set()
        self.offline: dict[str, Kind[Any] | None] = {}
        self.opened: dict[tuple[str, bool], Opened] = {}
        self.sandboxes: dict[str, Sandbox] = {}
        self._known: dict[str, Settings] = {}

    def vendor(self, connection: str) -> Vendor | None:
        """The vendor that a connection uses; None where none is configured."""
        name = self.vendors.get(connection)
        return registry.vendor(name) if name is not None else None

    def kind(self, bound: str) -> Kind[Any] | None:
        """A kind without a client, for checking manifests; None when there is none of that name."""
        if bound not in self.offline:
            connection, _, noun = bound.partition(".")
            self.met.add(connection)
            vendor = self.vendor(connection)
            found = vendor.kind(noun) if vendor is not None else None
            self.offline[bound] = found(None, connection, vendor.title) if vendor is not None and found is not None else None
        return self.offline[bound]

    def names(self) -> Iterable[str]:
        """Every kind that can be declared in this stack, by bound name."""
        for connection in self.vendors:
            vendor = self.vendor(connection)
            for kind in vendor.kinds if vendor is not None else ():
                yield f"{connection}.{kind.name.partition('.')[2]}"

    def takes(self, sink: str) -> bool | None:
        """Whether secrets can be delivered there; None for a vendor, where a path and a key say where."""
        if sink in self.commands:
            return True
        vendor = self.vendor(sink)
        return None if vendor is not None and vendor.sinks is not None else False

    def placed(self, delivery: Delivery, resources: Collection[Resource]) -> Placed:
        """Where a delivery ends up among the declared entries; a program's place is its own."""
        vendor = self.vendor(delivery.to)
        if vendor is None or vendor.placed is None:
            return Placed()
        found: Placed = load(vendor.placed)(delivery.to, delivery, resources)
        return found

    def mistakes(self, connection: str) -> tuple[Problem, ...]:
        """What is wrong with a connection's settings, unset variables among them; nothing is asked."""
        vendor = self.vendor(connection)
        if vendor is None or self.sandbox is not None:
            return ()
        try:
            self._checked(connection, vendor)
        except Invalid as error:
            return error.problems
        return ()

    def open(self, connection: str, *, read_only: bool) -> Opened:
        """The connection with a client; the account is checked before anything else is asked."""
        opened = self.client(connection, read_only=read_only)
        if not opened.pinned:
            if self.sandbox is None:
                answered(opened.api.pin)
            opened.pinned = True
        return opened

    def client(self, connection: str, *, read_only: bool) -> Opened:
        """The connection with a client that has asked nothing yet."""
        slot = (connection, read_only)
        if slot not in self.opened:
            vendor = self.vendor(connection)
            if vendor is None:
                raise Usage(f"{connection} is not a configured vendor", "see vendors: in reconciler.yaml")
            api = self._api(connection, vendor, read_only)
            self.opened[slot] = Opened(connection, vendor, api, vendor.bind(api, connection))
        return self.opened[slot]

    def _checked(self, connection: str, vendor: Vendor) -> Settings:
        if connection not in self._known:
            settings = self.settings(connection, vendor.settings)
            self._known[connection] = settings.model_copy(update={k: v for k, v in self.tune.items() if v is not None})
        return self._known[connection]

    def _api(self, connection: str, vendor: Vendor, read_only: bool) -> Api:
        transport = self.transports.get(connection)
        if self.sandbox is not None:
            settings = vendor.settings.placeholder(**self.tune)
            transport = self.in_sandbox(connection, vendor).transport()
        else:
            settings = self._checked(connection, vendor)
        try:
            api: Api = load(vendor.api)(settings, connection=connection, transport=transport, clock=self.clock,
                                        read_only=read_only, progress=self.progress)
        except ImportError as error:
            raise Invalid([Problem(f"{vendor.title} needs a package that is not installed: {error.name}",
                                   help=f'pip install "reconciler[{vendor.name}]"')]) from error
        return api

    def in_sandbox(self, connection: str, vendor: Vendor) -> Sandbox:
        """The connection's own sandbox; its objects are kept between commands."""
        if connection not in self.sandboxes:
            assert self.sandbox is not None
            self.sandbox.mkdir(parents=True, exist_ok=True)
            made: Sandbox = load(vendor.sandbox)(vendor.kinds, clock=self.clock, path=self.sandbox / f"{connection}.json")
            self.sandboxes[connection] = made
        return self.sandboxes[connection]

    def close(self) -> None:
        """Close every client; a login of our own is given back."""
        for opened in self.opened.values():
            with suppress(Failure):
                opened.api.close()
        self.opened.clear()
