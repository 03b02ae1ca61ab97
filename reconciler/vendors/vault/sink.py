"""Vault as a place for secrets: handed over as one key of a kv secret, beside what others keep there, and read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.errors import Denied, Refused, Stale, Unsure
from reconciler.secret import Secret
from reconciler.vendors.vault.engines import Engine, asked
from reconciler.vendors.vault.reading import capabilities
from reconciler.vendors.vault.store import one, read, write
from reconciler.vendors.vault.terms import bare

if TYPE_CHECKING:
    from reconciler.contract.http import Api
    from reconciler.model import Delivery

TRIES = 5
"""Times that a write is made again on a version that somebody else has written in between."""


class VaultSink:
    """Takes secrets for a stack; `reach` opens the connection when it is first needed."""

    def __init__(self, reach: Callable[[], Api]) -> None:
        self.reach = reach

    def check(self, delivery: Delivery) -> None:
        """Refused, before anything is made, where there is no kv engine or the token may not read and write there."""
        api, path = self.reach(), bare(delivery.path)
        engine = kv_at(api, path)
        held = set(capabilities(api, [engine.data(engine.inner(path))]).get(engine.data(engine.inner(path)), ()))
        may = "root" in held or ("read" in held and held & {"create", "update"})
        if held and not may:
            raise Denied(f"the token may not read and write {path} (it holds: {', '.join(sorted(held))})",
                         "both are needed, because the keys of others are kept")

    def put(self, delivery: Delivery, value: Secret) -> str:
        """Write one key beside those that are there; the receipt says where and, in version 2, which version."""
        api, path = self.reach(), bare(delivery.path)
        engine = kv_at(api, path)
        for attempt in range(TRIES):
            kept = read(api, engine, engine.inner(path))
            before = dict(kept.data) if kept is not None else {}
            try:
                answer = api.send(write(engine, engine.inner(path), {**before, delivery.key: value},
                                        kept.version if kept is not None else 0))
            except Stale:
                if attempt == TRIES - 1:
                    raise
            except Unsure:
                now = read(api, engine, engine.inner(path))
                if now is None or now.data.get(delivery.key) != value:
                    raise
                answer = {"version": now.version}
                break
            else:
                break
        version = answer.get("version") if engine.version == 2 else None
        return f"{path}#{delivery.key}" + (f" version {version}" if version else "")


class VaultSecrets:
    """Gives secrets that reconciler.yaml names as `{vault: PATH, key: KEY}`."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def read(self, path: str, key: str) -> Secret:
        """One key of one secret; Refused when there is none."""
        engine = kv_at(self.api, bare(path))
        kept = read(self.api, engine, engine.inner(bare(path)))
        if kept is None or kept.removed or key not in kept.data:
            raise Refused(f"{path} holds no key {key!r}" if kept is not None and not kept.removed
                          else f"there is no secret at {path}", "write it, or correct the path in reconciler.yaml")
        return one(kept.data[key])


def kv_at(api: Api, path: str) -> Engine:
    """The kv engine of the longest mount above a path."""
    engine = asked(api, path)
    if not engine.version:
        raise Refused(f"{engine.mount} is no kv engine", "name a path in one")
    return engine
