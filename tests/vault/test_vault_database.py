"""Databases, with a real PostgreSQL behind a real OpenBao: the accounts that are given out open it."""

from __future__ import annotations

from typing import Any

from tests.postgres import ROOT_PASSWORD, Database
from tests.vault.desk import Desk, Place

LOGIN = """
CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';
"""


def stack(database: Database, **more: Any) -> dict[str, Any]:
    """A connection as `boss`, who has to log in."""
    connection = {"mount": {"ref": "database"}, "plugin_name": "postgresql-database-plugin", "connection_url": database.url,
                  "username": "boss", "password": {"secret": "pw"}, "allowed_roles": ["reader", "app", "worker"], **more}
    return {"mount": {"database": {"type": "database", "config": {"default_lease_ttl": "1h", "max_lease_ttl": "24h"}}},
            "database_connection": {"app": connection}}


def reader(**more: Any) -> dict[str, Any]:
    return {"database_role": {"reader": {"mount": {"ref": "database"}, "db_name": {"ref": "app"}, "default_ttl": "1h",
                                         "creation_statements": [LOGIN], **more}}}


def static(**more: Any) -> dict[str, Any]:
    return {"database_static_role": {"app": {"mount": {"ref": "database"}, "db_name": {"ref": "app"}, "username": "app",
                                             "rotation_period": "24h", **more}}}


def desk_of(place: Place) -> Desk:
    desk = Desk(place)
    desk.secrets = {"pw": ROOT_PASSWORD, "wrong": "not-the-password"}
    return desk


def test_an_account_that_is_given_out_opens_the_database(bao: Place, database: Database) -> None:
    """Digest, scenario 12: the statement's last line end is no difference; what it makes can log in until it is revoked."""
    desk = desk_of(bao)
    wrote = desk.settle({**stack(database), **reader()})
    assert wrote == ["POST sys/mounts/database", "POST database/config/app", "POST database/roles/reader"]
    account = bao.ask("GET", "database/creds/reader")
    assert database.enter(account["username"], account["password"], "SELECT current_user") == account["username"]
    assert desk.settle({**stack(database), **reader(default_ttl="2h")}) == ["POST database/roles/reader"]
    bao.ask("POST", "sys/leases/revoke-prefix/database/creds/reader")
    assert database.enter(account["username"], account["password"]) is None


def test_a_password_is_never_shown_nor_written_again_after_the_server_rotated_it(bao: Place, database: Database) -> None:
    """Digest, scenario 11: plans hold no password; after rotate-root nothing is written, and other changes leave it alone."""
    database.ask(f"ALTER ROLE boss PASSWORD '{ROOT_PASSWORD}'")
    desk = desk_of(bao)
    whole = {**stack(database), **reader()}
    made = desk.plan(whole)
    assert ROOT_PASSWORD not in repr(made)
    desk.settle(whole)
    bao.ask("POST", "database/rotate-root/app")
    assert database.enter("boss", ROOT_PASSWORD) is None
    assert desk.plan(whole).empty
    wider = {**stack(database, max_open_connections=3), **reader()}
    before = len(desk.recorder.seen)
    assert desk.settle(wider) == ["POST database/config/app"]
    sent = b"".join(body for method, _, body, _ in desk.recorder.seen[before:] if method == "POST")
    assert b"password" not in sent and b"max_open_connections" in sent
    account = bao.ask("GET", "database/creds/reader")
    assert database.enter(account["username"], account["password"]) == "1"
    database.ask(f"ALTER ROLE boss PASSWORD '{ROOT_PASSWORD}'")


def test_a_password_that_opens_nothing_is_refused_and_the_old_one_stays(bao: Place, database: Database) -> None:
    """The server tries a new password before it keeps it, so that a void one in the manifest breaks nothing."""
    database.ask(f"ALTER ROLE boss PASSWORD '{ROOT_PASSWORD}'")
    desk = desk_of(bao)
    desk.settle({**stack(database), **reader()})
    made = desk.plan({**stack(database, password={"secret": "wrong"}), **reader()})
    notes = [note.text for note in desk.action(made, "database_connection/app").notes]
    assert "a password that the server rotated is replaced by this one, if it opens the database" in notes
    outcomes = [one for one in desk.run(made).outcomes if one.error]
    assert len(outcomes) == 1 and "error verifying connection" in str(outcomes[0].error)
    assert "not-the-password" not in repr(outcomes)
    account = bao.ask("GET", "database/creds/reader")
    assert database.enter(account["username"], account["password"]) == "1"


def test_a_static_role_changes_the_password_when_it_is_made_and_not_when_it_is_changed(bao: Place, database: Database) -> None:
    """Who used the old password is shut out at once, and the plan says so; an update names account and database again."""
    database.ask(f"ALTER ROLE boss PASSWORD '{ROOT_PASSWORD}'; ALTER ROLE app PASSWORD 'old'")
    desk = desk_of(bao)
    desk.settle(stack(database))
    made = desk.plan({**stack(database), **static()})
    notes = [note.text for note in desk.action(made, "database_static_role/app").notes]
    assert "the password of app changes at once: whoever uses the old one is shut out" in notes
    assert database.enter("app", "old") == "1"
    desk.settle({**stack(database), **static()})
    assert database.enter("app", "old") is None
    first = bao.ask("GET", "database/static-creds/app")["password"]
    assert database.enter("app", first) == "1"
    assert desk.settle({**stack(database), **static(rotation_period="48h")}) == ["POST database/static-roles/app"]
    assert bao.ask("GET", "database/static-creds/app")["password"] == first
    other = desk.plan({**stack(database), **static(username="worker")})
    assert "refuses another username" in desk.blocked(other)["database_static_role/app"]
    assert desk.settle(stack(database)) == ["DELETE database/static-roles/app"]
    assert database.enter("app", first) == "1"


def test_a_role_that_makes_keys_keeps_their_size_through_other_changes(bao: Place, database: Database) -> None:
    """A write that says nothing of it would take it back to the usual size (OpenBao 2.7.2)."""
    desk = desk_of(bao)
    keys = {"credential_type": "rsa_private_key", "credential_config": {"key_bits": 4096}}
    database.ask(f"ALTER ROLE boss PASSWORD '{ROOT_PASSWORD}'")
    desk.settle({**stack(database), **reader(**keys)})
    desk.settle({**stack(database), **reader(**keys, default_ttl="2h")})
    assert bao.ask("GET", "database/roles/reader")["credential_config"]["key_bits"] == 4096
    desk.settle({**stack(database), **reader(default_ttl="3h")})
    assert bao.ask("GET", "database/roles/reader")["credential_config"]["key_bits"] == 4096
