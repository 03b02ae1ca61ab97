"""Database engines in the sandbox: connections that open whatever they are told to, roles, and accounts that are made up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_roles import time
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    refused,
    stamp,
    texts,
    told,
    unsupported,
)

PLUGINS = frozenset({"postgresql", "mysql", "mysql-aurora", "mysql-rds", "mysql-legacy", "cassandra", "influxdb", "valkey",
                     "redis"})
FOLDERS = ("config", "roles", "static-roles", "creds", "static-creds", "rotate-root", "rotate-role", "reset")
HIDDEN = frozenset({"password", "private_key"})
OWN = frozenset({"name", "plugin_name", "plugin_version", "allowed_roles", "password_policy", "verify_connection",
                 "root_rotation_statements"})
STATEMENTS = ("creation_statements", "revocation_statements", "rollback_statements", "renew_statements")
_OPEN = ("Password found in connection_url, use a templated url to enable root rotation and prevent read access to password "
         "information.")
_PASSWORD = re.compile(r"(://[^/@:]*:)(?!\{\{password\}\})[^/@]+@")
_NAME = r"\w(?:[\w.-]*\w)?"


def database(asked: Asked, mount: Body, rest: str) -> Response:
    """`MOUNT/…` of the type database."""
    folder, _, name = rest.strip("/").partition("/")
    held = {part: asked.held(f"database-{part}/{mount['uuid']}") for part in ("config", "roles", "static-roles")}
    if folder not in FOLDERS or (name and not re.fullmatch(_NAME, name)):
        raise joined(404, "unsupported path")
    if not name:
        if folder in held and asked.op == "list":
            return names(asked, held[folder])
        raise unsupported(asked, known=folder in held)
    if folder in ("creds", "static-creds"):
        return _account(asked, held, folder, name)
    if folder.startswith("rotate-") or folder == "reset":
        return _acted(asked, held, folder, name)
    if asked.op == "read":
        if name not in held[folder]:
            raise missing()
        return told(asked, _shown(folder, held[folder][name]))
    if asked.op == "delete":
        held[folder].pop(name, None)
        return done()
    if asked.op != "write":
        raise unsupported(asked)
    write = {"config": _connection, "roles": _role, "static-roles": _static}[folder]
    return write(asked, held, name)


def _shown(folder: str, body: Mapping[str, Any]) -> Body:
    if folder != "config":
        empty = not body.get("credential_config")
        return {name: value for name, value in body.items() if not (name == "credential_config" and empty)}
    details = {name: value for name, value in body["details"].items() if name not in HIDDEN}
    if "connection_url" in details:
        details["connection_url"] = _PASSWORD.sub(r"\1xxxxx@", str(details["connection_url"]))
    return {"allowed_roles": body["allowed_roles"], "connection_details": details,
            "password_policy": body["password_policy"], "plugin_name": body["plugin_name"],
            "plugin_version": body["plugin_version"], "root_credentials_rotate_statements": body["statements"]}


def _connection(asked: Asked, held: dict[str, dict[str, Body]], name: str) -> Response:
    body = asked.body
    new = {"plugin_name": "", "plugin_version": "", "allowed_roles": [], "password_policy": "", "statements": [],
           "details": {}, **held["config"].get(name, {})}
    new |= {field: str(body[field]) for field in ("plugin_name", "plugin_version", "password_policy") if body.get(
        field) is not None}
    if body.get("allowed_roles") is not None:
        new["allowed_roles"] = texts(body["allowed_roles"])
    if body.get("root_rotation_statements") is not None:
        new["statements"] = _statements(body["root_rotation_statements"])
    if not new["plugin_name"]:
        raise refused(400, "empty plugin name")
    plugin, version = new["plugin_name"], new["plugin_version"]
    if plugin.removesuffix("-database-plugin") not in PLUGINS or version:
        words = f"\t* plugin not found in the catalog: {plugin}" + (f", version={version}.0.0" if version else "")
        both = f"2 errors occurred:\n{words}\n{words}\n\n"
        raise refused(400, f"error creating database object: invalid database version: {both}")
    new["details"] = {**new["details"], **{key: value for key, value in body.items() if key not in OWN}}
    url = str(new["details"].get("connection_url") or "")
    if plugin.startswith(("postgres", "mysql")) and not url:
        raise refused(400, "error creating database object: connection_url cannot be empty")
    held["config"][name] = new
    return told(asked, warnings=[_OPEN, _strange(body)]) if _PASSWORD.search(url) else done()


def _strange(body: Mapping[str, Any]) -> str:
    return f"Endpoint ignored these unrecognized parameters: [{' '.join(sorted(set(body) - OWN))}]"


def _statements(value: Any) -> list[str]:
    return [str(one).strip() for one in ([value] if isinstance(value, str) else value or ())]


def _credentials(body: Mapping[str, Any], before: Mapping[str, Any]) -> Body:
    """The type of a role's credentials and how they are made; only a config that says something takes another's place."""
    kind = str(body.get("credential_type") or before.get("credential_type") or "password")
    if kind not in ("password", "rsa_private_key", "client_certificate"):
        raise refused(400, f'invalid credential_type "{kind}"')
    config: Body = dict(before.get("credential_config") or {})
    given = body.get("credential_config") or {}
    if kind == "password" and given.get("password_policy"):
        config = {"password_policy": str(given["password_policy"])}
    if kind == "rsa_private_key":
        bits = int(given.get("key_bits") or 2048)
        if bits not in (2048, 3072, 4096):
            raise refused(400, f"credential_config validation failed: invalid key_bits: {bits}")
        config = {"format": str(given.get("format") or "pkcs8"), "key_bits": bits}
    return {"credential_type": kind, "credential_config": config}


def _role(asked: Asked, held: dict[str, dict[str, Body]], name: str) -> Response:
    body, before = asked.body, held["roles"].get(name, {})
    if name in held["static-roles"]:
        raise refused(400, "Role and Static Role names must be unique")
    database = str(body["db_name"]) if body.get("db_name") is not None else before.get("db_name", "")
    if not database:
        raise refused(400, "database name is required")
    new = {**before, "db_name": database, **_credentials(body, before)}
    for field in ("default_ttl", "max_ttl"):
        new[field] = time(body, field) if body.get(field) is not None else before.get(field, 0)
    for field in STATEMENTS:
        new[field] = _statements(body[field]) if body.get(field) is not None else before.get(field, [])
    held["roles"][name] = new
    return done()


def _static(asked: Asked, held: dict[str, dict[str, Body]], name: str) -> Response:
    body, before = asked.body, held["static-roles"].get(name)
    if name in held["roles"]:
        raise refused(400, "Role and Static Role names must be unique")
    old: Body = before or {"rotation_period": 0, "rotation_statements": [], "last_vault_rotation": stamp(asked.now)}
    if not body.get("username"):
        raise refused(400, "username is a required field to create a static account" if before is None else
                      "cannot update static account username")
    if not body.get("db_name"):
        raise refused(400, "database name is a required field")
    if before is not None and body["username"] != before["username"]:
        raise refused(400, "cannot update static account username")
    new = {**old, "db_name": str(body["db_name"]), "username": str(body["username"]), **_credentials(body, old)}
    if body.get("rotation_period") is not None:
        new["rotation_period"] = time(body, "rotation_period")
        if new["rotation_period"] < 5:
            raise refused(400, "rotation_period must be 5 seconds or more")
    elif before is None:
        raise refused(400, "rotation_period is required to create static accounts")
    if body.get("rotation_statements") is not None:
        new["rotation_statements"] = _statements(body["rotation_statements"])
    if before is None:
        _allowed(held["config"], new["db_name"], name)
    held["static-roles"][name] = new
    return done()


def _allowed(connections: Mapping[str, Body], database: str, name: str) -> None:
    found = connections.get(database)
    if found is None:
        raise joined(500, f'failed to find entry for connection with name: "{database}"')
    if name not in found["allowed_roles"] and "*" not in found["allowed_roles"]:
        raise joined(500, f'"{name}" is not an allowed role')


def _account(asked: Asked, held: dict[str, dict[str, Body]], folder: str, name: str) -> Response:
    """What somebody reads who needs an account."""
    if asked.op != "read":
        raise unsupported(asked)
    if folder == "creds":
        role = held["roles"].get(name)
        if role is None:
            raise refused(400, f"unknown role: {name}")
        _allowed(held["config"], role["db_name"], name)
        data: Body = {"username": f"v-{name}-{asked.box.number('account')[-8:]}", "password": asked.box.number("password")}
        return told(asked, data, lease=role["default_ttl"] or 3600)
    role = held["static-roles"].get(name)
    if role is None:
        raise refused(400, f"unknown role: {name}")
    return told(asked, {"username": role["username"], "password": asked.box.number("password"), "ttl": role["rotation_period"],
                        "last_vault_rotation": role["last_vault_rotation"], "rotation_period": role["rotation_period"]})


def _acted(asked: Asked, held: dict[str, dict[str, Body]], folder: str, name: str) -> Response:
    """A root password that only the server knows from now on; a static role's next password."""
    if asked.op != "write":
        raise unsupported(asked)
    found = held["static-roles" if folder == "rotate-role" else "config"].get(name)
    if found is None:
        raise joined(500, f'failed to find entry for connection with name: "{name}"') if folder != "rotate-role" else refused(
            400, "no static role found for role name")
    if folder == "rotate-role":
        found["last_vault_rotation"] = stamp(asked.now)
    return done()
