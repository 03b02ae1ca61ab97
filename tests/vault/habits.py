"""What the referee must know of Vault: how requests are placed in HashiCorp's document, and where that is wrong.

The document is Vault's own; what only OpenBao has is named here with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.referee import Exchange, Habits
from tests.vault.desk import Recorder

_KV = re.compile(r"/(?P<mount>.+?)/(?P<rest>(data|metadata|delete|undelete|destroy)/.+|config)")
_KEYS = re.compile(r"/(?P<mount>.+?)/(?P<rest>keys/.*)")
_DATABASE = re.compile(r"/[^/]+/(?P<rest>(config|roles|static-roles)/.*)")
_LOGIN = re.compile(r"/auth/(?P<mount>.+)/(?P<rest>role/.+|role/|login)")
_SYS = re.compile(r"(?P<root>/sys/(?:mounts|auth))/(?P<mount>.+?)(?P<tune>/tune)?")


LOGINS = {"jwt": "jwt", "ci": "jwt", "kubernetes": "kubernetes", "edge": "kubernetes"}
"""What the tests call their login methods that are no approle."""


def place(exchange: Exchange) -> Exchange:
    """Without `/v1`; a list as the document writes it; a mount by the document's name for its type, in one part."""
    path = exchange.path.removeprefix("/v1")
    if exchange.method == "LIST":
        exchange = replace(exchange, method="GET", query=(("list", "true"),))
        path = path.rstrip("/") + "/"
    if hit := _SYS.fullmatch(path):
        path = f"{hit['root']}/{hit['mount'].replace('/', '~')}{hit['tune'] or ''}"
    elif not path.startswith(("/sys/", "/auth/", "/identity/")) and (hit := _KEYS.fullmatch(path)):
        path = f"/{{transit_mount_path}}/{hit['rest']}"
    elif not path.startswith(("/sys/", "/auth/", "/identity/")) and (hit := _DATABASE.fullmatch(path)):
        path = f"/{{database_mount_path}}/{hit['rest']}"
    elif not path.startswith(("/sys/", "/auth/")) and (hit := _KV.fullmatch(path)):
        path = f"/{{kv_v2_mount_path}}/{hit['rest']}"
    elif hit := _LOGIN.fullmatch(path):
        path = f"/auth/{{{LOGINS.get(hit['mount'], 'approle')}_mount_path}}/{hit['rest']}"
    return replace(exchange, path=path)


def unwrap(answer: Any) -> Any:
    """What is in the envelope."""
    if not isinstance(answer, dict):
        return answer
    return answer["auth"] if answer.get("data") is None and answer.get("auth") else answer.get("data", answer)


FORGIVEN: Mapping[str, str] = {
    r": status 204 is not in the document \(200\)": "the server answers nothing where it has nothing to say",
    r"POST \S+: status 200 is not in the document \(204\)": "the server answers 200 where it has warnings",
    r"^(GET|POST) /v1/auth/(token/\S+|\S+/login(/\S+)?): .* is not in the document":
        "the document was cut down, without tokens and logins",
    r"^(GET|POST|DELETE|LIST) /v1/(?!sys/|auth/)(?!\S+/(data|metadata)/)\S+: .* is not in the document":
        "the document has no kv version 1",
    r"^GET /v1/auth/\S+/role/\S+: answer\.token_(ttl|max_ttl|explicit_max_ttl|period): \d+ is not of type 'string'":
        "a role's times are read as seconds, in all versions",
    r"(GET|POST) /v1/\S+/keys/\S+: answer\.auto_rotate_period: \d+ is not of type 'string'":
        "a key's times are read as seconds, in all versions",
    r"GET /v1/sys/policies/password/\S+: status 200 is not in the document":
        "what is read is answered with 200, in all versions",
    r"GET /v1/auth/\S+/role/\S+: answer\.secret_id_bound_cidrs: None is not of type 'array'":
        "a set that was never given is null (OpenBao 2.7.2, and Vault's approle backend)",
    r"(GET|POST) /v1/\S+/(data|metadata)/\S+: answer\S*custom_metadata: None is not of type 'object'":
        "metadata that was never given is null",
}

HABITS = Habits(place=place, unwrap=unwrap, deep=True, forgiven=FORGIVEN)

OPENBAO: Mapping[str, str] = {
    "POST /sys/policies/acl/{name} cas": "OpenBao checks the version of a policy; Vault ignores the field",
}
"""Fields that we send and HashiCorp's document does not know."""


def exchanges(recorder: Recorder) -> list[Exchange]:
    """What went over the wire, for the referee."""
    found = []
    for method, target, body, status, answer in recorder.told:
        parts = urlsplit(target)
        found.append(Exchange(method, parts.path, tuple(parse_qsl(parts.query)), json.loads(body) if body else None, status,
                              json.loads(answer) if answer else None))
    return found


def unknown_fields(referee: Any, seen: Iterable[Exchange]) -> set[str]:
    """Fields of requests that the document does not name, as `POST /path field`; its schemas leave bodies open."""
    found = set()
    for exchange in map(place, seen):
        operation = referee.find(exchange)
        content = referee._resolved((operation.body if operation else {}).get("requestBody") or {}).get("content") or {}
        schema = referee._resolved(next(iter(content.values()))["schema"]) if content else {}
        known = schema.get("properties")
        if operation is not None and known is not None and isinstance(exchange.body, dict):
            found |= {f"{exchange.method} {operation.template} {name}" for name in exchange.body if name not in known}
    return found
