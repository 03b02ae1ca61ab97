"""Which secret engine answers at a path: the versions of kv differ in their paths, bodies and marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from reconciler.errors import Denied, Missing
from reconciler.model import Ref, refs_in
from reconciler.vendors.vault.terms import bare, route

if TYPE_CHECKING:
    from reconciler.contract import Ask
    from reconciler.contract.http import Api
    from reconciler.vendors.vault.api import VaultApi

KV = frozenset({"kv", "generic"})


class Removed(Missing):
    """A 404 that still tells of what was there: the last version of a kv secret is deleted or destroyed."""

    def __init__(self, message: str, metadata: Mapping[str, Any]) -> None:
        super().__init__(message, status=404)
        self.metadata = metadata


class Unmounted(Denied):
    """No mount above a path: there is none, or the token may use nothing in it; the server makes no difference."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One mount; `version` is that of kv, and 0 for any other type."""

    mount: str
    version: int

    @classmethod
    def of(cls, mount: str, type: Any, options: Any) -> Engine:
        """From what a mount says of itself, in a list or in a manifest."""
        if type == "kv-v2":
            return cls(bare(mount), 2)
        said = options.get("version") if isinstance(options, Mapping) else None
        return cls(bare(mount), (2 if str(said) == "2" else 1) if type in KV else 0)

    def handle(self, path: str) -> str:
        """The path that a secret is read at, as policies name it."""
        return f"{self.mount}/data/{path}" if self.version == 2 else f"{self.mount}/{path}"

    def data(self, path: str) -> str:
        """The request path of a secret."""
        return f"/v1/{route(self.handle(path))}"

    def metadata(self, path: str) -> str:
        """The request path of what version 2 keeps beside a secret."""
        return f"/v1/{route(f'{self.mount}/metadata/{path}')}"

    def config(self) -> str:
        """The request path of the engine's own settings."""
        return f"/v1/{route(f'{self.mount}/config')}"

    def inner(self, handle: str) -> str:
        """The path of a secret inside the mount; one that was recorded under version 1 is found under 2 as well."""
        rest = handle.removeprefix(f"{self.mount}/")
        return rest.removeprefix("data/") if self.version == 2 else rest


def api_of(api: Api) -> VaultApi:
    """The client of a kind, as what it is."""
    return cast("VaultApi", api)


def known(api: Api) -> dict[str, Engine]:
    """What this connection knows of mounts, by path: those that were listed, and those that manifests declare."""
    return api_of(api).engines


def engine_at(api: Api, path: str) -> Engine:
    """The engine with the longest mount above a path; Denied when the server tells of none (it says no more)."""
    parts = path.split("/")
    for n in range(len(parts), 0, -1):
        found = known(api).get("/".join(parts[:n]))
        if found is not None:
            return found
    return asked(api, path)


def asked(api: Api, path: str) -> Engine:
    """The same, asked of the server afresh: it tells whoever may use anything in the mount."""
    try:
        body = api.get(f"/v1/sys/internal/ui/mounts/{route(path)}")
    except Denied as error:
        raise Unmounted(f"no mount above {path} can be seen", "is the engine there, and may the token use it?",
                        status=error.status) from error
    return Engine.of(str(body.get("path") or ""), body.get("type"), body.get("options"))


def declared(api: Api) -> dict[str, str]:
    """The paths of the mounts and login methods that manifests declare, by address."""
    return api_of(api).declared


def removed(api: Api) -> dict[str, int]:
    """The last versions of secrets whose last version was seen to be deleted, by handle: the next write goes on from it."""
    return api_of(api).removed


def mounts_meant(api: Api, mount: str | None, ask: Ask, types: frozenset[str]) -> list[str]:
    """The mounts that a `mount` field may mean: itself, or the path of the entry that it refers to.

    An entry that is bound to an object by its id may give no path; then every mount of these types is looked into.
    """
    if mount is None:
        return []
    ref: Ref | None = next(refs_in(mount), None)
    if ref is None:
        return [mount]
    path = declared(api).get(str(ref.address))
    return [path] if path is not None else [one.id for one in ask.parents if one.fields.get("type") in types]
