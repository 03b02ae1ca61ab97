"""Reading many single objects: Vault has lists of names only, so each object is one GET, asked at the same time.

A refused read says what the token may do there, so that "can't see" is never taken for "absent".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.errors import Denied, Exhausted, Failure, Missing
from reconciler.model import Live, Unseen
from reconciler.vendors.vault.engines import Unmounted

if TYPE_CHECKING:
    from reconciler.contract.http import Api

MOST = 16
"""Reads at a time; the digest measured 16 to 32 as fine."""


def keys(api: Api, path: str) -> list[str]:
    """The names below a path; an empty list is a 404 at Vault, and so is an absent mount."""
    try:
        body = api.ask("LIST", path)
    except Missing:
        return []
    found = body.get("keys") if isinstance(body, dict) else None
    return [str(key) for key in found or ()]


def read_each(api: Api, paths: Mapping[str, str], read: Callable[[str], Live | None]) -> Iterator[Live | Unseen]:
    """Every object of `paths` (its id → the path that is asked), in that order; absent ones are left out."""
    if not paths:
        return
    from concurrent.futures import ThreadPoolExecutor  # checking manifests reads nothing

    with ThreadPoolExecutor(max_workers=min(MOST, api.settings.connections, len(paths))) as pool:
        found = list(pool.map(lambda id: _one(read, id), paths))
    denied = [id for id, one in zip(paths, found, strict=True) if isinstance(one, Denied)
              and not isinstance(one, Unmounted)]
    held = capabilities(api, [paths[id] for id in denied]) if denied else {}
    for id, one in zip(paths, found, strict=True):
        if id in denied:
            yield Unseen(_blind(paths[id], held.get(paths[id], ())), id=id)
        elif isinstance(one, Failure):
            yield Unseen(one.message, id=id)
        elif one is not None:
            yield one


def capabilities(api: Api, paths: list[str]) -> dict[str, list[str]]:
    """What our token may do at each path (with its `/v1/`); empty where even that may not be asked."""
    names = {path.removeprefix("/v1/"): path for path in paths}
    try:
        body = api.ask("POST", "/v1/sys/capabilities-self", {"paths": sorted(names)})
    except Failure:
        return {}
    return {path: list(body.get(name) or ()) for name, path in names.items()} if isinstance(body, dict) else {}


def _blind(path: str, held: Any) -> str:
    name = path.removeprefix("/v1/")
    if held and "read" not in held and "root" not in held:
        return f"the token may not read {name} (it holds: {', '.join(held)}): whether it exists can't be seen"
    return f"reading {name} was refused: whether it exists can't be seen"


def _one(read: Callable[[str], Live | None], id: str) -> Live | Failure | None:
    try:
        return read(id)
    except Exhausted:
        raise
    except Failure as error:
        return error
