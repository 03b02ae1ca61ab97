"""Vault in the sandbox, as OpenBao 2.7.2 does it: namespaces, mounts, policies that count, tokens, roles, kv and more.

`tests/vault/test_vault_twin.py` sends the same histories of requests to both. Transit keys, databases, groups, password
policies and audit devices are there with all their settings; nothing is really encrypted, and no database is opened. Not
played: conditions on parameters in policies, leases of other engines; pki and its like can be mounted and hold nothing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from reconciler.sandbox.store import Complaint, Recorded, Request, Response, Sandbox
from reconciler.vendors.vault import sandbox_tokens as tokens
from reconciler.vendors.vault.sandbox_database import database
from reconciler.vendors.vault.sandbox_identity import entities, groups
from reconciler.vendors.vault.sandbox_kv import secrets, version_1
from reconciler.vendors.vault.sandbox_kv2 import fresh, version_2
from reconciler.vendors.vault.sandbox_logins import approle, userpass
from reconciler.vendors.vault.sandbox_methods import roles
from reconciler.vendors.vault.sandbox_mounts import inside, mounts, remount, table
from reconciler.vendors.vault.sandbox_policies import capabilities_self, denied, legacy, permit, policies
from reconciler.vendors.vault.sandbox_system import OUTSIDE, audit, password_policies, sanitized
from reconciler.vendors.vault.sandbox_transit import transit
from reconciler.vendors.vault.sandbox_tune import METHODS, MOUNTS
from reconciler.vendors.vault.sandbox_wire import Asked, Body, joined, refused, told, unsupported

_OPS = {"GET": "read", "HEAD": "read", "LIST": "list", "POST": "write", "PUT": "write", "DELETE": "delete",
        "PATCH": "patch"}
_SPACES = "namespaces"


class VaultSandbox(Sandbox):
    """A server with the root tokens `root` and `placeholder`.

    `sealed` and `standby` are states that a test may set (a standby that finds no active node). `upgrade` is how many
    requests a versioned kv turns away after it was made or upgraded: a real one does so for a moment. `audit_by_api` is
    the switch of the server's configuration without which it makes no audit device.
    """

    audit_by_api = True
    sealed = False
    standby = False
    upgrade = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.preparing: dict[str, int] = {}

    def number(self, of: str) -> str:
        """The next id of its kind; the same history gives the same ids."""
        held = self.objects.setdefault("numbers", {}).setdefault(of, {"last": 0})
        held["last"] += 1
        return f"{sum(of.encode()):08x}-0000-4000-8000-{held['last']:012d}"

    def reads(self, recorded: Recorded) -> bool:
        """Questions, and logging in and out."""
        end = recorded.path.rpartition("/")[2]
        return recorded.path.endswith(("/capabilities-self", "/revoke-self", "/lookup-self")) or end == "login" or (
            recorded.path.startswith("/v1/auth/") and "/login/" in recorded.path)

    def answer(self, request: Request) -> Response:
        """One request as the server would answer it."""
        try:
            return self._answered(request)
        except Complaint as complaint:
            return Response(complaint.status, complaint.body)

    def _answered(self, request: Request) -> Response:
        path = unquote(request.path).removeprefix("/v1/")
        asked = Asked(self, self._op(request), path, query=dict(request.query))
        if path == "sys/health":
            return self._health(request)
        if path == "sys/seal-status":
            return Response(200, {"type": "shamir", "initialized": True, "sealed": self.sealed, "t": 1, "n": 1,
                                  "progress": 0, "version": "2.7.2", "storage_type": "inmem"})
        if self.sealed:
            raise refused(503, "Vault is sealed")
        if self.standby:
            raise refused(503, "Vault is in standby mode")
        asked = replace(asked, space=self._space(request), body=self._body(request))
        return self._admitted(asked, request.headers.get("x-vault-token", ""))

    def _op(self, request: Request) -> str:
        op = _OPS.get(request.method)
        if op is None:
            raise joined(405, "unsupported operation")
        if request.method == "PATCH" and "merge-patch" not in request.headers.get("content-type", ""):
            raise refused(415, "PATCH requires Content-Type of application/merge-patch+json, provided "
                               f"{request.headers.get('content-type', '')}")
        return "list" if op == "read" and dict(request.query).get("list") == "true" else op

    def _body(self, request: Request) -> Body:
        if not request.body or request.method in ("GET", "LIST", "DELETE"):
            return {}
        try:
            found = json.loads(request.body)
        except ValueError as error:
            raise refused(400, f"failed to decode JSON input: {error}") from None
        if found is not None and not isinstance(found, dict):
            raise refused(400, "failed to decode JSON input: json: cannot unmarshal array into Go value of type "
                               "map[string]interface {}")
        return dict(found or {})

    def _health(self, request: Request) -> Response:
        if request.headers.get("x-vault-namespace"):
            raise refused(400, "operation unavailable in namespaces")
        status = 503 if self.sealed else 429 if self.standby else 200
        return Response(status, {"initialized": True, "sealed": self.sealed, "standby": self.sealed or self.standby,
                                 "server_time_utc": int(self.clock.now()), "version": "2.7.2"})

    # the door

    def _space(self, request: Request) -> str:
        name = request.headers.get("x-vault-namespace", "").strip("/")
        space = f"{name}/" if name and name != "root" else ""
        if space and space not in self.objects.setdefault(_SPACES, {}):
            raise refused(404, "namespace not found")
        return space

    def _admitted(self, asked: Asked, id: str) -> Response:
        """Everything but a login needs a token, and what its policies allow."""
        if asked.op == "list" and not asked.path.endswith("/"):
            asked = replace(asked, path=f"{asked.path}/")
        at, mount, rest = self._login(asked)
        if mount is not None and (rest == "login" if mount["type"] == "approle" else rest.startswith("login/")):
            return self._inside(asked, at, mount, rest)
        open_to_all = asked.path.startswith("sys/internal/ui/mounts")
        token = tokens.known(asked, id, counted=not open_to_all)
        if token is None:
            raise refused(403, "permission denied")
        asked = replace(asked, token=token)
        if asked.space and asked.path.startswith(OUTSIDE):
            raise refused(400, "operation only available in root namespace")
        if not open_to_all:
            permit(asked, self._exists(asked))
        return self._routed(asked)

    def _login(self, asked: Asked) -> tuple[str, Body | None, str]:
        """The login method that a path lies in, and the rest of the path."""
        return self._mounted(asked, METHODS, "auth/")

    def _mounted(self, asked: Asked, root: str, prefix: str) -> tuple[str, Body | None, str]:
        inner = asked.path.removeprefix(prefix) if asked.path.startswith(prefix) else ""
        for path, body in table(asked, root).items():
            if inner and f"{inner}/".startswith(path):
                return f"{prefix}{path}", body, inner.removeprefix(path) if inner.startswith(path) else ""
        return "", None, ""

    def _exists(self, asked: Asked) -> bool | None:
        """Whether what is written is there already, for those that tell creating from changing."""
        if asked.op != "write" or asked.path.startswith("sys/"):
            return None
        _, mount, rest = self._login(asked)
        if mount is not None:
            part, _, name = rest.partition("/")
            held = asked.held(f"{mount['type']}/{mount['uuid']}")
            return name.lower() in held if part in ("role", "users") and "/" not in name else None
        _, mount, rest = self._mounted(asked, MOUNTS, "")
        if mount is not None and mount["type"] == "database":
            part, _, name = rest.partition("/")
            return name in asked.held(f"database-{part}/{mount['uuid']}") if name else None
        if mount is None or mount["type"] not in ("kv", "generic"):
            return None
        held = secrets(asked, mount)
        if (mount["options"] or {}).get("version") != "2":
            return rest in held
        part, _, path = rest.partition("/")
        return path in held if part in ("data", "metadata") else None

    # the counter

    def _routed(self, asked: Asked) -> Response:
        if asked.path.startswith("sys/"):
            return self._sys(asked, asked.path.removeprefix("sys/"))
        at, mount, rest = self._login(asked)
        if mount is None and not asked.path.startswith("auth/"):
            at, mount, rest = self._mounted(asked, MOUNTS, "")
        if mount is None:
            raise refused(404, f'no handler for route "{asked.path}". route entry not found.')
        return self._inside(asked, at, mount, rest)

    def _sys(self, asked: Asked, rest: str) -> Response:
        for root in (MOUNTS, METHODS):
            name = root.removeprefix("sys/")
            if rest == name or (rest.startswith(f"{name}/") and rest != f"{name}/"):
                return mounts(asked, root, rest.removeprefix(name).removeprefix("/"))
        if rest.startswith("policies/acl"):
            return policies(asked, rest.removeprefix("policies/acl").removeprefix("/"))
        if rest.startswith("policies/password"):
            return password_policies(asked, rest.removeprefix("policies/password").removeprefix("/"))
        if rest == "audit" or rest.startswith("audit/"):
            return audit(asked, rest.removeprefix("audit").removeprefix("/"))
        if rest == "policy" or rest.startswith("policy/"):
            return legacy(asked, rest.removeprefix("policy").removeprefix("/"))
        if rest.startswith("internal/ui/mounts/"):
            return inside(asked, rest.removeprefix("internal/ui/mounts/"))
        if rest == "namespaces" or rest.startswith("namespaces/"):
            return self._namespaces(asked, rest.removeprefix("namespaces").strip("/"))
        if rest in ("capabilities-self", "remount"):
            return capabilities_self(asked) if rest == "capabilities-self" else remount(asked)
        if rest == "config/state/sanitized":
            return sanitized(asked)
        raise joined(404, "unsupported path")

    def _namespaces(self, asked: Asked, name: str) -> Response:
        held = self.objects.setdefault(_SPACES, {})
        path = f"{asked.space}{name}/"
        if not name and asked.op == "list":
            mine = {one.removeprefix(asked.space): body for one, body in held.items() if one.startswith(asked.space) and
                    one.removeprefix(asked.space).count("/") == 1}
            if not mine:
                raise refused(404)
            return told(asked, {"keys": sorted(mine), "key_info": mine})
        if asked.op == "write":
            if "/" in name:
                raise refused(400, "namespace name cannot contain /")
            given = {"custom_metadata": asked.body.get("custom_metadata") or {}}
            held.setdefault(path, {"id": self.number("space")[-6:], "locked": False, "path": path, "tainted": False,
                                   "uuid": self.number("uuid")}).update(given)
            return told(asked, held[path])
        if asked.op == "read":
            if path not in held:
                raise refused(404)
            return told(asked, held[path])
        if asked.op == "delete":
            if path not in held:
                return told(asked, warnings=["requested namespace does not exist"])
            for one in [key for key in self.objects if key.startswith(path)]:
                del self.objects[one]
            for one in [key for key in held if key.startswith(path)]:
                del held[one]
            return told(asked, {"status": "in-progress"})
        raise unsupported(asked)

    def _inside(self, asked: Asked, at: str, mount: Body, rest: str) -> Response:
        kind = mount["type"]
        if kind in ("token", "ns_token"):
            return tokens.tokens(asked, rest.rstrip("/"))
        if kind == "approle":
            return approle(asked, mount, at, rest)
        if kind == "userpass":
            return userpass(asked, mount, at, rest)
        if kind in ("jwt", "oidc", "kubernetes") and at.startswith("auth/"):
            return roles(asked, mount, rest)
        if kind in ("transit", "database"):
            return (transit if kind == "transit" else database)(asked, mount, rest)
        if kind.endswith("identity"):
            return self._identity(asked, rest)
        if kind in ("kv", "generic") and (mount["options"] or {}).get("version") == "2":
            self._prepared(mount["uuid"])
            return version_2(asked, mount, rest)
        if kind in ("kv", "generic"):
            return version_1(asked, mount, rest)
        raise denied() if kind.endswith("cubbyhole") else joined(404, "unsupported path")

    def _identity(self, asked: Asked, rest: str) -> Response:
        for noun, answer in (("group", groups), ("entity", entities)):
            if rest == noun or rest.startswith(f"{noun}/"):
                return answer(asked, rest.removeprefix(noun).removeprefix("/"))
        raise joined(404, "unsupported path")

    # what mounts say to what is in them

    def _prepared(self, uuid: str) -> None:
        if self.preparing.get(uuid):
            self.preparing[uuid] -= 1
            raise refused(400, "Upgrading from non-versioned to versioned data. This backend will be unavailable for a "
                               "brief period and will resume service shortly.")

    def upgraded(self, asked: Asked, uuid: str) -> None:
        """What lay in version 1 is the first version of each secret."""
        self.preparing[uuid] = self.upgrade
        held = asked.held(f"kv/{uuid}")
        held.update({path: fresh(asked.now, data) for path, data in held.items()})

    def emptied(self, asked: Asked, uuid: str) -> None:
        """All that was in a mount is gone."""
        for part in ("kv", "approle", "userpass", "jwt", "oidc", "kubernetes", "transit", "database-config", "database-roles",
                     "database-static-roles"):
            self.objects.pop(f"{asked.space}{part}/{uuid}", None)
        asked.held("kv/config").pop(uuid, None)
