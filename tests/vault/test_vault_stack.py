"""This repository's own stack, applied by the real command to a real OpenBao, with VAULT_ADDR and a token alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.project import ROOT as REPOSITORY
from tests.cli.project import Project
from tests.vault.conftest import ROOT
from tests.vault.desk import Place

VAULT = ("--vendor", "vault")
IRREVERSIBLE = [f"irreversible:vault.{address}" for address in (
    "mount/kv", "mount/transit", "mount/database", "auth_method/approle", "transit_key/connections")]


@pytest.fixture
def stack(tmp_path: Path, server: str) -> Iterator[Project]:
    """A copy of the root project on a server that holds nothing; what it made is taken down at the end."""
    shutil.copy(REPOSITORY / "reconciler.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "manifests", tmp_path / "manifests")
    project = Project(tmp_path)
    project.environ = {"VAULT_ADDR": server, "VAULT_TOKEN": ROOT, "DATABASE_PASSWORD": "of-the-tests"}
    yield project
    place = Place(server, ROOT)
    for path in ("sys/mounts/kv", "sys/mounts/transit", "sys/mounts/database", "sys/auth/approle",
                 "sys/policies/acl/sql2ai-api", "sys/policies/acl/sql2ai-worker",
                 "sys/policies/password/database"):
        place.ask("DELETE", path)


def edited(project: Project, old: str, new: str) -> None:
    """One place of the manifest, changed."""
    path = project.dir / "manifests" / "access.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_an_address_and_a_token_bring_a_server_to_the_example_stack(stack: Project, server: str) -> None:
    """Everything is there as the manifests say, and the second plan exits 0."""
    done = stack.run("plan", *VAULT, "--detailed-exitcode")
    assert done.code == 2 and "14 to create, 0 to update" in done.out, done
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "access")
    place = Place(server, ROOT)
    mounts = place.ask("GET", "sys/mounts")
    assert [(mounts[p]["type"], mounts[p]["options"]) for p in ("kv/", "transit/", "database/")] == [
        ("kv", {"version": "2"}), ("transit", {}), ("database", {})]
    assert mounts["database/"]["config"]["max_lease_ttl"] == 86400
    assert place.ask("GET", "kv/config")["max_versions"] == 20
    assert place.ask("GET", "transit/keys/connections")["auto_rotate_period"] == 30 * 24 * 3600
    connection = place.ask("GET", "database/config/sql2ai")
    assert (connection["allowed_roles"], connection["password_policy"]) == (["sql2ai-api", "sql2ai-worker"], "database")
    assert place.ask("GET", "database/roles/sql2ai-api")["max_ttl"] == 86400
    role = place.ask("GET", "auth/approle/role/sql2ai-api")
    assert (role["token_policies"], role["token_ttl"], role["secret_id_num_uses"]) == (["sql2ai-api"], 1200, 10)
    done = stack.run("plan", *VAULT, "--detailed-exitcode")
    assert done.code == 0 and "No changes." in done.out, done


def test_the_policies_count_for_whoever_logs_in_with_the_role(stack: Project, server: str) -> None:
    """The API service reads its own secrets and encrypts; it does not write them, and sees nobody else's."""
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "access")
    place = Place(server, ROOT)
    place.ask("POST", "kv/data/api/stripe", {"data": {"key": "s3cr3t"}})
    place.ask("POST", "kv/data/worker/queue", {"data": {"key": "other"}})
    token = entered(place, "sql2ai-api")

    def may(method: str, path: str, body: Any = None) -> int:
        with httpx.Client(base_url=server, headers={"X-Vault-Token": token}) as client:
            return client.request(method, f"/v1/{path}", json=body).status_code

    assert place.ask("GET", "kv/data/api/stripe", token=token)["data"] == {"key": "s3cr3t"}
    sealed = place.ask("POST", "transit/encrypt/connections", {"plaintext": "aGk="}, token=token)["ciphertext"]
    assert place.ask("POST", "transit/decrypt/connections", {"ciphertext": sealed}, token=token)["plaintext"] == "aGk="
    assert may("POST", "kv/data/api/stripe", {"data": {}}) == may("GET", "kv/data/worker/queue") == 403
    assert may("GET", "sys/mounts") == may("DELETE", "transit/keys/connections") == may("GET", "sys/policies/acl/x") == 403
    worker = entered(place, "sql2ai-worker")
    assert place.ask("GET", "kv/data/worker/queue", token=worker)["data"] == {"key": "other"}
    token = worker
    assert may("GET", "kv/data/api/stripe") == may("POST", "transit/decrypt/connections", {"ciphertext": sealed}) == 403


def entered(place: Place, role: str) -> str:
    """The token of a login, as a service makes it."""
    role_id = place.ask("GET", f"auth/approle/role/{role}/role-id")["role_id"]
    secret_id = place.ask("POST", f"auth/approle/role/{role}/secret-id", {})["secret_id"]
    found = place.ask("POST", "auth/approle/login", {"role_id": role_id, "secret_id": secret_id})
    return str(found["client_token"])


def test_a_change_by_hand_is_planned_back_and_a_removed_entry_is_deleted(stack: Project, server: str) -> None:
    """Drift, then a deletion; a mount goes only with consent by address."""
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "access")
    place = Place(server, ROOT)
    place.ask("POST", "auth/approle/role/sql2ai-worker", {"token_policies": ["sql2ai-worker", "sql2ai-api"]})
    place.ask("POST", "kv/config", {"max_versions": 3})
    done = stack.run("plan", *VAULT, "--detailed-exitcode")
    assert done.code == 2 and "2 drifted" in done.out, done
    assert "(changed outside)" in done.out
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "drift,access")
    assert place.ask("GET", "auth/approle/role/sql2ai-worker")["token_policies"] == ["sql2ai-worker"]
    assert stack.run("plan", *VAULT, "--detailed-exitcode").code == 0
    edited(stack, "  sql2ai-worker:\n    token_policies: [{ref: sql2ai-worker}]\n", "")
    assert stack.ops(*VAULT) == {"approle_role/sql2ai-worker": "delete"}
    assert stack.run("apply", *VAULT, "--auto-approve").code == 4
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "delete,access")
    assert place.ask("GET", "auth/approle/role/sql2ai-worker") is None
    spare = stack.dir / "manifests" / "spare.yaml"
    spare.write_text("vault.mount:\n  spare: {type: transit}\n", "utf-8")
    stack.ok("apply", *VAULT, "--auto-approve")
    spare.unlink()
    done = stack.run("apply", *VAULT, "--auto-approve", "--allow", "delete")
    assert done.code == 4 and "irreversible:vault.mount/spare" in done.said, done
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "irreversible:vault.mount/spare")
    assert "spare/" not in place.ask("GET", "sys/mounts")
    assert stack.run("plan", *VAULT, "--detailed-exitcode").code == 0


def test_destroy_takes_it_all_down(stack: Project, server: str) -> None:
    """What is irreversible by address, the rest by consent; nothing of ours is left, and nothing else is touched."""
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "access")
    place = Place(server, ROOT)
    before = {path for path in place.ask("GET", "sys/mounts") if path not in ("kv/", "transit/", "database/")}
    allowed = [word for address in IRREVERSIBLE for word in ("--allow", address)]
    stack.ok("destroy", *VAULT, "--auto-approve", "--allow", "delete,access", *allowed)
    assert set(place.ask("GET", "sys/mounts")) == before
    assert set(place.ask("LIST", "sys/policies/acl")["keys"]) == {"default", "root"}


def test_a_token_file_is_neither_read_nor_written(stack: Project) -> None:
    """Whoever has no VAULT_TOKEN is told so; a token in the home folder is somebody's own, and stays as it is."""
    file = stack.dir / ".vault-token"
    file.write_text(ROOT, "utf-8")
    stack.environ.pop("VAULT_TOKEN")
    done = stack.run("plan", *VAULT)
    assert done.code == 3 and "VAULT_TOKEN" in done.err, done
    assert file.read_text("utf-8") == ROOT
    file.unlink()
    stack.environ["VAULT_TOKEN"] = ROOT
    stack.ok("apply", *VAULT, "--auto-approve", "--allow", "access")
    assert not file.exists()
    assert not [path for path in stack.dir.rglob("*") if path.is_file() and ROOT.encode() in path.read_bytes()]
