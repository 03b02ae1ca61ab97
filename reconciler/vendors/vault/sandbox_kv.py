"""kv in the sandbox, version 1, and which version answers a request."""

from __future__ import annotations

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    refused,
    told,
)
from reconciler.vendors.vault.terms import seconds


def secrets(asked: Asked, mount: Body) -> dict[str, Body]:
    """What a mount holds, by path."""
    return asked.held(f"kv/{mount['uuid']}")


def version_1(asked: Asked, mount: Body, rest: str) -> Response:
    """A path is its values, whole."""
    held = secrets(asked, mount)
    if asked.op == "list":
        return names(asked, held, rest)
    if asked.op == "read":
        if rest not in held:
            raise missing()
        ignored = [f"Endpoint ignored these unrecognized parameters: [{' '.join(asked.query)}]"] if asked.query else []
        return told(asked, held[rest], lease=_lease(held[rest], mount), warnings=ignored)
    if asked.op == "write":
        if not rest:
            raise refused(400, "missing path")
        if rest.endswith("/"):
            raise refused(400, "cannot write to a path ending in '/'")
        if not asked.body:
            raise refused(400, "missing data fields")
        held[rest] = dict(asked.body)
        return done()
    if asked.op == "delete":
        held.pop(rest, None)
        return done()
    raise joined(405, "unsupported operation")


def _lease(data: Body, mount: Body) -> int:
    """A value called `ttl` says when to come again; nothing follows from it."""
    for name in ("ttl", "lease"):
        try:
            return int(seconds(data[name]))
        except (KeyError, ValueError):
            continue
    return int(mount["config"]["default_lease_ttl"]) or LONGEST_LEASE
