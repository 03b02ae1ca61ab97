"""HashiCorp Vault and OpenBao: policies, mounts, login methods and their roles, secrets, keys, databases, groups."""

from __future__ import annotations

from reconciler.contract import Vendor
from reconciler.vendors.vault.approle import AppRole
from reconciler.vendors.vault.audit import AuditDevice
from reconciler.vendors.vault.database import DatabaseConnection
from reconciler.vendors.vault.database_roles import DatabaseRole, StaticRole
from reconciler.vendors.vault.identity import IdentityGroup
from reconciler.vendors.vault.jwt import JwtRole
from reconciler.vendors.vault.kubernetes import KubernetesRole
from reconciler.vendors.vault.kv import KvSecret
from reconciler.vendors.vault.kv_config import KvConfig
from reconciler.vendors.vault.mounts import AuthMethod, Mount
from reconciler.vendors.vault.passwords import PasswordPolicy
from reconciler.vendors.vault.policy import Policy
from reconciler.vendors.vault.settings import VaultSettings
from reconciler.vendors.vault.transit import TransitKey

__all__ = ["VENDOR", "VaultSettings"]

VENDOR = Vendor(
    "vault", VaultSettings, "reconciler.vendors.vault.api:VaultApi",
    (Policy, Mount, AuthMethod, AppRole, JwtRole, KubernetesRole, KvConfig, KvSecret, TransitKey, DatabaseConnection,
     DatabaseRole, StaticRole, IdentityGroup, PasswordPolicy, AuditDevice),
    "reconciler.vendors.vault.sandbox:VaultSandbox",
    secrets="reconciler.vendors.vault.sink:VaultSecrets",
    sinks="reconciler.vendors.vault.sink:VaultSink",
    placed="reconciler.vendors.vault.delivery:placed")
