"""The project and one of its stacks, settled for one command: where things lie and what may be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler import __version__, manifest, project
from reconciler.clock import Clock
from reconciler.contract import registry
from reconciler.errors import Invalid
from reconciler.model import Problem, Resource
from reconciler.project import CONFIG
from reconciler.secret import Secret
from reconciler.sources import CommandSink, Redactor, Secrets, variable
from reconciler.suggest import did_you_mean
from reconciler.workspace.connections import Connections
from reconciler.workspace.options import Options
from reconciler.workspace.sealing import unsealed
from reconciler.workspace.vendors import VendorSettings

if TYPE_CHECKING:
    import httpx

    from reconciler.ledger import Store
    from reconciler.ledger.prints import Key

HOME = ".reconciler"


class Settled:
    """What a command's flags, the environment and reconciler.yaml say together. Usage or Invalid when they don't."""

    def __init__(self, options: Options, environ: Mapping[str, str], redactor: Redactor) -> None:
        self.options, self.environ, self.root = options, environ, options.dir
        self.prefix = below_repository(options.dir)
        asked = options.stack or environ.get("RECONCILER_STACK") or None
        self.project = project.read(self.root, asked, version=__version__, ref=options.config_from,
                                    shown=f"{self.prefix}{CONFIG}")
        self.stack = self.project.stack
        self.warnings: tuple[Problem, ...] = ()
        self.redactor = redactor
        self.secrets = Secrets(self.stack, environ, self.root, self.redactor, placeholders=options.sandbox)
        self.vendors = VendorSettings(self.stack, environ, self.root, self.secrets, self.variable, self.redactor)
        problems = list(self._unknown_vendors())
        if problems:
            raise Invalid(problems)

    @property
    def secret(self) -> Callable[[str], Secret]:
        """Gives a named secret."""
        return self.secrets

    def _unknown_vendors(self) -> Iterator[Problem]:
        for connection, raw in self.stack.vendors.items():
            if raw is None and ("vendors", connection) in self.stack.document.places:
                continue  # left out by this stack; what it uses is said where the project configures it
            name = str((raw or {}).get("use", connection))
            if not registry.known(name):
                path = ("vendors", connection, "use") if raw and "use" in raw else ("vendors", connection)
                yield self.stack.problem(f"there is no vendor {name}", *path, hint=did_you_mean(name, registry.names()),
                                         help=f"there are: {', '.join(registry.names())}", key="use" not in path)

    def variable(self, name: str) -> Any:
        """A variable's value; one that comes from the environment is read now."""
        value = self.stack.vars[name]
        if isinstance(value, dict) and value.keys() == {"env"}:
            return str(variable(self.environ, str(value["env"])))
        return value

    # where things lie

    @property
    def sandbox(self) -> Path | None:
        """The folder of the sandbox's objects, with --sandbox."""
        return self.root / HOME / "sandbox" / self.stack.name if self.options.sandbox else None

    def store(self, clock: Clock) -> Store:
        """The stack's ledger; the sandbox has one of its own."""
        from reconciler.workspace.ledgers import open_ledger

        return open_ledger(self, clock)

    def key(self) -> Key | None:
        """What seals marks and fingerprints."""
        settings = self.stack.ledger
        if settings.key is None or self.options.sandbox:
            return None
        from reconciler.ledger.prints import Key

        older = tuple(self.secrets.read(source, "ledger", "previous") for source in settings.previous)
        return Key.of(self.secrets.read(settings.key, "ledger", "key"), older)

    def unread(self, names: Iterable[str]) -> Iterator[Problem]:
        """What can't be read of the ledger's key and of these secrets; those that a program or a vendor keeps come later."""
        near = [name for name in names if name in self.stack.secrets and self.stack.secrets[name].near]
        reads: list[Callable[[], Any]] = [self.key, *(partial(self.secrets, name) for name in near)]
        for read in reads:
            try:
                read()
            except Invalid as error:
                yield from error.problems

    def connections(self, clock: Clock, transports: Mapping[str, httpx.BaseTransport] | None,
                    progress: Callable[[str], None]) -> Connections:
        """Every connection that the stack configures."""
        used = {c: str(raw.get("use", c)) for c, raw in self.stack.vendors.items() if raw is not None}
        absent = frozenset(c for c, raw in self.stack.vendors.items() if raw is None)
        tune = {"timeout": self.options.timeout, "connections": self.options.parallelism}
        return Connections(used, self.vendors.settings, clock, sandbox=self.sandbox, transports=transports, tune=tune,
                           progress=progress, absent=absent, commands=frozenset(self.stack.sinks))

    def sinks(self) -> dict[str, CommandSink]:
        """The declared programs that take secrets."""
        return {name: CommandSink(name, list(sink.command), self.root, self.environ) for name, sink in self.stack.sinks.items()}

    def manifests(self, connections: Connections, folder: Path | None = None, shown: str = "") -> manifest.Loaded:
        """The checked manifests, and with them the settings of every connection that they use; Invalid with all mistakes.

        `folder` holds others than the project's own, and `shown` stands before the names of their files in messages.
        """
        problems: list[Problem] = []
        loaded = manifest.Loaded(())
        try:
            loaded = manifest.load(folder or self.root, self.stack.name, self.project.stacks, connections,
                                   variables=self.stack.vars, secrets=self.stack.secrets, variable=self.variable,
                                   prefix=f"{shown}{self.prefix}")
        except Invalid as error:
            problems.extend(error.problems)
        if not self.options.sandbox:
            problems.extend(unsealed(self.stack, loaded.resources, connections))
        for connection in sorted(connections.met):
            vendor = connections.vendor(connection)
            if vendor is not None:
                problems.extend(self.vendors.mistakes(connection, vendor.settings))
        if any(problem.severity == "error" for problem in problems):
            raise Invalid(problems)
        return loaded

    def unfit_for_ci(self, hosts: Mapping[str, str]) -> Iterator[Problem]:
        """In CI a SQLite ledger is gone with the machine, and deletions would never be seen; `hosts` by connection."""
        ledger = self.stack.ledger
        if not self.environ.get("CI") or self.options.sandbox or ledger.store != "sqlite" or ledger.ephemeral:
            return
        far = sorted(name for name, url in hosts.items() if not loopback(url))
        if far:
            yield self.stack.problem(
                f"with CI set, this sqlite ledger would be gone after the run, and {', '.join(far)} is a real vendor",
                "ledger", help="`ledger: {store: git}` keeps it in this repository;\n"
                               "where .reconciler/ is kept between runs: `ledger: {store: sqlite, ephemeral: true}`")

    def changed_since(self, ref: str, resources: tuple[Resource, ...], connections: Connections) -> frozenset[str]:
        """The addresses whose resolved entry differs from the merge base with `ref`."""
        def then(root: Path) -> tuple[Resource, ...]:
            old = Settled(replace(self.options, dir=root, stack=self.stack.name, config_from=None), self.environ, self.redactor)
            return old.manifests(old.connections(connections.clock, None, lambda text: None)).resources

        from reconciler.workspace.since import changed_since

        return changed_since(self.root, ref, resources, then)


def loopback(url: str) -> bool:
    """Whether an address leads to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def below_repository(folder: Path) -> str:
    """A folder as seen from the root of its repository, with a slash at the end; empty for the root itself."""
    here = folder.resolve()
    for parent in (here, *here.parents):
        if (parent / ".git").exists():
            inner = here.relative_to(parent).as_posix()
            return "" if inner == "." else f"{inner}/"
    return ""
