"""Vendors by name: ours by module, others by entry point; one is imported when it is asked for, never before."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from reconciler.contract.vendor import Vendor, load

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

GROUP = "reconciler.vendors"


@cache
def names() -> tuple[str, ...]:
    """Every vendor that can be used here, sorted."""
    return tuple(sorted({*_ours(), *_others().names}))


def known(name: str) -> bool:
    """Whether there is such a vendor; of ours that is told without a look at what else is installed."""
    return name in _ours() or name in names()


@cache
def vendor(name: str) -> Vendor | None:
    """The vendor of that name, or None; our own goes before one of the same name from elsewhere."""
    if name in _ours():
        found = importlib.import_module(f"reconciler.vendors.{name}").VENDOR
    elif name in _others().names:
        found = load(_others()[name].value)
    else:
        return None
    return found if isinstance(found, Vendor) else None


@cache
def _ours() -> tuple[str, ...]:
    spec = importlib.util.find_spec("reconciler.vendors")
    return tuple(m.name for m in pkgutil.iter_modules(spec.submodule_search_locations or [])) if spec else ()


@cache
def _others() -> EntryPoints:
    """What other packages bring: a look at each that is installed."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)
