"""A stack as far as it is known offline: its project, its checked manifests, and where its ledger lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from reconciler import manifest
from reconciler.clock import Clock, SystemClock
from reconciler.contract.vendor import load
from reconciler.errors import Usage
from reconciler.model import Problem, Resource
from reconciler.project import CONFIG
from reconciler.secret import Secret
from reconciler.sources import Redactor
from reconciler.workspace.options import Options
from reconciler.workspace.settled import Settled

if TYPE_CHECKING:
    import httpx

    from reconciler.ledger import Ledger, Store
    from reconciler.sandbox import Sandbox


class Checked:
    """One stack of one project as far as it is known offline; use it as a context manager."""

    def __init__(self, options: Options, *, environ: Mapping[str, str], clock: Clock | None = None,
                 progress: Callable[[str], None] | None = None,
                 transports: Mapping[str, httpx.BaseTransport] | None = None, redactor: Redactor | None = None) -> None:
        self.options, self.environ, self.clock = options, environ, clock or SystemClock()
        self.progress = progress or (lambda text: None)
        self.settled = Settled(options, environ, redactor or Redactor())
        self.project, self.stack = self.settled.project, self.settled.stack
        self.connections = self.settled.connections(self.clock, transports, self.progress)
        self.settled.secrets.reach = self._kept_secret
        self.warnings: list[Problem] = []
        self.left_out: tuple[str, ...] = ()
        self._resources: tuple[Resource, ...] | None = None
        self._store: Store | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was opened."""
        self.connections.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def owner(self) -> str:
        """The stack's full name, as ownership marks carry it."""
        return f"{self.project.name}/{self.stack.name}"

    @property
    def sandboxes(self) -> Mapping[str, Sandbox]:
        """The sandboxes in use, by connection."""
        return self.connections.sandboxes

    @property
    def store(self) -> Store:
        """The stack's ledger store, opened when it is first asked for."""
        if self._store is None:
            self._store = self.settled.store(self.clock)
        return self._store

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are checked, as messages call them."""
        prefix = self.settled.prefix
        layers = (manifest.MANIFESTS, f"{manifest.OVERLAYS}/{self.stack.name}")
        return (f"{prefix}{CONFIG}", *(name for layer in layers
                                       for name, _ in manifest.files(self.settled.root / layer, [], f"{prefix}{layer}")))

    def ledger(self) -> Ledger:
        """The ledger as it is now."""
        return self.store.read()

    # reading

    def validate(self) -> tuple[Resource, ...]:
        """The checked manifests; Invalid with every problem in them."""
        if self._resources is None:
            self.hold(self.settled.manifests(self.connections))
        assert self._resources is not None
        return self._resources

    def hold(self, loaded: manifest.Loaded) -> None:
        """Go on with these manifests: the project's own, or earlier ones."""
        self._resources, self.left_out = loaded.resources, loaded.left_out
        self.warnings = [*self.settled.warnings, *loaded.warnings]

    def _kept_secret(self, path: str, key: str) -> Secret:
        """A secret that a vendor of this stack keeps."""
        for connection in self.connections.vendors:
            vendor = self.connections.vendor(connection)
            if vendor is not None and vendor.secrets is not None:
                found: Secret = load(vendor.secrets)(self.connections.open(connection, read_only=True).api).read(path, key)
                return found
        raise Usage("no vendor that keeps secrets is configured", "add vault under vendors: in reconciler.yaml")
