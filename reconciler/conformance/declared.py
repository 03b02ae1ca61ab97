"""The manifests of a trial, read as a user's files are."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from reconciler import manifest
from reconciler.clock import Clock
from reconciler.conformance.case import Manifest
from reconciler.contract.vendor import Settings, Vendor
from reconciler.errors import Invalid
from reconciler.model import Address, Resource
from reconciler.workspace.connections import Connections

STACK, SINK = "trial", "box"


class OneVendor(Connections):
    """The catalogue of a trial: one vendor under its own name, wherever it comes from, and the sink `box`."""

    def __init__(self, vendor: Vendor, settings: Settings, clock: Clock) -> None:
        super().__init__({vendor.name: vendor.name}, lambda connection, model: settings, clock, commands=frozenset({SINK}))
        self.only = vendor

    def vendor(self, connection: str) -> Vendor | None:
        """The one."""
        return self.only if connection == self.only.name else None


def declared_in(text: str, catalogue: OneVendor, secrets: Mapping[str, str]) -> tuple[Resource, ...]:
    """The entries of one manifest file with this text, read once a process; Invalid with what is wrong with them."""
    key = (catalogue.only.name, *sorted(secrets), text)
    if key not in _read:
        folder = _folder()
        (folder / "manifests" / "case.yaml").write_text(text, encoding="utf-8")
        try:
            loaded = manifest.load(folder, STACK, (STACK,), catalogue, variables={}, secrets=secrets, variable=str)
            _read[key] = loaded.resources
        except Invalid as error:
            _read[key] = error
    found = _read[key]
    if isinstance(found, Invalid):
        raise found
    return found


_read: dict[tuple[str, ...], tuple[Resource, ...] | Invalid] = {}


@cache
def _folder() -> Path:
    """One project folder for all trials of this process, because making and removing it took longer than reading it."""
    folder = Path(mkdtemp(prefix="conformance-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    (folder / "manifests").mkdir()
    return folder


def only(whole: Manifest, keep: Callable[[Address], bool]) -> Manifest:
    """The entries of a manifest whose address is to be kept."""
    kept = {kind: {name: fields for name, fields in entries.items() if keep(Address(kind, name))}
            for kind, entries in whole.items()}
    return {kind: entries for kind, entries in kept.items() if entries}
