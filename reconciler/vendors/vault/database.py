"""vault.database_connection: how the server gets into a database, as whom, and for which roles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from reconciler.contract import Canonical, Link, Mark, Permissions, Scene, Spec
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want, has_token
from reconciler.vendors.vault.inside import Inside, changed
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.roles import plain_name
from reconciler.vendors.vault.terms import Duration, Path, Text, Texts, bare

TYPES = frozenset({"database"})
_PASSWORD = re.compile(r"://[^/@:]*:(?!\{\{password\}\})[^/@]+@")


def trimmed(value: Any) -> Any:
    """Statements without the blanks and line ends around them, which the server takes off."""
    return [item.strip() if isinstance(item, str) else item for item in value or ()] if isinstance(value, list) else value


Statements = Annotated[list[str] | None, Canonical(trimmed)]
"""Statements in their order; a heredoc's last line end does not count."""


def _templated(value: str | None) -> str | None:
    if value is not None and not has_token(value) and _PASSWORD.search(value):
        raise ValueError("holds a password: write {{username}}:{{password}} in the url, and both as fields")
    return value


class DatabaseConnectionSpec(Spec):
    """The fields of vault.database_connection; those from connection_url on are the plugin's, and each plugin has its own."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(plain_name)] = None
    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    plugin_name: Annotated[str, Field(min_length=1), Mark.IMMUTABLE]
    plugin_version: str | None = ""
    verify_connection: Annotated[bool | None, Mark.CREATE_ONLY] = True
    allowed_roles: Annotated[Texts, Impact.ACCESS] = None
    password_policy: Annotated[str | None, Link("vault.password_policy", "name")] = ""
    root_rotation_statements: Statements = None
    connection_url: Annotated[str | None, AfterValidator(_templated), Impact.ACCESS] = None
    username: Annotated[str | None, Impact.ACCESS] = ""
    password: Annotated[str | None, Mark.SECRET, Mark.WRITE_ONLY, Impact.ACCESS] = None
    username_template: str | None = ""
    disable_escaping: bool | None = None
    max_open_connections: int | None = None
    max_idle_connections: int | None = None
    max_connection_lifetime: Duration = None
    password_authentication: str | None = "password"  # noqa: S105 - a way to log in, not a password
    auth_type: str | None = ""
    service_account_json: Annotated[str | None, Mark.SECRET, Mark.WRITE_ONLY] = None
    tls_ca: str | None = ""
    tls_certificate: str | None = ""
    private_key: Annotated[str | None, Mark.SECRET, Mark.WRITE_ONLY] = None
    tls_certificate_key: Annotated[str | None, Mark.SECRET] = ""
    tls_server_name: str | None = ""
    tls_skip_verify: bool | None = None
    hosts: str | None = ""
    host: str | None = ""
    port: int | None = None
    tls: bool | None = None
    insecure_tls: bool | None = None
    ca_cert: str | None = ""
    pem_bundle: Annotated[str | None, Mark.SECRET] = ""
    pem_json: Annotated[str | None, Mark.SECRET] = ""
    protocol_version: int | None = None
    connect_timeout: Duration = None
    socket_keep_alive: Duration = None
    skip_verification: bool | None = None
    consistency: str | None = ""
    local_datacenter: str | None = ""
    persistence_mode: str | None = ""
    contained_db: bool | None = None
    write_concern: str | None = ""
    url: Text = ""


OWN = ("plugin_name", "plugin_version", "allowed_roles", "password_policy")
"""What the answer shows beside `connection_details`."""


class DatabaseConnection(Inside[DatabaseConnectionSpec]):
    """A connection. Its options are written flat and read back below `connection_details`, without the password.

    The password is compared with what was written last, and is never sent along with another change: once the server
    has rotated it (`rotate-root`), the manifest's is void. One that changes in the manifest is sent, and tried by the
    server before it is kept, unless `verify_connection` is off.
    """

    name, spec, types, folder = "vault.database_connection", DatabaseConnectionSpec, TYPES, "config"
    terraform = (("vault_database_secret_backend_connection", "{backend}/config/{name}"),)
    permissions = Permissions(at("{mount}/config/{name}", "read"), at("{mount}/config/{name}", "create", "update", "delete"))
    create_impact = Impact.ACCESS

    def told(self, body: Mapping[str, Any]) -> Fields:
        """The settings and the plugin's options on one level; an option that is null there is not set."""
        details = body.get("connection_details") or {}
        fields = super().told({**details, **{name: body[name] for name in OWN if name in body}})
        if "root_credentials_rotate_statements" in body:
            fields["root_rotation_statements"] = body["root_credentials_rotate_statements"]
        return fields

    def update(self, live: Live, want: Want[DatabaseConnectionSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; whether the server tries it is said each time."""
        fields = {name: want.get(name) for name in (*changed(changes), *(["verify_connection"] if want.get(
            "verify_connection") is not None else []))}
        yield Call("POST", self.item(live.id), self.body(fields), safe=True)

    def body(self, fields: Mapping[str, Any]) -> Fields:
        """What is sent, statements as the server keeps them; an option is cleared by its null, a password by none."""
        body = super().body(fields)
        for name in [one for one, value in fields.items() if value is None and one in body]:
            shape = self.shape.child(name)
            if Mark.WRITE_ONLY in shape.marks:
                del body[name]
            elif shape.default is None and shape.kind != "list":
                body[name] = None
        if "root_rotation_statements" in body:
            body["root_rotation_statements"] = trimmed(body["root_rotation_statements"])
        return body

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is deleted, and with it the way to end what it gave out."""
        return Fate("delete", why="its roles give nothing any more, and the server can't take back what is out")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The name, also where it is the manifest's own."""
        try:
            plain_name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What a new password means where the server has made one of its own."""
        yield from super().review(action, scene)
        if action.op is not Op.UPDATE or not any(change.path == "password" for change in action.changes):
            return
        tried = action.want is None or action.want.get("verify_connection") is not False
        yield Note("a password that the server rotated is replaced by this one" + (
            ", if it opens the database" if tried else ", which nobody tries: verify_connection is off"), path="password",
            subject="warning", impact=Impact.ACCESS)
