"""Random histories of requests, sent to the real server and to its imitation; what comes back, without what is minted.

A history names tokens, role ids and secret ids by number, because each place mints its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.vault.desk import Keep, Place
from tests.vault.engines import Engines
from tests.vault.step import Step, delete, get, names, post

MINTED = frozenset({"request_id", "accessor", "uuid", "client_token", "id", "created_time", "updated_time", "modified",
                    "deletion_time", "creation_time", "issue_time", "expire_time", "expiration", "secret_id",
                    "secret_id_accessor", "role_id", "migration_id", "entity_id", "ttl", "last_update_time", "modify_index",
                    "namespace_id"})
"""Only whether there is one is compared."""

PATHS = ("a", "b", "a/c", "team/kv")
NAMES = ("one", "two", "Deep/er", "deep/er/x")
POLICIES = ("app", "Dev", "ops")
TEXTS = ('path "a/*" { capabilities = ["create", "read", "list"] }',
         'path "+/data/*" { capabilities = ["read", "update"] } path "a/data/one" { capabilities = ["deny"] }',
         'path "sys/mounts" { capabilities = ["read"] } path "sys/auth/*" { capabilities = ["read", "sudo", "update"] }',
         'path "b/*" { policy = "write" } path "sys/policies/acl/*" { capabilities = ["read", "list", "create"] }',
         'path "auth/+/role/*" { capabilities = ["create", "read", "delete"] } path "auth/token/create" { policy = "write" }',
         'path "a" { capabilities = ["bogus"] }', "nonsense", "")
LEASES = ("1h", "90m", 3600, "0s", "soon", "", "9000h")


class Histories:
    """Steps by chance; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.any = self.random.choice
        self.engines = Engines(self.random)

    def steps(self, length: int) -> Iterator[Step]:
        """Something is mounted first, so that the rest has something to meet."""
        yield post("sys/mounts/a", {"type": "kv-v2"})
        yield post("sys/mounts/b", {"type": "kv"})
        yield post("sys/auth/approle", {"type": "approle"})
        for path, kind in (("mounts/transit", "transit"), ("mounts/db", "database"), ("auth/jwt", "jwt"),
                           ("auth/kube", "kubernetes")):
            yield post(f"sys/{path}", {"type": kind})
        parts: list[Callable[[], Step]] = [self.mounts, self.methods, self.policies, self.versioned, self.versioned,
                                           self.plain, self.roles, self.roles, self.tokens, self.around,
                                           *([self.engines.step] * 8)]
        for _ in range(length):
            step = self.any(parts)()
            token = self.random.randrange(6) if self.random.random() < 0.3 else None
            yield Step(step.method, step.path, step.body, step.query, token)

    def some(self, **choices: Any) -> dict[str, Any]:
        """A few of these fields, each with one of its values."""
        return {name: self.any(values) for name, values in choices.items() if self.random.random() < 0.35}

    def mounts(self) -> Step:
        at = f"sys/mounts/{self.any(PATHS)}"
        config = self.some(default_lease_ttl=LEASES, max_lease_ttl=LEASES, listing_visibility=("unauth", "hidden", "", "x"),
                           audit_non_hmac_request_keys=(["b", "a"], [], "p,q"), passthrough_request_headers=(["X-A"], []),
                           plugin_version=("v9", ""))
        made = {"type": self.any(("kv", "kv-v2", "kv", "kv-v2", "transit", "nope", "system", "")), "config": config,
                **self.some(description=("d", "", "two\nlines"), local=(True, False), seal_wrap=(True, False, "maybe"),
                            options=({"version": "2"}, {"version": 1}, {"version": "3"}, {"x": "y"}))}
        tuned = {**config, **self.some(description=("new", ""), options=({"version": "2"}, {"version": "1"}, {"x": ""},
                                                                         {"x": "z"}, {"version": "x"}))}
        return self.any((post(at, made), get(at), post(f"{at}/tune", tuned), get(f"{at}/tune"),
                         get("sys/mounts"), post(f"{at}/tune", tuned), post(at, made),
                         *((delete(at),) if self.random.random() < 0.3 else ())))

    def methods(self) -> Step:
        at = f"sys/auth/{self.any(('approle', 'people', 'ci/x', 'token'))}"
        lockout = self.some(lockout_threshold=(3, 0, "x"), lockout_duration=("5m", 0), lockout_disable=(True, False))
        config = self.some(default_lease_ttl=LEASES, max_lease_ttl=LEASES, token_type=("batch", "default-service", "x"),
                           allowed_response_headers=(["X-B"], []))
        made = {"type": self.any(("approle", "approle", "userpass", "kv", "token")), "config": config,
                **self.some(description=("d", ""))}
        tuned = {**config, **self.some(user_lockout_config=(lockout,), description=("t", ""))}
        steps = [post(at, made), get(at), get("sys/auth"), get(f"{at}/tune"), post(f"{at}/tune", tuned)]
        own = at.endswith("token")
        return self.any([*(steps[:3] if own else steps), *((delete(at),) if own or self.random.random() < 0.3 else ())])

    def policies(self) -> Step:
        at = f"sys/policies/acl/{self.any((*POLICIES, 'default', 'root'))}"
        body = {"policy": self.any(TEXTS), **self.some(cas=(-1, 0, 1, 2), cas_required=(True, False), ttl=("1h",))}
        return self.any((post(at, body), post(at, body), post(at, body), get(at),
                         names("sys/policies/acl"), get("sys/policies/acl"), delete(at),
                         get("sys/policies/acl", query={"list": "true"}), get("sys/policy"),
                         get(at.replace("policies/acl", "policy"))))

    def versioned(self) -> Step:
        mount, name = self.any(PATHS), self.any(NAMES)
        values = self.any(({"k": "v"}, {"k": "w", "n": 5}, {"deep": {"x": [1]}}, {}, None, "text"))
        body = self.any(({"data": values}, {"data": values}, {"k": "v"})) | self.some(
            options=({"cas": 0}, {"cas": 1}, {"cas": 2}, {"cas": "x"}, {}))
        kept = self.some(max_versions=(2, 3, 0, -1), cas_required=(True, False, False),
                         delete_version_after=("1h", "0s", "soon"),
                         custom_metadata=({"a": "b"}, {}, {"n": 5, "t": True}, {"a": ""}, {"a" * 129: "x"}, None))
        settings = {key: value for key, value in kept.items() if key != "custom_metadata"}
        versions = {"versions": self.random.sample([1, 2, 3, 4], self.random.randrange(3))}
        data, notes = f"{mount}/data/{name}", f"{mount}/metadata/{name}"
        return self.any((
            post(data, body), post(data, body), Step("PUT", data, body), get(data),
            get(data), get(data, query={"version": self.any("123")}), delete(data), get(notes),
            post(notes, kept), post(f"{mount}/config", settings), get(f"{mount}/config"),
            post(f"{mount}/{self.any(('delete', 'undelete', 'destroy'))}/{name}", versions),
            names(f"{mount}/metadata"), names(f"{mount}/metadata/{self.any(('deep', 'Deep/', 'one'))}"),
            *((delete(notes),) if self.random.random() < 0.3 else ())))

    def plain(self) -> Step:
        mount, name = self.any(PATHS), self.any((*NAMES, ""))
        at = f"{mount}/{name}" if name else mount
        body = self.any(({"k": "v"}, {"k": "v", "ttl": "30m"}, {}, {"n": {"x": 1}}))
        return self.any((post(at, body), post(at, body), get(at), names(mount), delete(at),
                         names(f"{mount}/deep")))

    def roles(self) -> Step:
        mount = self.any(("approle", "approle", "ci/x", "none"))
        at = f"auth/{mount}/role/{self.any(('web', 'Job', 'a.b-c', '-x', 'x y'))}"
        blocks = (["10.0.0.1/32", "10.1.0.0/16"], [], "10.0.0.1", ["nope"], ["127.0.0.0/8"])
        body = self.some(token_policies=(["App", "dev", "dev"], [], "app,ops", None), token_ttl=("20m", 0, "-1s", "soon", "2h"),
                         token_max_ttl=("1h", 0, "9000h"), token_period=("1m", "0s"), token_num_uses=(5, 0, -1, "x"),
                         token_type=("batch", "service", "default", "x", "default-service"), token_bound_cidrs=blocks,
                         token_no_default_policy=(True, False), bind_secret_id=(True, True, False),
                         secret_id_bound_cidrs=blocks, secret_id_num_uses=(1, 0, -1), secret_id_ttl=("1h", 0),
                         role_id=("fixed", "other"), token_explicit_max_ttl=("3h", 0), policies=(["x"],))
        login = {"role_id": self.any(("fixed", "other", "$role", "$role")),
                 "secret_id": self.any(("$secret", "$secret", "bad", None))}
        return self.any((
            post(at, body), post(at, body), get(at), names(f"auth/{mount}/role"), delete(at),
            get(f"{at}/role-id"), post(f"{at}/role-id", self.some(role_id=("fixed", "other"))),
            post(f"{at}/secret-id", {}), post(f"{at}/secret-id", {}), names(f"{at}/secret-id"),
            post(f"auth/{mount}/login", login), post(f"auth/{mount}/login", login)))

    def tokens(self) -> Step:
        body = self.some(policies=(["app"], ["Dev", "ops"], ["root"], ["app", "app"]), ttl=("1h", "soon"), num_uses=(2, 0),
                         no_default_policy=(True, False), type=("batch", "service", "x"), no_parent=(True,),
                         explicit_max_ttl=("30m",), meta=({"a": "b"},), period=("2h",))
        paths = [f"{self.any(PATHS)}/data/{name}" for name in NAMES]
        asked = {"paths": [*paths, "sys/mounts", "a/", "a"]}
        return self.any((post("auth/token/create", body), post("auth/token/create", {"policies": ["app", "dev"]}),
                         get("auth/token/lookup-self"), post("sys/capabilities-self", asked),
                         post("sys/capabilities-self", {"paths": [self.any(PATHS)]}),
                         post("auth/token/lookup", {"token": "$token"}), post("auth/token/lookup", {}),
                         post("auth/token/revoke", {"token": "$token"}) if self.random.random() < 0.2 else get("sys/mounts")))

    def around(self) -> Step:
        ends = {"from": self.any(("b", "team/kv", "none", "sys")), "to": self.any((*PATHS, "sys/x", ""))}
        return self.any((get(f"sys/internal/ui/mounts/{self.any(PATHS)}/data/x"), get("nowhere/x"),
                         names("nowhere"), get("auth/nowhere/x"), get("sys/nothing"),
                         delete("sys/mounts"), post("sys/remount", ends), get("sys/internal/ui/mounts/none")))


class Teller:
    """One place that a history is told to; it remembers what the place minted."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.tokens: list[str] = []
        self.minted: dict[str, str] = {"token": "none", "role": "none", "secret": "none"}
        headers = {"X-Vault-Namespace": place.namespace} if place.namespace else {}
        self.client = httpx.Client(transport=Keep(place.transport) if place.transport else None, base_url=place.url,
                                   headers=headers)

    def tell(self, step: Step) -> tuple[int, Any]:
        """The status and the normal form of the answer; a kv that is being upgraded is asked again."""
        number = step.as_token
        token = self.place.token if number is None or number >= len(self.tokens) else self.tokens[-1 - number]
        body = {name: self.minted.get(str(value).removeprefix("$"), value) if str(value).startswith("$") else value
                for name, value in step.body.items()} if step.body is not None else None
        for _ in range(500):
            answered = self.client.request(step.method, f"/v1/{step.path}", json=body, params=step.query,
                                           headers={"X-Vault-Token": token})
            if "pgrading from non-versioned" not in answered.text:
                break
        found = answered.json() if answered.content else None
        self._remember(found)
        if step.path == "sys/remount" and answered.is_success and body is not None:
            self._moved(str(body["to"]))
        return answered.status_code, normal(found)

    def close(self) -> None:
        """End the conversation."""
        self.client.close()

    def _remember(self, found: Any) -> None:
        auth, data = (found.get(part) or {} for part in ("auth", "data")) if isinstance(found, dict) else ({}, {})
        if auth.get("client_token"):
            self.tokens.append(auth["client_token"])
            self.minted["token"] = auth["client_token"]
        for name in ("role", "secret"):
            self.minted[name] = data.get(f"{name}_id") or self.minted[name]

    def _moved(self, target: str) -> None:
        """The real server moves a mount a moment after it has said so."""
        for _ in range(500):
            if f"{target}/" in self.client.get("/v1/sys/mounts", headers={"X-Vault-Token": self.place.token}).json()["data"]:
                return


SEVERAL = re.compile(r"(POST|PUT) (sys/(mounts|auth)|auth/token/create|auth/[^$]*/role/|\S+/data/|\S+/keys/|db/|identity/group/"
                     r"|sys/policies/password/)")
"""Writes with many fields: of several mistakes in one another may be told first, or that the token may not."""


def same(step: Step, one: tuple[int, Any], other: tuple[int, Any]) -> bool:
    """Whether two answers say the same."""
    several = step.as_token is not None and step.method in ("POST", "PUT")
    if (several or SEVERAL.match(f"{step.method} {step.path}")) and min(one[0], other[0]) >= 400:
        return True
    return one == other


def normal(value: Any, name: str = "") -> Any:
    """An answer without what is minted, timed or parsed by another parser."""
    if name == "policies" and not value:
        return None
    if name == "keys":
        return sorted(value) if isinstance(value, list) else dict.fromkeys(value, "(version)")
    if name in MINTED:
        return f"({name})" if value else value
    if isinstance(value, dict):
        return {key: normal(item, key) for key, item in sorted(value.items()) if key != "deprecation_status"}
    if isinstance(value, list):
        return [normal(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(uuid)", value)
        value = "(default)" if "Allow tokens to look up their own properties" in value else value
        value = re.sub(r"(failed to parse policy: ).*", r"\1…", value, flags=re.DOTALL)
        return re.sub(r"no handler for route .*", "no handler", value)
    return value
