"""What a secret delivered into Vault has to do with declared entries; known offline, from manifests alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from reconciler.contract import Placed
from reconciler.model import Address, Delivery, Ref, Resource, refs_in
from reconciler.vendors.vault.terms import bare


def placed(connection: str, delivery: Delivery, resources: Collection[Resource]) -> Placed:
    """It waits for the longest declared mount above its path, and for a kv_secret at the same path.

    A kv_secret that names the very key clashes with it.
    """
    mounts = {one.address: bare(one.fields.get("path") or one.address.name)
              for one in resources if one.address.kind == f"{connection}.mount"}
    path = bare(delivery.path)
    above = [address for address, at in mounts.items() if path == at or path.startswith(f"{at}/")]
    mount = max(above, key=lambda address: len(mounts[address]), default=None)
    same = [one for one in _secrets(connection, resources) if _where(one, mounts) == path]
    clashes = tuple(one.address for one in same if delivery.key in (one.fields.get("data") or {}))
    needs = (*((mount,) if mount is not None else ()), *(one.address for one in same))
    return Placed(needs, clashes)


def _secrets(connection: str, resources: Collection[Resource]) -> Iterator[Resource]:
    return (one for one in resources if one.address.kind == f"{connection}.kv_secret")


def _where(secret: Resource, mounts: dict[Address, str]) -> str:
    """The path of a declared secret, its mount in front."""
    mount: Any = secret.fields.get("mount")
    ref: Ref | None = next(refs_in(mount), None)
    at = mounts.get(ref.address, "") if ref is not None else bare(mount)
    return f"{at}/{bare(secret.fields.get('path') or secret.address.name)}"
