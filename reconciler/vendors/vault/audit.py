"""vault.audit_device: where the server writes down every request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Literal

from reconciler.contract import Ask, Canonical, Kind, Mark, Output, Permissions, Scene, Spec
from reconciler.contract.compare import empty
from reconciler.errors import Failure
from reconciler.model import Action, Call, Changes, Fate, Fields, Live, Note, Op, Unseen, Want
from reconciler.vendors.vault.engines import api_of
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.terms import Path, Text, bare, route

ROOT = "/v1/sys/audit"
SWITCH = "unsafe_allow_api_audit_creation"
CLOSED = "cannot enable audit device via API; use declarative, config-based audit device management instead"
"""What OpenBao says (2.7.2) where its configuration does not have the switch on."""


def options_of(value: Any) -> Any:
    """Options as the server keeps them: texts, a boolean as 1 or 0."""
    if not isinstance(value, Mapping):
        return value or {}
    return {name: {"true": "1", "false": "0"}.get(str(text), text) for name, text in value.items() if not empty(text)}


class AuditDeviceSpec(Spec):
    """The fields of vault.audit_device; all of them are for its whole life."""

    path: Annotated[Path | None, Mark.NAMED, Mark.IMMUTABLE, Canonical(bare)] = None
    type: Annotated[Literal["file", "socket", "syslog", "http"], Mark.IMMUTABLE]
    description: Annotated[str | None, Mark.IMMUTABLE] = ""
    local: Annotated[bool | None, Mark.IMMUTABLE] = False
    options: Annotated[dict[str, Text] | None, Mark.IMMUTABLE, Canonical(options_of)] = None


class AuditDevice(Kind[AuditDeviceSpec]):
    """An audit device. It can't be changed: every change disables it and enables another one at the same path.

    OpenBao makes none through its API unless its configuration has `unsafe_allow_api_audit_creation`; the plan asks the
    server's configuration for that, where the token may read it.
    """

    name, spec = "vault.audit_device", AuditDeviceSpec
    terraform = (("vault_audit", "{path}"),)
    permissions = Permissions(at("sys/audit", "read", "sudo"), at("sys/audit/{path}", "update", "delete", "sudo"))
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(foretold="path"), "path": Output(foretold="path")}

    def item(self, id: str) -> str:
        """The path of one device."""
        return f"{ROOT}/{route(id)}"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """All of them in one GET; and, where one is to be made, whether the server makes any."""
        found = self._read()
        wanted = {want.get("path") or want.address.name for want in ask.wants}
        api_of(self.api).closed = False
        if wanted:
            with suppress(Failure):
                switches = self.api.get("/v1/sys/config/state/sanitized")
                api_of(self.api).closed = switches.get(SWITCH) is False
        return [self._live(path, body) for path, body in found.items()]

    def get(self, id: str) -> Live | None:
        """One device, from a fresh list."""
        body = self._read().get(id)
        return None if body is None else self._live(id, body)

    def _read(self) -> dict[str, Mapping[str, Any]]:
        return {bare(path): body for path, body in self.api.get(ROOT).items()}

    def _live(self, path: str, body: Mapping[str, Any]) -> Live:
        fields: Fields = {name: body[name] for name in self.shape.children if name in body}
        return Live(id=path, fields={**fields, "path": path}, outputs={"id": path, "path": path}, raw=body)

    def create(self, want: Want[AuditDeviceSpec]) -> Call:
        """One POST, refused where the path is in use."""
        body = {name: value for name, value in sorted(want.fields.items()) if name != "path" and value is not None}
        return Call("POST", self.item(want.get("path") or want.address.name), body)

    def update(self, live: Live, want: Want[AuditDeviceSpec], changes: Changes) -> Iterable[Call]:
        """Never called: every field is for life."""
        raise RuntimeError(f"{self.bound} can't be changed")

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    def fate(self, live: Live) -> Fate:
        """It is disabled: what happens from then on is not written down there."""
        return Fate("disable", why="requests from now on are not written down there; what was written stays")

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """The server's own reason where its configuration lets no device be made."""
        if action.op in (Op.CREATE, Op.REPLACE) and api_of(self.api).closed:
            yield Note(f"{CLOSED} ({SWITCH} is off in the server's configuration)", refuse=True)
        if action.op is Op.REPLACE:
            yield Note("between the old device and the new one nothing is written down there", subject="warning")
