"""Tokens in the sandbox: made, looked up, renewed, used up, run out, taken back with their children."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_policies import capabilities, kept
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    period,
    refused,
    short,
    stamp,
    told,
    truth,
    unsupported,
    whole,
    within,
)

TOKENS = "tokens"
HERE = "127.0.0.1"
"""Where every request comes from."""

TYPES = ("", "default", "service", "batch")
ROOT = frozenset({"root", "placeholder"})
"""Tokens that may do everything from the start."""


def known(asked: Asked, id: str, *, counted: bool) -> Body | None:
    """A token that is good now, and where that is counted one use of it less; None for any other."""
    body = _good(asked, id)
    if body is not None and not within(HERE, body.get("bound_cidrs") or ()):
        return None
    if body is not None and body["num_uses"] and counted:
        body["num_uses"] = body["num_uses"] - 1 or -1
    return body


def _good(asked: Asked, id: str) -> Body | None:
    """A token that is neither unknown nor run out nor used up, and reaches this namespace."""
    if id in ROOT:
        return {"id": id, "policies": ["root"], "space": "", "type": "service", "ttl": 0, "made": asked.now, "num_uses": 0,
                "meta": None, "path": "auth/token/create", "display_name": "token", "orphan": True, "explicit_max_ttl": 0,
                "parent": "", "accessor": "root", "until": 0.0, "entity": ""}
    body = asked.box.objects.setdefault(TOKENS, {}).get(id)
    if body is None or body["num_uses"] < 0 or not asked.space.startswith(body["space"]):
        return None
    return body if not body["until"] or body["until"] > asked.now else None


def mint(asked: Asked, policies: list[str], *, ttl: int, period: int, limits: Iterable[int], warnings: Iterable[str] = (),
         **more: Any) -> Response:
    """A new token, as every login answers it; `limits` are times that it can't last longer than, 0 is none."""
    kind = "batch" if more.get("type") == "batch" else "service"
    longest = min((limit for limit in limits if limit), default=LONGEST_LEASE)
    lease = 0 if "root" in policies else min(period or ttl or LONGEST_LEASE, longest)
    id = f"{kind[0]}.{asked.box.number('token')}"
    body = {"id": id, "accessor": asked.box.number("accessor") if kind == "service" else "", "policies": policies,
            "space": asked.space, "ttl": lease, "period": period, "made": asked.now,
            "until": asked.now + lease if lease else 0.0, "num_uses": 0, "meta": None, "orphan": True, "parent": "",
            "explicit_max_ttl": 0, "entity": "", **more, "type": kind}
    asked.box.objects.setdefault(TOKENS, {})[id] = body
    return told(asked, auth=_auth(body), warnings=[*_capped(period, ttl, longest), *warnings])


def _capped(every: int, ttl: int, longest: int) -> Iterable[str]:
    """What is said where a token lasts shorter than it was to."""
    lasts, what = (every, "period") if every else (ttl or LONGEST_LEASE, "TTL")
    if longest < lasts:
        yield (f'{what} of "{short(lasts)}" exceeded the effective max_ttl of "{short(longest)}"; {what} value is capped '
               "accordingly")


def _auth(body: Body) -> Body:
    service = body["type"] == "service" and "root" not in body["policies"]
    named = {"token_policies": body["policies"]} if body["policies"] else {}
    return {"client_token": body["id"], "accessor": body["accessor"], "policies": body["policies"], **named,
            "metadata": body["meta"], "lease_duration": body["ttl"], "renewable": service, "entity_id": body["entity"],
            "token_type": body["type"], "orphan": body["orphan"],
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
    more: Body = {"namespace_path": body["space"]} if body["space"] else {}
    more |= {"bound_cidrs": body["bound_cidrs"]} if body.get("bound_cidrs") else {}
    more |= {"period": body["period"]} if body.get("period") else {}
    return {"accessor": body["accessor"], "creation_time": int(body["made"]), "creation_ttl": body["ttl"],
            "display_name": body["display_name"], "entity_id": body["entity"], "explicit_max_ttl": body["explicit_max_ttl"],
            "expire_time": stamp(body["until"]) or None, "id": body["id"], "issue_time": stamp(body["made"]),
            "meta": body["meta"], "num_uses": body["num_uses"], "orphan": body["orphan"], "path": body["path"],
            "policies": body["policies"] or None, "renewable": renewable, "ttl": left, "type": body["type"], **more}


def _create(asked: Asked) -> Response:
    body, mine = asked.body, asked.token or {}
    orphan = truth(body, "no_parent") or asked.path == "auth/token/create-orphan"
    if body.get("type") not in (None, *TYPES):
        raise refused(400, "invalid 'token_type' value")
    for name in ("period", "explicit_max_ttl", "num_uses") if body.get("type") == "batch" else ():
        if body.get(name):
            raise refused(400, f'batch tokens cannot have "{name}" set')
    ttl, longest, every = (period(body, name) if body.get(name) else 0 for name in ("ttl", "explicit_max_ttl", "period"))
    policies = _inherited(asked, body, mine)
    if orphan and not capabilities(asked, asked.path) & {"root", "sudo"}:
        raise refused(400, "root or sudo privileges required to create orphan token")
    if every and not capabilities(asked, asked.path) & {"root", "sudo"}:
        raise refused(400, "root or sudo privileges required to create periodic token")
    absent = [f'Policy "{name}" does not exist' for name in policies if name not in kept(asked) and name != "root"]
    return mint(asked, policies, ttl=ttl, period=every, limits=(longest,), warnings=absent, path="auth/token/create",
                display_name=_named(body), orphan=orphan, parent="" if orphan else mine["id"], explicit_max_ttl=longest,
                num_uses=whole(body, "num_uses"), meta=body.get("meta") or None, type=body.get("type"))


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
    found = _good(asked, asked.body["token"])
    if found is not None and found["type"] == "batch":
        raise refused(400, "batch tokens cannot be revoked")
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
        return told(asked, _shown(asked, asked.token or {}))
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
