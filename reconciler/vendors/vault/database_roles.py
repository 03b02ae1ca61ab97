"""vault.database_role and vault.database_static_role: accounts that the server makes, and those whose password it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Permissions, Scene, Spec
from reconciler.contract.kind import S
from reconciler.model import Action, Call, Change, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.vault.database import TYPES, Statements, trimmed
from reconciler.vendors.vault.inside import Inside, changed
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.roles import plain_name
from reconciler.vendors.vault.terms import Duration, Path, Text, bare, duration

LEAST = 5
"""Seconds between two rotations, at least."""

PASSWORD = "password"  # noqa: S105 - a sort of credential, not one
CREDENTIAL = frozenset({"credential_type", "credential_config"})

CredentialType = Literal["password", "rsa_private_key", "client_certificate"]


class CredentialConfig(Spec):
    """How a credential is made; which of these count depends on its type."""

    password_policy: Annotated[str | None, Link("vault.password_policy", "name")] = None
    key_bits: Text = "2048"
    format: Text = "pkcs8"
    common_name_template: Text = None
    ca_cert: Text = None
    ca_private_key: Annotated[Text, Mark.SECRET] = None
    key_type: Text = None
    signature_bits: Text = None


class DatabaseRoleSpec(Spec):
    """The fields of vault.database_role; a time of 0 is the mount's."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(plain_name)] = None
    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    db_name: Annotated[str, Link("vault.database_connection", "name"), Impact.ACCESS]
    creation_statements: Annotated[Statements, Impact.ACCESS] = None
    revocation_statements: Annotated[Statements, Impact.ACCESS] = None
    rollback_statements: Statements = None
    renew_statements: Statements = None
    default_ttl: Duration = 0
    max_ttl: Duration = 0
    credential_type: CredentialType | None = "password"
    credential_config: CredentialConfig | None = None


class StaticRoleSpec(Spec):
    """The fields of vault.database_static_role; rotation_schedule and rotation_window are Vault's, not OpenBao's."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(plain_name)] = None
    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    db_name: Annotated[str, Link("vault.database_connection", "name"), Impact.ACCESS]
    username: Annotated[str, Field(min_length=1), Mark.IMMUTABLE]
    rotation_period: Duration = None
    rotation_schedule: str | None = None
    rotation_window: Duration = None
    rotation_statements: Annotated[Statements, Impact.ACCESS] = None
    credential_type: CredentialType | None = "password"
    credential_config: CredentialConfig | None = None


class Account(Inside[S]):
    """What both sorts of role share.

    A write that does not say how keys are made takes them back to the usual size (OpenBao 2.7.2), so every one says it.
    """

    types, create_impact = TYPES, Impact.ACCESS

    def body(self, fields: Mapping[str, Any]) -> Fields:
        """What is sent, statements as the server keeps them; how a credential is made without what is not set."""
        body = super().body(fields)
        for name, value in body.items():
            if self.shape.child(name).normal is trimmed:
                body[name] = trimmed(value)
        if "credential_config" in body:
            body["credential_config"] = {k: v for k, v in body["credential_config"].items() if v is not None}
        return body

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The name, also where it is the manifest's own."""
        try:
            plain_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)

    def told(self, body: Mapping[str, Any]) -> Fields:
        """What is told of a role; how a credential is made without the server's own defaults."""
        fields, shape = super().told(body), self.shape.child("credential_config")
        config = fields.get("credential_config")
        if config is not None:
            fields["credential_config"] = {name: value for name, value in config.items()
                                           if str(value) != shape.child(name).default}
        return fields

    def given(self, live: Live, want: Want[S], changes: Changes) -> Fields:
        """What changed, and how a credential is made: keys are made as usual after a write that does not say how."""
        fields = {name: want.get(name) for name in changed(changes)}
        kind = {"credential_type": live.fields.get("credential_type"), **fields}["credential_type"] or PASSWORD
        if kind != PASSWORD or CREDENTIAL & fields.keys():
            wanted = want.get("credential_config", {})
            config = {} if wanted is None else {**(live.fields.get("credential_config") or {}), **wanted}
            fields |= {"credential_type": kind, "credential_config": config}
        return fields

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One POST with what changed."""
        yield Call("POST", self.item(live.id), self.body(self.given(live, want, changes)), safe=True)

    def forces(self, live: Live, want: Want[S], change: Change) -> bool:
        """A password policy can be changed and not cleared: the server keeps what a write leaves out."""
        cleared = change.path in ("credential_config", "credential_config.password_policy") and not change.after
        return bool(change.replaces) or (cleared and bool((live.fields.get("credential_config") or {}).get("password_policy")))


class DatabaseRole(Account[DatabaseRoleSpec]):
    """A role whose every reader gets an account of his own, for a while."""

    name, spec, folder = "vault.database_role", DatabaseRoleSpec, "roles"
    terraform = (("vault_database_secret_backend_role", "{backend}/roles/{name}"),)
    permissions = Permissions(at("{mount}/roles/{name}", "read"), at("{mount}/roles/{name}", "create", "update", "delete"))

    def fate(self, live: Live) -> Fate:
        """It is deleted; accounts that are out stay until their time ends."""
        return Fate("delete", why="nobody gets an account any more; those that are out stay until they end")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Times that contradict."""
        yield from super().check(fields)
        least, most = duration(fields.get("default_ttl")), duration(fields.get("max_ttl"))
        if isinstance(least, int) and isinstance(most, int) and least > most > 0:
            yield "default_ttl", "is longer than max_ttl"


class StaticRole(Account[StaticRoleSpec]):
    """A role for one account that is there already, whose password the server keeps and changes.

    To make it changes that password at once. An update must name the account and its database again, or it is refused
    (OpenBao 2.7.2), and changes no password; the account itself never changes.
    """

    name, spec, folder = "vault.database_static_role", StaticRoleSpec, "static-roles"
    terraform = (("vault_database_secret_backend_static_role", "{backend}/static-roles/{name}"),)
    permissions = Permissions(at("{mount}/static-roles/{name}", "read"),
                              at("{mount}/static-roles/{name}", "create", "update", "delete"))

    def update(self, live: Live, want: Want[StaticRoleSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed, and with what the server wants to be told each time."""
        always = {name: want.get(name) or live.fields.get(name) for name in ("db_name", "username")}
        fields = {**always, **self.given(live, want, changes)}
        yield Call("POST", self.item(live.id), self.body(fields), safe=True)

    def create(self, want: Want[StaticRoleSpec]) -> Call:
        """One POST, which is not sent twice: each would change the password."""
        call = super().create(want)
        return Call(call.method, call.path, call.body)

    def fate(self, live: Live) -> Fate:
        """It is deleted; the account stays."""
        return Fate("delete", why="the account stays, with its last password, which nobody can read any more")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """When the password changes: one way of saying it."""
        yield from super().check(fields)
        period = duration(fields.get("rotation_period"))
        if isinstance(period, (int, float)) and period < LEAST:
            yield "rotation_period", f"is at least {LEAST} seconds"
        if fields.get("rotation_period") and fields.get("rotation_schedule"):
            yield "rotation_schedule", "stands in place of rotation_period, not beside it"
        if not fields.get("rotation_period") and not fields.get("rotation_schedule"):
            yield "rotation_period", "is needed: how often the password changes"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """That whoever uses the account now is shut out."""
        yield from super().review(action, scene)
        if action.op in (Op.CREATE, Op.REPLACE) and action.want is not None:
            yield Note(f"the password of {action.want.get('username')} changes at once: whoever uses the old one is shut out",
                       subject="warning", impact=Impact.ACCESS)
        if any(change.path == "username" for change in action.changes) and action.op is Op.REPLACE:
            yield Note("the server refuses another username: name the new account in an entry of its own", refuse=True,
                       path="username")
