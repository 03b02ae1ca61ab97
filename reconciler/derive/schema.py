"""The three schemas that editors and other programs use: manifests, saved plans, reconciler.yaml."""

from __future__ import annotations

import json

from reconciler.contract import Vendor, registry
from reconciler.derive.fields import Json
from reconciler.derive.manifest_schema import manifest_schema
from reconciler.derive.plan_schema import plan_schema
from reconciler.derive.project_schema import project_schema


def schemas() -> dict[str, Json]:
    """JSON Schema (draft 2020-12) by name, from the vendors that are installed here."""
    vendors = installed()
    kinds = {kind.name: kind for vendor in vendors for kind in vendor.kinds}
    return {"manifest": manifest_schema(kinds), "plan": plan_schema(), "reconciler": project_schema(vendors)}


def texts() -> dict[str, str]:
    """The same as files hold them."""
    return {name: json.dumps(one, indent=1, ensure_ascii=False) + "\n" for name, one in schemas().items()}


def installed() -> tuple[Vendor, ...]:
    """Every vendor that can be used here, by name."""
    return tuple(found for name in registry.names() if (found := registry.vendor(name)) is not None)
