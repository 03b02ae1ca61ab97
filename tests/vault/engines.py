"""Steps of random histories for what stands in mounts and beside them: roles, keys, databases, groups, password policies."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.vault.step import Step, delete, get, names, post

URL = "postgresql://{{username}}:{{password}}@127.0.0.1:9/x"
LEASES = ("1h", "90m", 3600, "0s", "soon", "-5s")
TEXTS = ('length = 20\nrule "charset" { charset = "abc" min-chars = 1 }', 'length = 3\nrule "charset" { charset = "abc" }',
         "length = 20", 'length = 20\nrule "charset" { charset = "ab" min-chars = 21 }', "nonsense", "",
         '{"length": 20, "rule": [{"charset": {"charset": "abcba", "min-chars": 2}}]}',
         'length = 20\nrule "other" { charset = "ab" }', 'length = 20\nx = 1\nrule "charset" { charset = "ab" y = 2 }')


class Engines:
    """One step at a time, by chance."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance
        self.any = chance.choice

    def some(self, **choices: Any) -> dict[str, Any]:
        """A few of these fields, each with one of its values."""
        return {name: self.any(values) for name, values in choices.items() if self.random.random() < 0.35}

    def step(self) -> Step:
        """Of whatever engine."""
        parts: list[Callable[[], Step]] = [self.keys, self.keys, self.connections, self.roles, self.jwt, self.kubernetes,
                                           self.groups, self.passwords, self.audit]
        return self.any(parts)()

    def keys(self) -> Step:
        at = f"{self.any(('transit', 'transit', 'b'))}/keys/{self.any(('k', 'K', 'a.b', '-x'))}"
        made = self.some(type=("aes256-gcm96", "aes128-gcm96", "ed25519", "hmac", "nope"), derived=(True, False),
                         convergent_encryption=(True, False), exportable=(True, False), allow_plaintext_backup=(True,),
                         auto_rotate_period=("720h", "30m", 0, "soon"), key_size=(32, 0, 16),
                         min_encryption_version=(1,))
        config = self.some(min_decryption_version=(0, 1, 2, 3, -1), min_encryption_version=(0, 1, 2, 5),
                           deletion_allowed=(True, True, False), exportable=(True, False),
                           allow_plaintext_backup=(True, False), auto_rotate_period=("24h", "1m", 0))
        if at.startswith("b/"):
            return get(at)
        return self.any((post(at, made), post(at, made), get(at), post(f"{at}/config", config), post(f"{at}/config", config),
                         post(f"{at}/rotate", {}), delete(at), names("transit/keys")))

    def connections(self) -> Step:
        at = f"db/config/{self.any(('app', 'App', 'a.b', 'x/y'))}"
        body = {"verify_connection": False, **self.some(
            plugin_name=("postgresql-database-plugin", "postgresql-database-plugin", "nope-plugin"),
            connection_url=(URL, URL, "postgresql://u:p@h/x"), username=("u", "v"), password=("pw",),
            allowed_roles=(["r", "*"], ["r"], "r, s", []), password_policy=("p", ""), max_open_connections=(5, 0, None),
            max_connection_lifetime=("30s", 30), root_rotation_statements=([" a \n", "b"], []), disable_escaping=(True, False),
            username_template=("{{.RoleName}}", ""), plugin_version=("",), strange=("x", ["y"]))}
        return self.any((post(at, body), post(at, body), get(at), names("db/config"), delete(at)))

    def roles(self) -> Step:
        role = f"db/roles/{self.any(('r', 's', 't', '-x'))}"
        body = self.some(db_name=("app", "app", "App", ""), creation_statements=([" a \n", ""], ["x"], [], "one"),
                         revocation_statements=(["y"], []), default_ttl=LEASES, max_ttl=("2h", 0),
                         credential_type=("password", "rsa_private_key", "x"),
                         credential_config=({}, {"password_policy": "p"}, {"key_bits": 3072}, {"key_bits": 100}))
        static = f"db/static-roles/{self.any(('s', 'u'))}"
        refused = self.some(db_name=("none",), username=("app",), rotation_period=("1h", "4s"))
        return self.any((post(role, body), post(role, body), post(role, body), get(role), names("db/roles"), delete(role),
                         post(static, refused), get(static), names("db/static-roles"), delete(static)))

    def tokens(self) -> dict[str, Any]:
        return self.some(token_policies=(["App", "dev"], [], "a,b"), token_ttl=("20m", 0, "2h", "soon"),
                         token_max_ttl=("1h", 0), token_period=("1m",), token_num_uses=(5, 0),
                         token_type=("batch", "service", "x"), token_bound_cidrs=(["10.0.0.1/32"], ["nope"], []))

    def jwt(self) -> Step:
        at = f"auth/jwt/role/{self.any(('web', 'Web', 'ci', '-x'))}"
        body = {**self.tokens(), **self.some(
            role_type=("jwt", "jwt", "jwt", "oidc", "x"), user_claim=("sub", "sub", "sub", ""),
            bound_audiences=(["a"], [], "a,b"), bound_subject=("s", ""), bound_claims=({"a": "x", "b": ["y"]}, {}, {"n": 5}),
            bound_claims_type=("glob", "string", "x"), groups_claim=("g", ""),
            claim_mappings=({"a": "b"}, {}, {"a": "b", "c": "b"}), oidc_scopes=(["p"], []),
            max_age=("1h", 0), expiration_leeway=("1m", -1), clock_skew_leeway=("30s", 0),
            allowed_redirect_uris=(["https://a/b"], []), verbose_oidc_logging=(True, False))}
        usual = {"role_type": "jwt", "user_claim": "sub", "bound_subject": "s", **self.tokens()}
        return self.any((post(at, body), post(at, body), post(at, usual), get(at), get(at), names("auth/jwt/role"), delete(at)))

    def kubernetes(self) -> Step:
        at = f"auth/kube/role/{self.any(('web', 'Web', 'job'))}"
        body = {**self.tokens(), **self.some(
            bound_service_account_names=(["a"], ["a"], ["*"], ["a", "*"], []),
            bound_service_account_namespaces=(["n"], ["n"], ["*"], ["n", "*"], []),
            bound_service_account_namespace_selector=('{"matchLabels":{"a":"b"}}', ""), audience=("v", ""),
            alias_name_source=("serviceaccount_name", "serviceaccount_uid", "x"))}
        return self.any((post(at, body), post(at, body), get(at), get(at), names("auth/kube/role"), delete(at)))

    def groups(self) -> Step:
        at = f"identity/group/name/{self.any(('Eng', 'eng', 'Ext', 'a b.c'))}"
        body = self.some(type=("internal", "external", "x"), policies=(["B", "a", "a"], [], "p,q"),
                         metadata=({"a": "b"}, {}, {"n": "5"}), member_entity_ids=(["x"], []), member_group_ids=(["x"], []))
        return self.any((post(at, body), post(at, body), get(at), get(at), names("identity/group/name"), delete(at)))

    def passwords(self) -> Step:
        at = f"sys/policies/password/{self.any(('long', 'Long', 'a.b'))}"
        return self.any((post(at, {"policy": self.any(TEXTS)}), post(at, {"policy": self.any(TEXTS)}), get(at), delete(at),
                         names("sys/policies/password")))

    def audit(self) -> Step:
        at = f"sys/audit/{self.any(('file', 'x/y'))}"
        return self.any((get("sys/audit"), post(at, {"type": "file", "options": {"file_path": "/dev/null"}}), delete(at)))
