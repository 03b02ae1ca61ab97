"""The usual client, hvac, as a second opinion: it finds what was written here, and logs in where we log in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.sandbox.serve import Server
from reconciler.secret import Secret
from reconciler.vendors.vault import VENDOR
from reconciler.vendors.vault.sandbox import VaultSandbox
from tests.vault.desk import Desk, Place

hvac = pytest.importorskip("hvac", reason="hvac is not installed")


@pytest.fixture
def client(bao: Place) -> Iterator[Any]:
    """hvac on the same namespace."""
    made = hvac.Client(url=bao.url, token=bao.token, namespace=bao.namespace)
    yield made
    made.adapter.close()


def test_hvac_finds_what_was_written(bao: Place, client: Any) -> None:
    """Mount, settings, secret, login method, role and policy."""
    desk = Desk(bao)
    desk.settle({
        "mount": {"kv": {"type": "kv-v2", "description": "app", "config": {"default_lease_ttl": "1h"}}},
        "kv_config": {"kv": {"mount": {"ref": "kv"}, "max_versions": 3}},
        "kv_secret": {"app": {"mount": {"ref": "kv"}, "path": "a/b", "data": {"k": {"secret": "pw"}}}},
        "auth_method": {"approle": {"type": "approle"}},
        "policy": {"web": {"rules": [{"path": "kv/data/a/b", "capabilities": ["read"]}]}},
        "approle_role": {"web": {"mount": {"ref": "approle"}, "token_policies": [{"ref": "web"}], "token_ttl": "20m"}}})
    mount = client.sys.list_mounted_secrets_engines()["data"]["kv/"]
    assert mount["options"] == {"version": "2"} and mount["config"]["default_lease_ttl"] == 3600
    assert client.secrets.kv.v2.read_configuration(mount_point="kv")["data"]["max_versions"] == 3
    kept = client.secrets.kv.v2.read_secret_version(path="a/b", mount_point="kv", raise_on_deleted_version=True)["data"]
    assert kept["data"] == {"k": "hunter2"} and kept["metadata"]["version"] == 1
    assert client.auth.approle.read_role("web")["data"]["token_ttl"] == 1200
    assert "kv/data/a/b" in client.sys.read_acl_policy("web")["data"]["policy"]


def test_hvac_takes_the_sandbox_for_a_server() -> None:
    """On its port: health, mount, secret, policy, role and a login, with the vendor's usual client."""
    with Server({"vault": VaultSandbox(VENDOR.kinds)}) as served:
        client = hvac.Client(url=served.url("vault"), token="root")
        assert client.is_authenticated() and client.sys.read_health_status().status_code == 200
        client.sys.enable_secrets_engine("kv", path="kv", options={"version": "2"})
        client.secrets.kv.v2.create_or_update_secret("a/b", {"k": "v"}, cas=0, mount_point="kv")
        kept = client.secrets.kv.v2.read_secret_version("a/b", mount_point="kv", raise_on_deleted_version=True)["data"]
        assert (kept["data"], client.secrets.kv.v2.list_secrets("", mount_point="kv")["data"]["keys"]) == ({"k": "v"}, ["a/"])
        client.sys.create_or_update_policy("web", 'path "kv/data/*" { capabilities = ["read"] }')
        assert client.sys.list_policies()["data"]["keys"] == ["default", "root", "web"]
        client.sys.enable_auth_method("approle")
        client.auth.approle.create_or_update_approle("r", token_policies=["web"], token_ttl="10m")
        role_id = client.auth.approle.read_role_id("r")["data"]["role_id"]
        secret_id = client.auth.approle.generate_secret_id("r")["data"]["secret_id"]
        client.token = client.auth.approle.login(role_id, secret_id, use_token=False)["auth"]["client_token"]
        assert client.auth.token.lookup_self()["data"]["policies"] == ["default", "web"]
        assert client.secrets.kv.v2.read_secret_version("a/b", mount_point="kv", raise_on_deleted_version=True)["data"] == kept
        with pytest.raises(hvac.exceptions.Forbidden):
            client.sys.list_mounted_secrets_engines()
        client.adapter.close()


def test_both_log_in_at_the_same_place(bao: Place, client: Any) -> None:
    """With the same credential, to the same rights."""
    client.sys.enable_auth_method("approle", path="ci")
    client.auth.approle.create_or_update_approle("r", mount_point="ci", token_policies=["default"])
    role_id = client.auth.approle.read_role_id("r", mount_point="ci")["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id("r", mount_point="ci")["data"]["secret_id"]
    theirs = client.auth.approle.login(role_id, secret_id, use_token=False, mount_point="ci")["auth"]["policies"]
    auth = {"method": "approle", "role_id": Secret(role_id), "secret_id": Secret(secret_id), "mount": "ci"}
    ours = bao.connect(auth=auth)
    assert list(ours.about()["policies"]) == theirs
