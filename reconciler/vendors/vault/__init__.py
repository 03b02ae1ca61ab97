"""HashiCorp Vault and OpenBao: policies, mounts, login methods, roles, and secrets in kv."""

from __future__ import annotations

from reconciler.contract import Vendor
from reconciler.vendors.vault.approle import AppRole
from reconciler.vendors.vault.kv import KvSecret
from reconciler.vendors.vault.kv_config import KvConfig
from reconciler.vendors.vault.mounts import AuthMethod, Mount
from reconciler.vendors.vault.policy import Policy
from reconciler.vendors.vault.settings import VaultSettings

__all__ = ["VENDOR", "VaultSettings"]

VENDOR = Vendor(
    "vault", VaultSettings, "reconciler.vendors.vault.api:VaultApi",
    (Policy, Mount, AuthMethod, AppRole, KvConfig, KvSecret),
    "reconciler.vendors.vault.sandbox:VaultSandbox",
    secrets="reconciler.vendors.vault.sink:VaultSecrets",
    sinks="reconciler.vendors.vault.sink:VaultSink",
    placed="reconciler.vendors.vault.delivery:placed")
