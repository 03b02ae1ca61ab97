"""HashiCorp Vault and OpenBao: policies, mounts, login methods and their roles, secrets, keys, databases, groups."""

from __future__ import annotations

from reconciler.contract import Kinds, Vendor
from reconciler.vendors.vault.settings import VaultSettings

__all__ = ["VENDOR", "VaultSettings"]

VENDOR = Vendor(
    "vault", VaultSettings, "reconciler.vendors.vault.api:VaultApi",
    Kinds("reconciler.vendors.vault", {
        "policy": "policy:Policy", "mount": "mounts:Mount", "auth_method": "mounts:AuthMethod",
        "approle_role": "approle:AppRole", "jwt_role": "jwt:JwtRole", "kubernetes_role": "kubernetes:KubernetesRole",
        "kv_config": "kv_config:KvConfig", "kv_secret": "kv:KvSecret", "transit_key": "transit:TransitKey",
        "database_connection": "database:DatabaseConnection", "database_role": "database_roles:DatabaseRole",
        "database_static_role": "database_roles:StaticRole", "identity_group": "identity:IdentityGroup",
        "password_policy": "passwords:PasswordPolicy", "audit_device": "audit:AuditDevice"}),
    "reconciler.vendors.vault.sandbox:VaultSandbox",
    secrets="reconciler.vendors.vault.sink:VaultSecrets",
    sinks="reconciler.vendors.vault.sink:VaultSink",
    placed="reconciler.vendors.vault.delivery:placed")
