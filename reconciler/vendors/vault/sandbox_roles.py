"""What the tokens of a role or a user are like in the sandbox, and the token that a login gives."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_tokens import granted, mint
from reconciler.vendors.vault.sandbox_wire import Asked, Body, joined, period, refused, texts, truth, whole

BATCH = "batch"
TIMES = ("token_ttl", "token_max_ttl", "token_explicit_max_ttl", "token_period")
TOKEN: Mapping[str, Any] = {"token_bound_cidrs": [], "token_explicit_max_ttl": 0, "token_max_ttl": 0,
                            "token_no_default_policy": False, "token_num_uses": 0, "token_period": 0,
                            "token_policies": [], "token_strictly_bind_ip": False, "token_ttl": 0, "token_type": "default"}


def block(text: str) -> str:
    """An address block with its suffix, without which this field is refused."""
    try:
        if "/" not in text:
            raise ValueError
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise joined(500, f"failed to validate CIDR blocks: invalid CIDR address: {text}") from None
    return text


def token_fields(body: Mapping[str, Any], before: Mapping[str, Any]) -> Body:
    """What the tokens of a role or a user are like; what is left out stays as it is."""
    found: Body = {}
    given = body.get("token_policies", body.get("policies"))
    if given is not None:
        found["token_policies"] = texts(given)
    if "policies" in body or "policies" in before:
        found["policies"] = found.get("token_policies", before["token_policies"])
    if body.get("token_bound_cidrs") is not None:
        found["token_bound_cidrs"] = [_host(block) for block in texts(body["token_bound_cidrs"])]
    found |= {name: time(body, name) for name in TIMES if body.get(name) is not None}
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


def adjusted(body: Mapping[str, Any]) -> list[str]:
    """What the server says of a type that it takes for another one."""
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


def time(body: Mapping[str, Any], name: str) -> int:
    """A time that is not negative."""
    words = f'error converting input for field "{name}": '
    value = period(body, name, words)
    if value < 0:
        raise refused(400, f"{words}cannot provide negative value '{value}'")
    return value


def entered(asked: Asked, mount: Body, at: str, role: Mapping[str, Any], meta: Body, end: str) -> Response:
    """A token as a role or a user says."""
    config = mount["config"]
    kind = role["token_type"].replace("default", config["token_type"].removeprefix("default-"))
    limits = (role["token_max_ttl"], role["token_explicit_max_ttl"], config["max_lease_ttl"])
    display = (asked.space + at).strip("/").replace("/", "-")
    policies = granted(role["token_policies"], plain=role["token_no_default_policy"])
    return mint(asked, policies, ttl=role["token_ttl"] or config["default_lease_ttl"], period=role["token_period"],
                limits=limits, path=f"{at}{end}", display_name=display, num_uses=role["token_num_uses"], meta=meta,
                explicit_max_ttl=role["token_explicit_max_ttl"], type=kind, entity=asked.box.number("entity"),
                bound_cidrs=role["token_bound_cidrs"])
