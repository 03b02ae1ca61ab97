"""Roles of AppRole and users of userpass in the sandbox, and their logins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Complaint, Response
from reconciler.vendors.vault.sandbox_roles import TOKEN, adjusted, block, entered, time, token_fields
from reconciler.vendors.vault.sandbox_tokens import HERE
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    refused,
    stamp,
    texts,
    told,
    truth,
    unsupported,
    whole,
    within,
)

ROLE: Mapping[str, Any] = {"bind_secret_id": True, "local_secret_ids": False, "secret_id_bound_cidrs": None,
                           "secret_id_num_uses": 0, "secret_id_ttl": 0, **TOKEN}
_NAME = r"\w(?:[\w.-]*\w)?"


def approle(asked: Asked, mount: Body, at: str, rest: str) -> Response:
    """`auth/MOUNT/…` of the type approle."""
    held = asked.held(f"approle/{mount['uuid']}")
    if rest == "login":
        if asked.op not in ("write", "read"):
            raise unsupported(asked)
        return _enter(asked, held, mount, at)
    if rest.strip("/") == "role":
        if asked.op == "list":
            return names(asked, held)
        raise unsupported(asked)
    hit = re.fullmatch(rf"role/({_NAME})(?:/([\w-]+))?/?", rest)
    if hit is None:
        raise joined(404, "unsupported path")
    name, part = hit[1].lower(), hit[2] or ""
    parts = {"": _role, "role-id": _role_id, "secret-id": _secret_id, "custom-secret-id": _secret_id}
    if part not in parts:
        raise joined(404, "unsupported path")
    return parts[part](asked, held, name)


def _role(asked: Asked, held: dict[str, Body], name: str) -> Response:
    found = held.get(name)
    if asked.op == "read":
        if found is None:
            raise missing()
        old = {"policies": found["policies"]} if found.get("policies") else {}
        return told(asked, {key: found[key] for key in ROLE} | old)
    if asked.op == "delete":
        held.pop(name, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    if found is not None and "local_secret_ids" in asked.body:
        raise refused(400, "local_secret_ids can only be modified during role creation")
    before = found or {**ROLE, "role_id": asked.box.number("role"), "secrets": {}}
    role = before | token_fields(asked.body, before) | _role_fields(asked.body)
    if not role["bind_secret_id"] and not role["secret_id_bound_cidrs"] and not role["token_bound_cidrs"]:
        raise joined(500, "at least one constraint should be enabled on the role")
    if asked.body.get("role_id"):
        _untaken(held, name, str(asked.body["role_id"]))
        role["role_id"] = str(asked.body["role_id"])
    held[name] = role
    longest = max(role["token_max_ttl"], 0)
    warnings = list(adjusted(asked.body))
    if longest > LONGEST_LEASE:
        warnings.append("token_max_ttl is greater than the backend mount's maximum TTL value; issued tokens' max TTL value "
                        "will be truncated")
    return told(asked, warnings=warnings) if warnings else done()


def _role_fields(body: Mapping[str, Any]) -> Body:
    found: Body = {}
    for name in ("bind_secret_id", "local_secret_ids"):
        if body.get(name) is not None:
            found[name] = truth(body, name)
    if body.get("secret_id_bound_cidrs") is not None:
        found["secret_id_bound_cidrs"] = [block(one) for one in texts(body["secret_id_bound_cidrs"])]
    if body.get("secret_id_num_uses") is not None:
        found["secret_id_num_uses"] = whole(body, "secret_id_num_uses")
        if found["secret_id_num_uses"] < 0:
            raise refused(400, "secret_id_num_uses cannot be negative")
    if body.get("secret_id_ttl") is not None:
        found["secret_id_ttl"] = time(body, "secret_id_ttl")
    return found


def _untaken(held: dict[str, Body], name: str, role_id: str) -> None:
    if any(other["role_id"] == role_id for one, other in held.items() if one != name):
        raise joined(500, "role_id already in use")


def _role_id(asked: Asked, held: dict[str, Body], name: str) -> Response:
    if name not in held:
        raise missing() if asked.op == "read" else joined(404, "unsupported path")
    if asked.op == "read":
        return told(asked, {"role_id": held[name]["role_id"]})
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    if not asked.body.get("role_id"):
        raise refused(400, "missing role_id")
    _untaken(held, name, str(asked.body["role_id"]))
    held[name]["role_id"] = str(asked.body["role_id"])
    return done()


def _secret_id(asked: Asked, held: dict[str, Body], name: str) -> Response:
    """A new secret id, generated or given; a list of what there is by accessor."""
    role = held.get(name)
    if asked.op == "list":
        if role is None:
            raise refused(400, f'role "{name}" does not exist')
        return names(asked, [one["accessor"] for one in role["secrets"].values()])
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    if role is None:
        raise refused(404, f'role "{name}" does not exist')
    if not role["bind_secret_id"]:
        raise refused(400, "bind_secret_id is not set on the role")
    given = asked.body.get("secret_id") if asked.path.endswith("/custom-secret-id") else None
    id = str(given or asked.box.number("secret"))
    ttl = role["secret_id_ttl"]
    role["secrets"][id] = {"accessor": asked.box.number("accessor"), "uses": role["secret_id_num_uses"],
                           "until": asked.now + ttl if ttl else 0, "made": stamp(asked.now)}
    return told(asked, {"secret_id": id, "secret_id_accessor": role["secrets"][id]["accessor"],
                        "secret_id_num_uses": role["secret_id_num_uses"], "secret_id_ttl": ttl})


def _enter(asked: Asked, held: dict[str, Body], mount: Body, at: str) -> Response:
    """The login: a role id, and a secret id where the role asks for one."""
    if not asked.body.get("role_id"):
        raise refused(500, "missing role_id")
    name, role = next(((one, body) for one, body in held.items() if body["role_id"] == asked.body["role_id"]), ("", None))
    if role is None:
        raise _wrong()
    if role["bind_secret_id"]:
        _spend(asked, role, asked.body.get("secret_id"))
    if not within(HERE, role["secret_id_bound_cidrs"] or ()):
        raise refused(400, f'source address "{HERE}" unauthorized by CIDR restrictions on the role: %!w(<nil>)')
    return entered(asked, mount, at, role, {"role_name": name}, "login")


def _spend(asked: Asked, role: Body, id: Any) -> None:
    if not id:
        raise refused(400, "missing secret_id")
    secret = role["secrets"].get(str(id))
    if secret is None or (secret["until"] and secret["until"] <= asked.now):
        raise _wrong()
    if secret["uses"] == 1:
        del role["secrets"][str(id)]
    elif secret["uses"]:
        secret["uses"] -= 1


def _wrong() -> Complaint:
    return refused(400, "invalid role or secret ID")


def userpass(asked: Asked, mount: Body, at: str, rest: str) -> Response:
    """`auth/MOUNT/…` of the type userpass."""
    held = asked.held(f"userpass/{mount['uuid']}")
    part, _, name = rest.partition("/")
    name = name.strip("/").lower()
    if part == "login" and name and asked.op == "write":
        user = held.get(name)
        if user is None or user["password"] != asked.body.get("password"):
            raise refused(400, "invalid username or password")
        return entered(asked, mount, at, user, {"username": name}, f"login/{name}")
    if part != "users":
        raise joined(404, "unsupported path")
    if asked.op == "list" and not name:
        return names(asked, held)
    if not name:
        raise unsupported(asked)
    if asked.op == "read":
        if name not in held:
            raise missing()
        return told(asked, {key: held[name][key] for key in TOKEN})
    if asked.op == "delete":
        held.pop(name, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    before = held.get(name) or {**TOKEN, "password": None}
    if not (asked.body.get("password") or before["password"]):
        raise refused(400, "must provide either password or password_hash")
    held[name] = {**before, **token_fields(asked.body, before), **({"password": asked.body["password"]} if asked.body.get(
        "password") else {})}
    return done()
