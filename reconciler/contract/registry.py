"""Vendors by name: ours by module, others by entry point; one is imported when it is asked for, never before."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from reconciler.contract.vendor import Vendor, load

GROUP = "reconciler.vendors"


@cache
def names() -> tuple[str, ...]:
    """Every vendor that can be used here, sorted."""
    spec = importlib.util.find_spec("reconciler.vendors")
    ours = [m.name for m in pkgutil.iter_modules(spec.submodule_search_locations or [])] if spec else []
    return tuple(sorted({*ours, *(point.name for point in entry_points(group=GROUP))}))


@cache
def vendor(name: str) -> Vendor | None:
    """The vendor of that name, or None."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            found = load(point.value)
            return found if isinstance(found, Vendor) else None
    if name in names() and importlib.util.find_spec(f"reconciler.vendors.{name}"):
        found = importlib.import_module(f"reconciler.vendors.{name}").VENDOR
        return found if isinstance(found, Vendor) else None
    return None
