"""Policies in the sandbox: kept word for word, checked by the tool's own reading, and enforced for every token."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.sandbox.store import Complaint, Response
from reconciler.vendors.vault.acl import allowed, grants, overlaps
from reconciler.vendors.vault.rules import CAPABILITIES, Rule, rules
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    period,
    refused,
    stamp,
    told,
    truth,
    unsupported,
    whole,
)

POLICIES = "sys/policies"
SWITCHES = ("cas_required", "allow_slashes_in_identity_templates", "allow_wildcards_in_identity_templates")
_SUDO = ("sys/auth/", "sys/remount", "sys/seal", "auth/token/accessors")

DEFAULT = """
# Allow tokens to look up their own properties
path "auth/token/lookup-self" {
    capabilities = ["read"]
}

# Allow tokens to renew themselves
path "auth/token/renew-self" {
    capabilities = ["update"]
}

# Allow tokens to revoke themselves
path "auth/token/revoke-self" {
    capabilities = ["update"]
}

# Allow a token to look up its own capabilities on a path
path "sys/capabilities-self" {
    capabilities = ["update"]
}
"""
"""What every namespace has from the start, as far as it matters here."""


def policies(asked: Asked, name: str) -> Response:
    """`sys/policies/acl`: a list of names, and each policy under its name in lower case."""
    held = kept(asked)
    if not name.strip("/"):
        if asked.op == "list":
            return names(asked, _listed(asked))
        raise refused(400, "cannot write to a path ending in '/'") if asked.op == "write" and name else \
            joined(405, "unsupported operation")
    name = name.strip().lower()
    if asked.op == "read":
        return told(asked, _read(asked, name))
    if asked.op == "write":
        return _write(asked, name)
    if asked.op == "delete":
        if name in ("root", "response-wrapping", "control-group"):
            raise refused(400, f'cannot delete "{name}" policy')
        if name == "default":
            raise refused(400, "cannot delete default policy")
        held.pop(name, None)
        return done()
    raise unsupported(asked)


def legacy(asked: Asked, name: str) -> Response:
    """`sys/policy`: the same under its old path."""
    if asked.op in ("read", "list") and not name.strip("/"):
        keys = _listed(asked)
        return told(asked, {"keys": keys, "policies": keys}, doubled=True)
    if asked.op == "read":
        body = _read(asked, name.lower())
        body["rules"] = body.pop("policy")
        return told(asked, body, doubled=True)
    return policies(asked, name)


def kept(asked: Asked, space: str | None = None) -> dict[str, Body]:
    """The policies of a namespace, this one's where none is named."""
    found: dict[str, Body] = asked.box.objects.setdefault((asked.space if space is None else space) + POLICIES, {})
    if "default" not in found:
        found["default"] = {"name": "default", "policy": DEFAULT, "version": 1, "modified": stamp(asked.now),
                            **dict.fromkeys(SWITCHES, False)}
    return found


def _listed(asked: Asked) -> list[str]:
    """The names that are good now; `root` is in the root namespace only."""
    found = [one for one, body in kept(asked).items() if _valid(body, asked.now)]
    return sorted(found if asked.space else [*found, "root"])


def _valid(body: Mapping[str, Any], now: float) -> bool:
    return not body.get("expiration") or str(body["expiration"]) > stamp(now)


def _read(asked: Asked, name: str) -> Body:
    if name == "root":
        return {"name": "root", "policy": "", "version": 0, **dict.fromkeys(SWITCHES, False)}
    body = kept(asked).get(name)
    if body is None or not _valid(body, asked.now):
        raise missing()
    return dict(body)


def _write(asked: Asked, name: str) -> Response:
    body, held = asked.body, kept(asked)
    text = body.get("policy", body.get("rules"))
    if text in (None, ""):
        raise refused(400, "'policy' parameter not supplied or empty")
    try:
        rules(str(text))
    except ValueError as error:
        raise refused(400, f"failed to parse policy: {error}") from None
    if name in ("root", "response-wrapping", "control-group"):
        raise refused(400, f'cannot update "{name}" policy')
    before = held.get(name)
    _unchanged(body, before)
    ends = {"expiration": str(body["expiration"])} if body.get("expiration") else (
        {"expiration": stamp(asked.now + period(body, "ttl"))} if body.get("ttl") else {})
    held[name] = {"name": name, "policy": str(text), "version": (before or {}).get("version", 0) + 1,
                  "modified": stamp(asked.now), **{switch: truth(body, switch) for switch in SWITCHES}, **ends}
    return done()


def _unchanged(body: Mapping[str, Any], before: Body | None) -> None:
    """The version that a write is meant for: -1 is none at all."""
    version = (before or {}).get("version", 0)
    if body.get("cas") is None:
        if truth(body, "cas_required") or (before or {}).get("cas_required"):
            raise refused(400, "check-and-set parameter required for this call")
        return
    cas = whole(body, "cas")
    if cas == -1 and before is not None:
        raise refused(400, "check-and-set parameter set to -1 on existing entry")
    if cas not in (-1, version):
        raise refused(400, f"check-and-set parameter {cas} did not match the current version {version}")


# what a token may do

def capabilities(asked: Asked, path: str) -> frozenset[str]:
    """What the request's token may do at a path of the request's namespace; `root` stands for everything."""
    token = asked.token or {}
    if "root" in token.get("policies", ()):
        return frozenset({"root"})
    path = asked.space.removeprefix(token.get("space", "")) + path
    return allowed(grants(_rules(asked)), path) & frozenset(CAPABILITIES)


def _rules(asked: Asked) -> Iterable[Rule]:
    """The rules of the token's policies, but for those with a template, which need an entity."""
    token = asked.token or {}
    held = kept(asked, token.get("space", ""))
    for name in token.get("policies", ()):
        if name in held and _valid(held[name], asked.now):
            yield from (rule for rule in rules(held[name]["policy"]) if "{{" not in rule.path)


def permit(asked: Asked, exists: bool | None) -> None:
    """Refuse what the token may not do; `exists` tells, where it matters, whether the object is there."""
    need = {"read": "read", "list": "list", "delete": "delete", "patch": "patch"}.get(
        asked.op, "create" if exists is False else "update")
    may = capabilities(asked, asked.path)
    root_only = any(asked.path == one or (one.endswith("/") and asked.path.startswith(one)) for one in _SUDO)
    if "root" not in may and (need not in may or (root_only and "sudo" not in may)):
        raise denied()


def denied() -> Complaint:
    """What a token hears that may not; of a path that is not there, too."""
    return joined(403, "permission denied")


def capabilities_self(asked: Asked) -> Response:
    """`sys/capabilities-self`: what the asking token may do at each path."""
    if asked.op != "write":
        raise unsupported(asked)
    paths = asked.body.get("paths") or asked.body.get("path")
    if not paths:
        raise refused(400, "paths must be supplied")
    if (asked.token or {}).get("num_uses", 0) < 0:
        raise joined(400, "invalid token")
    wanted = [paths] if isinstance(paths, str) else paths
    found: Body = {path: sorted(capabilities(asked, path)) or ["deny"] for path in wanted}
    if len(wanted) == 1:
        found["capabilities"] = found[wanted[0]]
    return told(asked, found, doubled=True)


def uses(asked: Asked, mount: str) -> bool:
    """Whether the token may do anything in a mount."""
    token = asked.token or {}
    if "root" in token.get("policies", ()):
        return True
    at = asked.space.removeprefix(token.get("space", "")) + mount
    return any(rule.capabilities and not rule.denies and overlaps(rule.path, f"{at}*") for rule in _rules(asked))
