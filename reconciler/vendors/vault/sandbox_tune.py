"""What can be tuned at a mount in the sandbox: times, headers, options, when failed logins shut somebody out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.mounting import LOCKOUT
from reconciler.vendors.vault.mounts import LOCKING
from reconciler.vendors.vault.sandbox_wire import LONGEST_LEASE, Asked, Body, done, period, refused, texts, told, truth
from reconciler.vendors.vault.terms import seconds

MOUNTS, METHODS = "sys/mounts", "sys/auth"
OWN: Mapping[str, Mapping[str, Body]] = {MOUNTS: {
    "sys/": {"type": "system", "description": "system endpoints used for control, policy and debugging", "seal_wrap": True,
             "config": {"passthrough_request_headers": ["Accept"]}},
    "identity/": {"type": "identity", "description": "identity store",
                  "config": {"passthrough_request_headers": ["Authorization"]}},
    "cubbyhole/": {"type": "cubbyhole", "description": "per-token private secret storage", "local": True, "config": {}}},
    METHODS: {"token/": {"type": "token", "description": "token based credentials", "config": {}}}}
"""What the server brings along."""

LISTS = ("audit_non_hmac_request_keys", "audit_non_hmac_response_keys", "passthrough_request_headers",
         "allowed_response_headers", "allowed_managed_keys", "delegated_auth_accessors")
"""The last two are Vault's; OpenBao 2.7.2 takes them and forgets them."""

TIMES = ("default_lease_ttl", "max_lease_ttl")
TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")
_UPGRADING = ("Upgrading mount from version {} to version 0. This mount will be unavailable for a brief period and will "
              "resume service shortly.")


def config_of(given: Mapping[str, Any], root: str, before: Mapping[str, Any]) -> Body:
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
    if "plugin_version" in given and before and not given["plugin_version"]:
        raise refused(400, 'version "" is not a valid semantic version: malformed version: ')
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


def text_of(value: Any) -> str:
    """An option as it is kept."""
    return str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")


def tuned(asked: Asked, root: str, found: Body | None, path: str) -> Response:
    """`tune` of a mount: what it works out to, or a change of what is given."""
    full = ("auth/" if root == METHODS else "") + path
    if asked.op == "read":
        if found is None:
            raise refused(400, f'cannot fetch sysview for path "{full}"')
        return told(asked, _effective(found), doubled=True)
    if found is None:
        raise refused(400, f'tune of path "{full}" failed: no mount entry found')
    body = asked.body
    if root == MOUNTS and path in OWN[MOUNTS] and "description" in body:
        raise refused(400, f"cannot tune parameter description of {path}")
    config = {**found["config"], **config_of(body, root, found["config"])}
    least, most = config["default_lease_ttl"], config["max_lease_ttl"]
    if most and least > most:
        raise refused(400, f"backend max lease TTL of {most} would be less than backend default lease TTL of {least}")
    if body.get("user_lockout_config") and found["type"] not in LOCKING:
        raise refused(400, f'tuning of user lockout configuration for auth type "{found["type"]}" not allowed')
    lockout = _lockout(body.get("user_lockout_config"), config.get("user_lockout_config") or {})
    upgraded = _options(asked, found, body["options"]) if body.get("options") else ()
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
        version, now = text_of(given["version"]), before.get("version") or "0"
        if not version.isdigit() and version:
            raise refused(400, f'unable to parse options: strconv.ParseInt: parsing "{version}": invalid syntax')
        if version not in ("1", "2"):
            raise refused(400, f"invalid version provided: {version or 0}")
        if version < now:
            raise refused(400, f"cannot downgrade mount from version {now}")
        upgraded = (now,) if version != now else ()
    found["options"] = {name: text for name, text in {**before, **{k: text_of(v) for k, v in given.items()}}.items() if text}
    if upgraded and found["options"]["version"] == "2" and found["type"] == "kv":
        asked.box.upgraded(asked, found["uuid"])
    return upgraded


def _effective(found: Body) -> Body:
    """What `tune` reads: times as they work out, lockouts at the same level."""
    config = {name: value for name, value in found["config"].items() if name != "user_lockout_config"}
    times = {name: config[name] or LONGEST_LEASE for name in TIMES}
    return {**config, **times, **found["config"].get("user_lockout_config", {}), "description": found["description"],
            **({"options": found["options"]} if found["options"] else {})}
