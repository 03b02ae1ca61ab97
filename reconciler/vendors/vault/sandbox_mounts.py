"""Secret engines and login methods in the sandbox: mounted, tuned, moved, taken away, and asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_policies import uses
from reconciler.vendors.vault.sandbox_tokens import ended
from reconciler.vendors.vault.sandbox_tune import METHODS, MOUNTS, OWN, config_of, text_of, tuned
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    refused,
    told,
    truth,
    unsupported,
)

ENGINES = frozenset({"kv", "kv-v2", "kv-v1", "generic", "transit", "database", "pki", "ssh", "totp", "rabbitmq",
                     "kubernetes"})
LOGINS = frozenset({"approle", "cert", "jwt", "kubernetes", "oidc", "userpass"})
_MOVING = ("Mount move has been queued. Progress will be reported in OpenBao's server log, tagged with the returned "
           "migration_id")
_CLOSED = ("sys/", "identity/", "cubbyhole/", "auth/", "audit/")


def table(asked: Asked, root: str) -> dict[str, Body]:
    """All that is mounted in a namespace, with what the server brings along."""
    held = asked.held(root)
    for path, own in OWN[root].items():
        if path not in held:
            entry = _entry(asked, root, own["type"])
            kind = ("ns_" if asked.space else "") + own["type"]
            child = {"token_type": "default"} if asked.space and root == METHODS else {}
            held[path] = {**entry, **own, "type": kind, "options": None,
                          "config": {**entry["config"], **own["config"], **child}}
    return held


def mounts(asked: Asked, root: str, rest: str) -> Response:
    """`sys/mounts…` and `sys/auth…`."""
    if root == MOUNTS and rest.startswith("auth/") and rest.endswith("/tune"):
        return mounts(asked, METHODS, rest.removeprefix("auth/"))
    held, path = table(asked, root), rest.strip("/") + "/"
    if not rest:
        if asked.op != "read":
            raise unsupported(asked)
        return told(asked, {path: shown(body) for path, body in held.items()}, doubled=True)
    if rest.endswith("/tune") and asked.op in ("read", "write"):
        return tuned(asked, root, _above(held, path.removesuffix("tune/")), path.removesuffix("tune/"))
    if asked.op == "write":
        return _mount(asked, root, held, path)
    if asked.op == "read":
        found = _above(held, path)
        if found is None:
            raise refused(400, f"No {'secret engine mount' if root == MOUNTS else 'auth engine'} at {path}")
        return told(asked, shown(found), doubled=True)
    if asked.op == "delete":
        return _unmount(asked, root, held, path)
    raise joined(405, "unsupported operation")


def _above(held: Mapping[str, Body], path: str) -> Body | None:
    """The mount that a path lies in, which the server takes for the one that is asked for."""
    return next((body for at, body in held.items() if path.startswith(at)), None)


def shown(body: Mapping[str, Any]) -> Body:
    """A mount as it is told, without our own notes on it."""
    return {**body, "config": dict(body["config"])}


def _entry(asked: Asked, root: str, kind: str) -> Body:
    prefix = "auth_" if root == METHODS else ""
    config: Body = {"default_lease_ttl": 0, "force_no_cache": False, "max_lease_ttl": 0}
    config |= {"token_type": "default-service"} if root == METHODS else {}
    return {"accessor": f"{prefix}{kind}_{asked.box.number('mount')[-8:]}", "config": config, "description": "",
            "external_entropy_access": False, "local": False, "options": {}, "plugin_version": "",
            "running_plugin_version": "v2.7.2+builtin.bao", "running_sha256": "", "seal_wrap": False, "type": kind,
            "uuid": asked.box.number("uuid"), "deprecation_status": "supported"}


def _mount(asked: Asked, root: str, held: dict[str, Body], path: str) -> Response:
    body, kind = asked.body, asked.body.get("type")
    local = {name: truth(body, name) for name in ("local", "seal_wrap", "external_entropy_access")}
    if not kind or not isinstance(kind, str):
        raise refused(400, "backend type must be specified as a string")
    config = config_of(body.get("config") or {}, root, {})
    least, most = config.get("default_lease_ttl", 0), config.get("max_lease_ttl", 0)
    if most and least > most:
        raise refused(400, "given default lease TTL greater than given max lease TTL")
    if least > (most or LONGEST_LEASE):
        raise refused(400, f"given default lease TTL greater than system max lease TTL of {LONGEST_LEASE}")
    options = {name: text_of(value) for name, value in (body.get("options") or {}).items()}
    if kind in ("kv-v2", "kv-v1"):
        options, kind = {**options, "version": kind[-1]}, "kv"
    if "version" in options and kind not in ("kv", "generic"):
        raise refused(400, f'secrets engine "{kind}" does not allow setting a version')
    _free(asked, root, held, path, kind)
    if options.get("version", "") not in ("", "1", "2"):
        raise refused(400, f'nil backend of type "{kind}" returned from factory')
    held[path] = {**_entry(asked, root, kind), **local, "options": options, "description": str(body.get("description") or ""),
                  "plugin_version": config.pop("plugin_version", "")}
    held[path]["config"].update({name: value for name, value in config.items() if value})
    if options.get("version") == "2":
        asked.box.preparing[held[path]["uuid"]] = asked.box.upgrade
    return done()


def _free(asked: Asked, root: str, held: dict[str, Body], path: str, kind: str) -> None:
    """A path that is the server's own, a type that is none, a path that is in use or lies in one."""
    if root == MOUNTS and path.startswith(_CLOSED):
        raise refused(400, f'cannot mount "{path}"')
    if kind == "token":
        raise refused(400, "token credential backend cannot be instantiated")
    if kind in ("system", "identity", "cubbyhole"):
        raise refused(400, f'mount type of "{kind}" is not mountable')
    for other in sorted(held):
        if path.startswith(other) or other.startswith(path):
            raise refused(400, f"path is already in use at {other}")
    if kind not in (ENGINES if root == MOUNTS else LOGINS):
        raise refused(400, f"plugin not found in the catalog: {kind}")


def _unmount(asked: Asked, root: str, held: dict[str, Body], path: str) -> Response:
    if path in OWN[root]:
        raise refused(400, "token credential backend cannot be disabled" if root == METHODS else f'cannot unmount "{path}"')
    found = held.pop(path, None)
    if found is not None:
        asked.box.emptied(asked, found["uuid"])
        if root == METHODS:
            ended(asked, f"auth/{path}")
    return done()


def remount(asked: Asked) -> Response:
    """`sys/remount`: the real server does it a moment later, which nobody can tell here."""
    if asked.op != "write":
        raise unsupported(asked)
    ends = [asked.body.get(name) for name in ("from", "to")]
    if not all(isinstance(end, str) and end for end in ends):
        raise refused(400, "both 'from' and 'to' path must be specified as a string")
    source, target = (str(end).strip("/") + "/" for end in ends)
    login = source.startswith("auth/")
    root = METHODS if login else MOUNTS
    held = table(asked, root)
    if source.removeprefix("auth/") in OWN[root]:
        raise refused(400, f'cannot remount "{source}"')
    if target.startswith(_CLOSED) and not login:
        raise refused(400, f"cannot remount to destination {target}")
    source, target = source.removeprefix("auth/"), target.removeprefix("auth/")
    if source not in held:
        raise refused(400, f'no matching mount at "{source}"')
    taken = next((other for other in held if target.startswith(other) or other.startswith(target)), None)
    if taken is not None:
        raise refused(400, f'path already in use at "{asked.space}{"auth/" if login else ""}{taken}"')
    held[target] = held.pop(source)
    id = asked.box.number("migration")
    return told(asked, {"migration_id": id}, doubled=True, warnings=[_MOVING])


def inside(asked: Asked, rest: str) -> Response:
    """`sys/internal/ui/mounts/PATH`: which mount a path lies in, told to whoever may use anything in it."""
    if asked.op != "read":
        raise joined(405, "unsupported operation")
    path = rest.strip("/") + "/"
    root, inner = (METHODS, path.removeprefix("auth/")) if path.startswith("auth/") else (MOUNTS, path)
    found = next((at for at in table(asked, root) if inner.startswith(at)), None)
    full = "" if found is None else path.removesuffix(inner) + found
    if found is None or not uses(asked, full):
        raise refused(403, "preflight capability check returned 403, please ensure client's policies grant access to path "
                           f'"{path}"')
    return told(asked, {**shown(table(asked, root)[found]), "path": full})
