"""What a delivered secret has to do with the entries beside it."""

from __future__ import annotations

from pathlib import Path

from reconciler.model import Address
from reconciler.workspace import Options, Workspace

CONFIG = """project: sql2ai
vendors:
  vault: {address: https://vault.example, auth: {method: token, token: {env: VAULT_TOKEN}}}
secrets: {smtp: {env: SMTP_PASSWORD}}
"""
MANIFEST = """
vault.mount:
  short: {path: kv, type: kv-v2}
  long: {path: kv/deep, type: kv-v2}
  beside: {path: kv/dee, type: kv-v2}
vault.kv_secret:
  login: {mount: {ref: long}, path: api/login, data: {other: {secret: smtp}}}
vault.auth_method:
  approle: {type: approle}
vault.approle_role:
  api:
    mount: {ref: approle}
    lifecycle: {deliver: {role_id: {to: vault, path: kv/deep/api/login, key: role_id}}}
  far:
    mount: {ref: approle}
    lifecycle: {deliver: {role_id: {to: vault, path: elsewhere/api, key: role_id}}}
"""


def test_a_delivery_waits_for_what_it_goes_into(tmp_path: Path) -> None:
    """It needs the longest declared mount above its path and a secret declared there; an undeclared place needs nothing."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "access.yaml").write_text(MANIFEST)
    (tmp_path / "reconciler.yaml").write_text(CONFIG)
    with Workspace(Options(dir=tmp_path), environ={}) as workspace:
        found = {str(one.address): one.needs for one in workspace.validate()}
    approle = Address("vault.auth_method", "approle")
    assert found["vault.approle_role/api"] == (approle, Address("vault.mount", "long"), Address("vault.kv_secret", "login"))
    assert found["vault.approle_role/far"] == (approle,)
