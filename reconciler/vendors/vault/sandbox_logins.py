"""Roles of AppRole and users of userpass in the sandbox, and their logins."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Complaint, Response
from reconciler.vendors.vault.sandbox_tokens import granted, mint
from reconciler.vendors.vault.sandbox_wire import (
    LONGEST_LEASE,
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    period,
    refused,
    stamp,
    texts,
    told,
    truth,
    unsupported,
    whole,
    within,
)

HERE = "127.0.0.1"
"""Where every request comes from."""

TIMES = ("token_ttl", "token_max_ttl", "token_explicit_max_ttl", "token_period")
TOKEN: Mapping[str, Any] = {"token_bound_cidrs": [], "token_explicit_max_ttl": 0, "token_max_ttl": 0,
                            "token_no_default_policy": False, "token_num_uses": 0, "token_period": 0,
                            "token_policies": [], "token_strictly_bind_ip": False, "token_ttl": 0, "token_type": "default"}
ROLE: Mapping[str, Any] = {"bind_secret_id": True, "local_secret_ids": False, "secret_id_bound_cidrs": None,
                           "secret_id_num_uses": 0, "secret_id_ttl": 0, **TOKEN}
BATCH = "batch"
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
        return told(asked, {key: found[key] for key in (*ROLE, "policies") if key in found})
    if asked.op == "delete":
        held.pop(name, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    if found is not None and "local_secret_ids" in asked.body:
        raise refused(400, "local_secret_ids can only be modified during role creation")
    before = found or {**ROLE, "role_id": asked.box.number("role"), "secrets": {}}
    role = before | _token_fields(asked.body, before) | _role_fields(asked.body)
    if not role["bind_secret_id"] and not role["secret_id_bound_cidrs"] and not role["token_bound_cidrs"]:
        raise joined(500, "at least one constraint should be enabled on the role")
    if asked.body.get("role_id"):
        _untaken(held, name, str(asked.body["role_id"]))
        role["role_id"] = str(asked.body["role_id"])
    held[name] = role
    longest = max(role["token_max_ttl"], 0)
    warnings = list(_adjusted(asked.body))
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
        found["secret_id_bound_cidrs"] = [_block(block) for block in texts(body["secret_id_bound_cidrs"])]
    if body.get("secret_id_num_uses") is not None:
        found["secret_id_num_uses"] = whole(body, "secret_id_num_uses")
        if found["secret_id_num_uses"] < 0:
            raise refused(400, "secret_id_num_uses cannot be negative")
    if body.get("secret_id_ttl") is not None:
        found["secret_id_ttl"] = _time(body, "secret_id_ttl")
    return found


def _block(block: str) -> str:
    try:
        if "/" not in block:
            raise ValueError
        ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise joined(500, f"failed to validate CIDR blocks: invalid CIDR address: {block}") from None
    return block


def _token_fields(body: Mapping[str, Any], before: Mapping[str, Any]) -> Body:
    """What the tokens of a role or a user are like; what is left out stays as it is."""
    found: Body = {}
    given = body.get("token_policies", body.get("policies"))
    if given is not None:
        found["token_policies"] = texts(given)
    if "policies" in body or "policies" in before:
        found["policies"] = found.get("token_policies", before["token_policies"])
    if body.get("token_bound_cidrs") is not None:
        found["token_bound_cidrs"] = [_host(block) for block in texts(body["token_bound_cidrs"])]
    found |= {name: _time(body, name) for name in TIMES if body.get(name) is not None}
    for name in ("token_no_default_policy", "token_strictly_bind_ip"):
        if body.get(name) is not None:
            found[name] = truth(body, name)
    if body.get("token_num_uses") is not None:
        found["token_num_uses"] = whole(body, "token_num_uses")
        if found["token_num_uses"] < 0:
            raise refused(400, "'token_num_uses' cannot be negative")
    if body.get("token_type") is not None:
        found["token_type"] = _type(str(body["token_type"]))
    _agree({**before, **found})
    return found


def _type(word: str) -> str:
    known = {"": "default", "default": "default", "service": "service", "batch": "batch", "default-service": "service",
             "default-batch": "batch"}
    if word not in known:
        raise refused(400, f'invalid \'token_type\' value "{word}"')
    return known[word]


def _adjusted(body: Mapping[str, Any]) -> list[str]:
    word = body.get("token_type")
    return [f"{word} has no useful meaning; adjusting to {_type(word)}"] if word in (
        "default-service", "default-batch") else []


def _agree(role: Mapping[str, Any]) -> None:
    if role["token_type"] == BATCH:
        for name, words in (("token_num_uses", "tokens with limited use count"), ("token_period", "periodic tokens")):
            if role[name]:
                raise refused(400, f"'token_type' cannot be 'batch' or 'default_batch' when set to generate {words}")
    if role["token_ttl"] > role["token_max_ttl"] > 0:
        raise refused(400, "'token_ttl' cannot be greater than 'token_max_ttl'")


def _host(block: str) -> str:
    """A single host loses its suffix, as the server reads it back."""
    try:
        found = ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise refused(400, f'error parsing address "{block}": Unable to convert "{block}" to an IPv4 or IPv6 address, or a '
                           "UNIX Socket") from None
    return str(found.network_address) if found.num_addresses == 1 else block


def _time(body: Mapping[str, Any], name: str) -> int:
    words = f'error converting input for field "{name}": '
    value = period(body, name, words)
    if value < 0:
        raise refused(400, f"{words}cannot provide negative value '{value}'")
    return value


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


def entered(asked: Asked, mount: Body, at: str, role: Mapping[str, Any], meta: Body, end: str) -> Response:
    """A token as a role or a user says."""
    config = mount["config"]
    kind = role["token_type"].replace("default", config["token_type"].removeprefix("default-"))
    longest = role["token_max_ttl"] or config["max_lease_ttl"] or LONGEST_LEASE
    ttl = min(role["token_ttl"] or config["default_lease_ttl"] or LONGEST_LEASE, longest)
    display = (asked.space + at).strip("/").replace("/", "-")
    policies = granted(role["token_policies"], plain=role["token_no_default_policy"])
    return mint(asked, policies, ttl=ttl, path=f"{at}{end}", display=display, num_uses=role["token_num_uses"], meta=meta,
                period=role["token_period"], explicit_max_ttl=role["token_explicit_max_ttl"], type=kind)


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
    held[name] = {**before, **_token_fields(asked.body, before), **({"password": asked.body["password"]} if asked.body.get(
        "password") else {})}
    return done()
