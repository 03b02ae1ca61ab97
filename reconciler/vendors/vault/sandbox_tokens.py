"""Tokens in the sandbox: made, looked up, renewed, used up, run out, taken back with their children."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_policies import capabilities
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    go,
    joined,
    period,
    refused,
    stamp,
    told,
    truth,
    unsupported,
    whole,
)

TOKENS = "tokens"
TYPES = ("", "default", "service", "batch")
ROOT = frozenset({"root", "placeholder"})
"""Tokens that may do everything from the start."""


def known(asked: Asked, id: str) -> Body | None:
    """A token that is good now, and one use of it less; None for any other."""
    body = _good(asked, id)
    if body is not None and body["num_uses"]:
        body["num_uses"] = body["num_uses"] - 1 or -1
    return body


def _good(asked: Asked, id: str) -> Body | None:
    """A token that is neither unknown nor run out nor used up, and reaches this namespace."""
    if id in ROOT:
        return {"id": id, "policies": ["root"], "space": "", "type": "service", "ttl": 0, "made": asked.now, "num_uses": 0,
                "meta": None, "path": "auth/token/create", "display_name": "token", "orphan": True, "explicit_max_ttl": 0,
                "parent": "", "accessor": "", "until": 0.0}
    body = asked.box.objects.setdefault(TOKENS, {}).get(id)
    if body is None or body["num_uses"] < 0 or not asked.space.startswith(body["space"]):
        return None
    return body if not body["until"] or body["until"] > asked.now else None


def mint(asked: Asked, policies: list[str], *, ttl: int, path: str, display: str, **more: Any) -> Response:
    """A new token, as every login answers it; `more` is told of it and kept with it."""
    kind = "batch" if more.get("type") == "batch" else "service"
    root = "root" in policies
    id = f"{kind[0]}.{asked.box.number('token')}"
    lease = 0 if root else min(more.pop("period", 0) or ttl or LONGEST_LEASE, more.get("explicit_max_ttl") or LONGEST_LEASE)
    body = {"id": id, "accessor": asked.box.number("accessor") if kind == "service" else "", "policies": policies,
            "space": asked.space, "ttl": lease, "made": asked.now, "until": asked.now + lease if lease else 0.0,
            "path": path, "display_name": display, "num_uses": 0, "meta": None, "orphan": True, "parent": "",
            "explicit_max_ttl": 0, **more, "type": kind}
    warnings = body.pop("warnings", ())
    asked.box.objects.setdefault(TOKENS, {})[id] = body
    return told(asked, auth=_auth(body), warnings=warnings)


def _auth(body: Body) -> Body:
    service = body["type"] == "service" and "root" not in body["policies"]
    return {"client_token": body["id"], "accessor": body["accessor"], "policies": body["policies"],
            "token_policies": body["policies"], "metadata": body["meta"], "lease_duration": body["ttl"],
            "renewable": service, "entity_id": "", "token_type": body["type"], "orphan": body["orphan"],
            "mfa_requirement": None, "num_uses": max(body["num_uses"], 0)}


def granted(given: list[str], *, plain: bool = False) -> list[str]:
    """Policies as a token has them: lower case, once each, sorted, with `default` unless it is left out."""
    found = {name.strip().lower() for name in given}
    return sorted(found if plain or "root" in found else found | {"default"})


def tokens(asked: Asked, rest: str) -> Response:
    """`auth/token/…`."""
    mine = asked.token or {}
    if asked.op == "list":
        raise joined(404, "unsupported path")
    if rest == "lookup-self" and asked.op in ("read", "write"):
        return told(asked, _shown(asked, mine))
    verbs = {"create": _create, "create-orphan": _create, "revoke-self": _revoke_self, "renew-self": _renew,
             "revoke": _revoke, "lookup": _lookup}
    if rest not in verbs:
        raise unsupported(asked, known=rest == "lookup-self")
    if asked.op != "write":
        raise unsupported(asked)
    return verbs[rest](asked)


def _shown(asked: Asked, body: Body) -> Body:
    left = max(int(body["until"] - asked.now), 0) if body["until"] else 0
    renewable = body["type"] == "service" and "root" not in body["policies"]
    space = {"namespace_path": body["space"]} if body["space"] else {}
    return {"accessor": body["accessor"], "creation_time": int(body["made"]), "creation_ttl": body["ttl"],
            "display_name": body["display_name"], "entity_id": "", "explicit_max_ttl": body["explicit_max_ttl"],
            "expire_time": stamp(body["until"]) or None, "id": body["id"], "issue_time": stamp(body["made"]),
            "meta": body["meta"], "num_uses": body["num_uses"], "orphan": body["orphan"], "path": body["path"],
            "policies": body["policies"], "renewable": renewable, "ttl": left, "type": body["type"], **space}


def _create(asked: Asked) -> Response:
    body, mine = asked.body, asked.token or {}
    orphan = truth(body, "no_parent") or asked.path == "auth/token/create-orphan"
    if body.get("type") not in (None, *TYPES):
        raise refused(400, "invalid 'token_type' value")
    ttl, longest = period(body, "ttl") if "ttl" in body else 0, period(body, "explicit_max_ttl") if body.get(
        "explicit_max_ttl") else 0
    policies = _inherited(asked, body, mine)
    if orphan and not capabilities(asked, asked.path) & {"root", "sudo"}:
        raise refused(400, "root or sudo privileges required to create orphan token")
    warnings = [f'Policy "{name}" does not exist' for name in policies if name not in asked.held("sys/policies") and
                name not in ("default", "root")]
    if longest and ttl > longest:
        warnings.append(f'TTL of "{go(ttl)}" exceeded the effective max_ttl of "{go(longest)}"; TTL value is capped '
                        "accordingly")
    return mint(asked, policies, ttl=ttl, path="auth/token/create", display=_named(body), orphan=orphan,
                parent="" if orphan else mine["id"], num_uses=whole(body, "num_uses"), meta=body.get("meta") or None,
                period=period(body, "period") if body.get("period") else 0, explicit_max_ttl=longest,
                type=body.get("type"), warnings=warnings)


def _named(body: Body) -> str:
    return f"token-{body['display_name']}" if body.get("display_name") else "token"


def _inherited(asked: Asked, body: Body, mine: Body) -> list[str]:
    """The policies of a child: its parent's, or some of them; root gives what it likes."""
    plain = truth(body, "no_default_policy")
    root = "root" in mine["policies"]
    abroad = mine["space"] != asked.space
    if not body.get("policies"):
        return granted([], plain=plain) if root and abroad else granted(mine["policies"], plain=True)
    policies = granted(body["policies"], plain=plain)
    if not root and not capabilities(asked, asked.path) & {"sudo"} and set(policies) - {*mine["policies"], "default"}:
        raise refused(400, "child policies must be subset of parent")
    if "root" in policies and abroad:
        raise refused(400, "root tokens may not be created from a parent namespace")
    return policies


def _revoke_self(asked: Asked) -> Response:
    if (asked.token or {})["type"] == "batch":
        raise refused(400, "batch tokens cannot be revoked")
    _end(asked, (asked.token or {})["id"])
    return done()


def _revoke(asked: Asked) -> Response:
    if not asked.body.get("token"):
        raise refused(400, "missing token ID")
    _end(asked, asked.body["token"])
    return done()


def _end(asked: Asked, id: str) -> None:
    """A token goes, and so do those that it made."""
    held = asked.box.objects.setdefault(TOKENS, {})
    held.pop(id, None)
    for child in [one for one, body in held.items() if body["parent"] == id]:
        _end(asked, child)


def ended(asked: Asked, path: str) -> None:
    """Every token that a login method gave out goes with it."""
    held = asked.box.objects.setdefault(TOKENS, {})
    for id in [one for one, body in held.items() if body["space"] == asked.space and body["path"].startswith(path)]:
        _end(asked, id)


def _lookup(asked: Asked) -> Response:
    if not asked.body.get("token"):
        raise refused(400, "missing token in request")
    found = _good(asked, asked.body["token"])
    if found is None:
        raise refused(403, "bad token")
    return told(asked, _shown(asked, found))


def _renew(asked: Asked) -> Response:
    body = asked.token or {}
    if body["type"] == "batch" or "root" in body["policies"]:
        raise refused(400, "lease is not renewable")
    body["until"] = asked.now + body["ttl"]
    return told(asked, auth=_auth(body))
