"""One stack of Vault entries over a connection: the engine's own test stack with Vault in the place of its cloud."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.clock import Clock, SystemClock
from reconciler.contract.spec import Mark
from reconciler.manifest.validate import _put, _without_nulls
from reconciler.model import Action, Address, Delivery, Lifecycle, Location, Op, Plan, Ref, Resource, SecretRef
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR, VaultSettings
from reconciler.vendors.vault.api import VaultApi
from tests.world import Shop

READS = frozenset({"GET", "LIST"})


@dataclass
class Recorder(httpx.BaseTransport):
    """Hands requests on and remembers them with their answers."""

    inner: httpx.BaseTransport
    seen: list[tuple[str, str, bytes, int]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    told: list[tuple[str, str, bytes, int, bytes]] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        with closing(self.inner.handle_request(request)) as response:
            answer = response.read()
        seen = request.method, request.url.raw_path.decode(), body, response.status_code
        self.seen.append(seen)
        self.told.append((*seen, answer))
        self.headers.append(dict(request.headers))
        headers = [(name, text) for name, text in response.headers.items() if name not in ("content-encoding",
                                                                                          "transfer-encoding")]
        return httpx.Response(response.status_code, headers=headers, content=answer, request=request)

    def close(self) -> None:
        self.inner.close()


@dataclass
class Place:
    """A server (or its imitation), the root token of it, and a namespace of its own for one test."""

    url: str
    token: str = "root"
    namespace: str | None = None
    transport: httpx.BaseTransport | None = None
    clock: Clock = field(default_factory=SystemClock)
    opened: list[VaultApi] = field(default_factory=list)

    def connect(self, *, read_only: bool = False, **settings: Any) -> VaultApi:
        """A client; `auth` or a `token` in place of the root token."""
        given = {"address": self.url, "namespace": self.namespace, "token": Secret(self.token), **settings}
        recorder = Recorder(Keep(self.transport) if self.transport else httpx.HTTPTransport())
        api = VaultApi(VaultSettings.model_validate(given), connection="vault", transport=recorder, clock=self.clock,
                       read_only=read_only)
        self.opened.append(api)
        return api

    def close(self) -> None:
        """Close every client that was made here."""
        for api in self.opened:
            api.close()

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """One request as somebody else makes it; the answer's `data` or `auth`, None where there is nothing."""
        headers = {"X-Vault-Token": token or self.token}
        if self.namespace:
            headers["X-Vault-Namespace"] = self.namespace
        with httpx.Client(transport=Keep(self.transport) if self.transport else None, base_url=self.url) as client:
            answered = client.request(method, f"/v1/{path}", json=body, headers=headers)
        if answered.status_code == 404:
            return None
        assert answered.is_success, (method, path, answered.status_code, answered.text)
        found = answered.json() if answered.content else {}
        return found.get("data") or found.get("auth") or {}

    def token_of(self, *policies: str) -> str:
        """A fresh token with these policies."""
        made = self.ask("POST", "auth/token/create", {"policies": list(policies), "no_parent": True})
        return str(made["client_token"])


class Keep(httpx.BaseTransport):
    """A transport that outlives its client."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self.inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Somebody else still needs it."""


class Desk(Shop):
    """Manifests as maps of noun → name → fields; a second plan is part of every `settle`."""

    def __init__(self, place: Place, api: VaultApi | None = None) -> None:
        super().__init__()
        self.place, self.api = place, api or place.connect()
        self.kinds = VENDOR.bind(self.api)
        self.secrets = {"pw": "hunter2", "other": "s3cr3t"}

    def resources(self, manifest: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over: checked, the natural key filled in, nulls kept."""
        return tuple(self.resource(noun, name, given) for noun, entries in manifest.items()
                     for name, given in entries.items())

    def resource(self, noun: str, name: str, given: Mapping[str, Any]) -> Resource:
        kind = self.kinds[f"vault.{noun}"]
        life = dict(given.get("lifecycle", {}))
        life["deliver"] = {k: Delivery(**v) for k, v in life.get("deliver", {}).items()}
        fields = {k: self._put_in(v, kind.shape.child(k)) for k, v in given.items() if k != "lifecycle"}
        for key, shape in kind.shape.children.items():
            if Mark.NAMED in shape.marks and key not in fields:
                fields[key] = name
        nulls: list[tuple[Any, ...]] = []
        checked = kind.spec.model_validate(_without_nulls(fields, kind.shape, (), nulls)).given()
        for path in nulls:
            _put(checked, path)
        assert not list(kind.check(checked)), list(kind.check(checked))
        return Resource(Address(kind.bound, name), checked, Location("vault.yaml", 1, 1), Lifecycle(**life))

    def _put_in(self, value: Any, shape: Any) -> Any:
        if isinstance(value, dict) and value.keys() <= {"ref", "output"} and "ref" in value:
            kind, slash, name = value["ref"].rpartition("/")
            kind = kind if slash else shape.link.kind
            return Ref.to(Address(kind, name), value.get("output") or (shape.link.output if shape.link else "id"))
        if isinstance(value, dict) and value.keys() == {"secret"}:
            return SecretRef.to(value["secret"])
        if isinstance(value, dict):
            return {key: self._put_in(item, shape.child(key)) for key, item in value.items()}
        return [self._put_in(item, shape.item) for item in value] if isinstance(value, list) else value

    def world(self, manifest: Mapping[str, Any], **more: Any) -> Any:
        more.setdefault("about", {"vault": self.api.about()})
        return super().world(manifest, **more)

    # looking

    def settle(self, manifest: Mapping[str, Any], **more: Any) -> list[str]:
        """Apply, see that all went well and that a second plan is empty; returns the writes in order."""
        made = self.plan(manifest, **more)
        blocked = [(str(a.address), a.blocked) for a in made.actions if a.blocked]
        assert not made.stopped and not blocked, (made.stopped, blocked)
        before = len(self.recorder.seen)
        report = self.run(made)
        assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes
        writes = self.writes(before)
        again = self.plan(manifest)
        assert again.empty, [(str(a.address), a.op, a.changes, a.blocked) for a in again.actions if a.acts or a.blocked]
        return writes

    @property
    def recorder(self) -> Recorder:
        """What went over the wire."""
        transport = self.api._transport
        assert isinstance(transport, Recorder)
        return transport

    def writes(self, since: int = 0) -> list[str]:
        """The writes that the server got, without `/v1/`."""
        return [f"{method} {path.removeprefix('/v1/')}" for method, path, _, _ in self.recorder.seen[since:]
                if method not in READS and not self.api.only_reads(method, path)]

    def blocked(self, made: Plan) -> dict[str, str]:
        """Why, by address without the vendor."""
        return {str(a.address).removeprefix("vault."): a.blocked or "" for a in made.actions if a.op is Op.BLOCKED}

    def ops(self, made: Plan) -> dict[str, str]:
        """The operations that are no noops."""
        return {str(a.address).removeprefix("vault."): a.op.value for a in made.actions if a.op is not Op.NOOP}

    def acts(self, manifest: Mapping[str, Any], **more: Any) -> dict[str, str]:
        """The operations of a plan that are no noops."""
        return self.ops(self.plan(manifest, **more))

    def action(self, made: Plan, address: str) -> Action:
        """The action of `noun/name`."""
        return next(a for a in made.actions if str(a.address) == f"vault.{address}")

    def paths(self, made: Plan, address: str) -> dict[str, tuple[Any, Any]]:
        """The changes of one action by path."""
        return {c.path: (c.before, c.after) for c in self.action(made, address).changes}
