"""Where a stack's ledger lies: the store that reconciler.yaml names; one machine's file, a git ref, a database, a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.clock import Clock
from reconciler.contract.vendor import load
from reconciler.errors import Invalid, Locked
from reconciler.ledger import Store
from reconciler.project.model import LedgerSettings

if TYPE_CHECKING:
    from reconciler.workspace.settled import Settled

FILE = "ledger.db"


def open_ledger(settled: Settled, clock: Clock) -> Store:
    """The stack's ledger; the sandbox has one of its own, in a file."""
    return open_store(settled, settled.stack.ledger, clock)


def open_store(settled: Settled, settings: LedgerSettings, clock: Clock) -> Store:
    """The stack's ledger in a store; Invalid where that needs a package that is not installed."""
    if settled.sandbox is not None or settings.store == "sqlite":
        return _sqlite(settled, clock)
    try:
        return _shared(settled, settings, clock)
    except ImportError as error:
        raise Invalid([settled.stack.problem(
            f"store: {settings.store} needs a package that is not installed: {error.name or error}", "ledger", "store",
            help=f'pip install "reconciler[{settings.store}]"')]) from error


def _shared(settled: Settled, settings: LedgerSettings, clock: Clock) -> Store:
    names = (settled.project.name, settled.stack.name)
    common = {"formerly": settled.project.former(), "clock": clock}
    if settings.store == "git":
        store = load("reconciler.ledger.git:GitStore")(settled.root, *names, remote=settings.remote, **common)
    elif settings.store == "postgres":
        assert settings.url is not None  # the settings say so
        url = settled.secrets.read(settings.url, "ledger", "url")
        store = load("reconciler.ledger.postgres:PostgresStore")(url, *names, **common)
    else:
        store = load("reconciler.ledger.s3:S3Store")(settings.bucket, *names, prefix=settings.prefix, region=settings.region,
                                                     endpoint=settings.endpoint, **common)
    opened: Store = store
    return opened


def _sqlite(settled: Settled, clock: Clock) -> Store:
    from reconciler.ledger.sqlite import SqliteStore
    from reconciler.workspace.settled import HOME

    folder = settled.sandbox or settled.root / HOME / settled.stack.name
    _renamed(settled, folder)
    return SqliteStore(folder / FILE, settled.project.name, settled.stack.name, formerly=settled.project.former(), clock=clock)


def _renamed(settled: Settled, folder: Path) -> None:
    """A stack that has a new name takes its folder along, unless a run is at it under the old one."""
    from reconciler.ledger.sqlite import SqliteStore

    for name in settled.stack.formerly:
        old = folder.with_name(name)
        if folder.exists() or not (old / FILE).exists():
            continue
        holder = SqliteStore(old / FILE, settled.project.name, name).holder()
        if holder is not None:
            raise Locked(f"run {holder.run} is at {settled.stack.name} under its former name {name}",
                         "wait until it has ended")
        old.rename(folder)
