"""Secret engines and login methods in the sandbox: mounted, tuned, moved, taken away, and asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.mounting import LOCKOUT
from reconciler.vendors.vault.sandbox_policies import uses
from reconciler.vendors.vault.sandbox_tokens import ended
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    period,
    refused,
    texts,
    told,
    truth,
    unsupported,
)
from reconciler.vendors.vault.terms import seconds

MOUNTS, METHODS = "sys/mounts", "sys/auth"
ENGINES = frozenset({"kv", "kv-v2", "kv-v1", "generic", "transit", "database", "pki", "ssh", "totp", "rabbitmq",
                     "kubernetes", "ldap", "openldap"})
LOGINS = frozenset({"approle", "cert", "jwt", "kubernetes", "oidc", "userpass"})
LISTS = ("audit_non_hmac_request_keys", "audit_non_hmac_response_keys", "passthrough_request_headers",
         "allowed_response_headers", "allowed_managed_keys", "delegated_auth_accessors")
"""The last two are Vault's; OpenBao 2.7.2 takes them and forgets them."""

TIMES = ("default_lease_ttl", "max_lease_ttl")
TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")
_OWN = {MOUNTS: {"sys/": "system", "identity/": "identity", "cubbyhole/": "cubbyhole"}, METHODS: {"token/": "token"}}
_UPGRADING = ("Upgrading mount from version {} to version 0. This mount will be unavailable for a brief period and will "
              "resume service shortly.")
_MOVING = ("Mount move has been queued. Progress will be reported in OpenBao's server log, tagged with the returned "
           "migration_id")
_CLOSED = ("sys/", "identity/", "cubbyhole/", "auth/", "audit/")


def table(asked: Asked, root: str) -> dict[str, Body]:
    """All that is mounted in a namespace, with what the server brings along."""
    held = asked.held(root)
    for path, kind in _OWN[root].items():
        if path not in held:
            held[path] = {**_entry(asked, root, ("ns_" if asked.space else "") + kind), "options": None}
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
        return _tune(asked, root, held, path.removesuffix("tune/"))
    if asked.op == "write":
        return _mount(asked, root, held, path)
    if asked.op == "read":
        if path not in held:
            raise refused(400, f"No {'secret engine mount' if root == MOUNTS else 'auth engine'} at {path}")
        return told(asked, shown(held[path]), doubled=True)
    if asked.op == "delete":
        return _unmount(asked, root, held, path)
    raise joined(405, "unsupported operation")


def shown(body: Mapping[str, Any]) -> Body:
    """A mount as it is told, without our own notes on it."""
    return {**body, "config": dict(body["config"])}


def _entry(asked: Asked, root: str, kind: str) -> Body:
    prefix = "auth_" if root == METHODS else ""
    config: Body = {"default_lease_ttl": 0, "force_no_cache": False, "max_lease_ttl": 0}
    return {"accessor": f"{prefix}{kind}_{asked.box.number('mount')[-8:]}", "config": config | (
                {"token_type": "default-service"} if root == METHODS else {}),
            "description": "", "external_entropy_access": False, "local": False, "options": {}, "plugin_version": "",
            "running_plugin_version": "v2.7.2+builtin.bao", "running_sha256": "", "seal_wrap": False, "type": kind,
            "uuid": asked.box.number("uuid"), "deprecation_status": "supported"}


def _mount(asked: Asked, root: str, held: dict[str, Body], path: str) -> Response:
    body, kind = asked.body, asked.body.get("type")
    if not kind or not isinstance(kind, str):
        raise refused(400, "backend type must be specified as a string")
    local = {name: truth(body, name) for name in ("local", "seal_wrap", "external_entropy_access")}
    config = _config(body.get("config") or {}, root, {})
    least, most = config.get("default_lease_ttl", 0), config.get("max_lease_ttl", 0)
    if most and least > most:
        raise refused(400, "given default lease TTL greater than given max lease TTL")
    if least > (most or LONGEST_LEASE):
        raise refused(400, f"given default lease TTL greater than system max lease TTL of {LONGEST_LEASE}")
    _free(asked, root, held, path, kind)
    options = {name: _text(value) for name, value in (body.get("options") or {}).items()}
    if kind in ("kv-v2", "kv-v1"):
        options, kind = {**options, "version": kind[-1]}, "kv"
    if "version" in options and kind not in ("kv", "generic"):
        raise refused(400, f'secrets engine "{kind}" does not allow setting a version')
    if options.get("version", "") not in ("", "1", "2"):
        raise refused(400, f'nil backend of type "{kind}" returned from factory')
    held[path] = {**_entry(asked, root, kind), **local, "options": options, "description": str(body.get("description") or ""),
                  "plugin_version": config.pop("plugin_version", "")}
    held[path]["config"].update(config)
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


def _config(given: Mapping[str, Any], root: str, before: Mapping[str, Any]) -> Body:
    """Tune fields as they are kept; `before` is what is there, and None in a value takes it away."""
    found: Body = {}
    for name in TIMES:
        if name in given:
            found[name] = _lease(given, name, before)
    for name in LISTS:
        if name in given:
            found[name] = texts(given[name])
    if "listing_visibility" in given:
        found["listing_visibility"] = given["listing_visibility"]
        if found["listing_visibility"] not in ("", "hidden", "unauth", None):
            raise refused(400, f"invalid listing_visibility {given['listing_visibility']}")
    if given.get("identity_token_key") is not None:
        found["identity_token_key"] = given["identity_token_key"]
    if "token_type" in given:
        if root == MOUNTS:
            raise refused(400, "'token_type' can only be modified on auth mounts")
        if given["token_type"] not in TOKEN_TYPES:
            raise refused(400, "invalid value for 'token_type'")
        found["token_type"] = given["token_type"]
    if given.get("plugin_version"):
        raise refused(400, f"cannot select non-builtin version of plugin {given['plugin_version']}")
    return found


def _lease(given: Mapping[str, Any], name: str, before: Mapping[str, Any]) -> int:
    value = given[name]
    if value in ("", "system"):
        return 0 if value == "system" else before.get(name, 0)
    try:
        return int(seconds(value or 0))
    except ValueError:
        words = f"unable to parse {name.partition('_')[0]} TTL of {value}: " if not before else ""
        raise refused(400, f'{words}time: invalid duration "{value}"') from None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")


def _tune(asked: Asked, root: str, held: dict[str, Body], path: str) -> Response:
    full = ("auth/" if root == METHODS else "") + path
    found = held.get(path)
    if asked.op == "read":
        if found is None:
            raise refused(400, f'cannot fetch sysview for path "{full}"')
        return told(asked, _effective(found), doubled=True)
    if found is None:
        raise refused(400, f'tune of path "{full}" failed: no mount entry found')
    body = asked.body
    if root == MOUNTS and path in _OWN[MOUNTS] and "description" in body:
        raise refused(400, f"cannot tune parameter description of {path}")
    config = {**found["config"], **_config(body, root, found["config"])}
    least, most = config["default_lease_ttl"], config["max_lease_ttl"]
    if most and least > most:
        raise refused(400, f"backend max lease TTL of {most} would be less than backend default lease TTL of {least}")
    lockout = _lockout(body.get("user_lockout_config"), config.get("user_lockout_config") or {})
    upgraded = _options(asked, found, body.get("options") or {})
    found["config"] = {name: value for name, value in {**config, **lockout}.items() if value or name in (
        *TIMES, "force_no_cache")}
    if body.get("description") is not None:
        found["description"] = str(body["description"])
    if not upgraded:
        return done()
    return told(asked, warnings=[_UPGRADING.format(upgraded[0])])


def _lockout(given: Any, before: Mapping[str, Any]) -> Body:
    """When failed logins shut somebody out; each name in a request is another one in the answer."""
    if not given:
        return {"user_lockout_config": before} if before else {}
    found = {theirs: before.get(theirs, theirs.endswith("disable") and False) for theirs in LOCKOUT.values()}
    for ours, theirs in LOCKOUT.items():
        if given.get(ours) is None:
            continue
        if ours == "lockout_threshold" and not str(given[ours]).isdigit():
            raise refused(400, f'unable to parse user lockout threshold: strconv.ParseUint: parsing "{given[ours]}": '
                               "invalid syntax")
        found[theirs] = (truth(given, ours) if ours.endswith("disable") else
                         int(given[ours]) if ours == "lockout_threshold" else period(given, ours))
    return {"user_lockout_config": found}


def _options(asked: Asked, found: Body, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Options are laid over what is there, an empty text takes one away; kv goes from version 1 to 2 and never back."""
    before = dict(found["options"] or {})
    upgraded: tuple[str, ...] = ()
    if "version" in given:
        version, now = _text(given["version"]), before.get("version") or "0"
        if not version.isdigit() and version:
            raise refused(400, f'unable to parse options: strconv.ParseInt: parsing "{version}": invalid syntax')
        if version not in ("1", "2") or found["type"] != "kv":
            raise refused(400, f"invalid version provided: {version or 0}")
        if version < now:
            raise refused(400, f"cannot downgrade mount from version {now}")
        upgraded = (now,) if version != now else ()
    found["options"] = {name: text for name, text in {**before, **{k: _text(v) for k, v in given.items()}}.items() if text}
    if upgraded and found["options"]["version"] == "2":
        asked.box.upgraded(asked, found["uuid"])
    return upgraded


def _effective(found: Body) -> Body:
    """What `tune` reads: times as they work out, lockouts at the same level."""
    config = {name: value for name, value in found["config"].items() if name != "user_lockout_config"}
    times = {name: config[name] or LONGEST_LEASE for name in TIMES}
    return {**config, **times, **found["config"].get("user_lockout_config", {}), "description": found["description"],
            **({"options": found["options"]} if found["options"] else {})}


def _unmount(asked: Asked, root: str, held: dict[str, Body], path: str) -> Response:
    if path in _OWN[root]:
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
    if source.removeprefix("auth/") in _OWN[root]:
        raise refused(400, f'cannot remount "{source}"')
    if target.startswith(_CLOSED) and not login:
        raise refused(400, f"cannot remount to destination {target}")
    source, target = source.removeprefix("auth/"), target.removeprefix("auth/")
    if source not in held:
        raise refused(400, f'no matching mount at "{source}"')
    if any(target.startswith(other) or other.startswith(target) for other in held):
        raise refused(400, f'path is already in use at "{target}"')
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
