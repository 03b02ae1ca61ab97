"""vault.mount and vault.auth_method: where secret engines and login methods answer. One read lists all of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from reconciler.contract import Ask, Permissions, Scene, Spec
from reconciler.model import Action, Change, Fate, Fields, Impact, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.vault.engines import KV, Engine, known
from reconciler.vendors.vault.mounting import Mounted, Mounting
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.terms import Duration, Texts, nested


class MountConfig(Spec):
    """What can be tuned at any time; 0 is the server's own lease time."""

    default_lease_ttl: Duration = 0
    max_lease_ttl: Duration = 0
    listing_visibility: Literal["hidden", "unauth"] | None = "hidden"
    audit_non_hmac_request_keys: Texts = None
    audit_non_hmac_response_keys: Texts = None
    passthrough_request_headers: Texts = None
    allowed_response_headers: Texts = None
    allowed_managed_keys: Texts = None
    delegated_auth_accessors: Texts = None
    plugin_version: str | None = None
    identity_token_key: str | None = None


LOCKING = frozenset({"approle", "ldap", "userpass"})
"""Login methods that know of lockouts; for any other type the server refuses them (OpenBao 2.7.2)."""


class UserLockout(Spec):
    """When failed logins shut an account out, where the login method knows of that."""

    lockout_threshold: Annotated[int | None, Field(ge=0)] = 0
    lockout_duration: Duration = 0
    lockout_counter_reset_duration: Duration = 0
    lockout_disable: bool | None = False


class AuthConfig(Spec):
    """What can be tuned at any time; 0 is the server's own lease time."""

    default_lease_ttl: Duration = 0
    max_lease_ttl: Duration = 0
    listing_visibility: Literal["hidden", "unauth"] | None = "hidden"
    audit_non_hmac_request_keys: Texts = None
    audit_non_hmac_response_keys: Texts = None
    passthrough_request_headers: Texts = None
    allowed_response_headers: Texts = None
    plugin_version: str | None = None
    identity_token_key: str | None = None
    token_type: Annotated[Literal["default-service", "default-batch", "service", "batch"] | None,
                          Impact.ACCESS] = "default-service"  # noqa: S105 - a type, not a token
    user_lockout_config: Annotated[UserLockout | None, Impact.ACCESS] = None


class MountSpec(Mounted):
    """The fields of vault.mount; `kv-v2` is `type: kv` with `options: {version: "2"}`."""

    config: MountConfig | None = None

    @model_validator(mode="before")
    @classmethod
    def _versioned(cls, raw: Any) -> Any:
        """One way to write a versioned kv: the one that the server reads back."""
        if isinstance(raw, dict) and raw.get("type") == "kv-v2":
            given = raw.get("options")
            options = given if isinstance(given, dict) else {}
            if str(options.get("version", "2")) != "2":
                raise ValueError("type kv-v2 is version 2 of kv: leave options.version out")
            return {**raw, "type": "kv", "options": {**options, "version": "2"}}
        return raw


class AuthMethodSpec(Mounted):
    """The fields of vault.auth_method."""

    config: AuthConfig | None = None


class Mount(Mounting[MountSpec]):
    """A secret engine. To disable it destroys all that is in it and revokes what it gave out."""

    name, spec, root = "vault.mount", MountSpec, "/v1/sys/mounts"
    terraform = (("vault_mount", "{path}"), ("vault_database_secrets_mount", "{path}"))
    permissions = Permissions(at("sys/mounts", "read"), (*at("sys/mounts/{path}", "update", "delete"),
                                                         *at("sys/mounts/{path}/tune", "update")))
    built_in = frozenset({"sys", "identity", "cubbyhole", "agent-registry"})

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """All of them; which versions of kv they are is remembered, for those too that are only declared yet."""
        found = tuple(super().list(ask))
        here = {one.id: _engine(one.id, one.fields) for one in found if isinstance(one, Live)}
        for want in ask.wants:
            path = want.get("path") or want.address.name
            here.setdefault(path, _engine(path, want.fields))
        known(self.api).update(here)
        return found

    def get(self, id: str) -> Live | None:
        """One of them."""
        live = super().get(id)
        if live is not None:
            known(self.api)[id] = _engine(id, live.fields)
        return live

    def fate(self, live: Live) -> Fate:
        """It is disabled, and nothing brings back what was in it."""
        return Fate("disable", irreversible=True, why="all that is in it is destroyed, and its leases are revoked")

    def forces(self, live: Live, want: Want[MountSpec], change: Change) -> bool:
        """No kv goes back from version 2 to 1."""
        back = nested({change.path: None}, "options.version") or change.path == "options"
        version = str((live.fields.get("options") or {}).get("version"))
        wanted = str((want.get("options") or {}).get("version"))
        return bool(change.replaces) or (back and version == "2" and wanted != "2")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The versions that kv has."""
        yield from super().check(fields)
        version = (fields.get("options") or {}).get("version")
        if fields.get("type") in KV and str(version) not in ("1", "2", "None") and not has_token(version):
            yield "options.version", "kv has the versions 1 and 2"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What an upgrade of kv means."""
        yield from super().review(action, scene)
        if action.op is Op.UPDATE and any(change.path == "options.version" for change in action.changes):
            yield Note("kv is upgraded in place: it answers nothing for a moment, never goes back, and its secrets are "
                       "at data/… from then on, for policies too", subject="warning", impact=Impact.ACCESS,
                       path="options.version")


class AuthMethod(Mounting[AuthMethodSpec]):
    """A way to log in. What is tuned follows its creation: the server ignores some of it there (OpenBao 2.7.2)."""

    name, spec, root, later = "vault.auth_method", AuthMethodSpec, "/v1/sys/auth", ("config",)
    terraform = (("vault_auth_backend", "{path}"), ("vault_jwt_auth_backend", "{path}"))
    permissions = Permissions(at("sys/auth", "read"), (*at("sys/auth/{path}", "update", "delete", "sudo"),
                                                       *at("sys/auth/{path}/tune", "update", "sudo")))
    built_in = frozenset({"token"})
    create_impact = Impact.ACCESS

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Lockouts, where there are none."""
        yield from super().check(fields)
        kind = fields.get("type")
        if (fields.get("config") or {}).get("user_lockout_config") and kind not in LOCKING and not has_token(kind):
            yield "config.user_lockout_config", f"only {', '.join(sorted(LOCKING))} shut accounts out"

    def fate(self, live: Live) -> Fate:
        """It is disabled: its roles are gone, and everybody who came in through it is out."""
        return Fate("disable", irreversible=True, why="its roles are gone, and every token it gave out is revoked")


def _engine(path: str, fields: Mapping[str, Any]) -> Engine:
    return Engine.of(path, fields.get("type"), fields.get("options"))
