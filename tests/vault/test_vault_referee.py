"""HashiCorp's own description judges a whole life of the kinds around kv, on a real OpenBao and in the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reconciler.conformance import in_sandbox, read_all, trials
from tests.referee import Exchange, Referee
from tests.vault.desk import Desk
from tests.vault.habits import HABITS, OPENBAO, exchanges, unknown_fields

PW, OTHER = {"secret": "pw"}, {"secret": "other"}
LEASES = {"default_lease_ttl": "1h", "max_lease_ttl": "2h", "listing_visibility": "unauth",
          "audit_non_hmac_request_keys": ["a"], "audit_non_hmac_response_keys": ["b"],
          "passthrough_request_headers": ["X-A"], "allowed_response_headers": ["X-B"]}
LOCKOUT = {"lockout_threshold": 3, "lockout_duration": "5m", "lockout_counter_reset_duration": "6m", "lockout_disable": False}
ROLE = {"token_policies": [{"ref": "app"}, "gone"], "token_ttl": "20m", "token_max_ttl": "4h", "token_explicit_max_ttl": "5h",
        "token_num_uses": 5, "token_bound_cidrs": ["10.0.0.0/8"], "token_no_default_policy": True, "token_type": "service",
        "bind_secret_id": True, "secret_id_bound_cidrs": ["10.0.0.0/8"], "secret_id_num_uses": 10, "secret_id_ttl": "24h",
        "local_secret_ids": False, "role_id": PW}
BESIDE = {"max_versions": 5, "cas_required": True, "delete_version_after": "1h"}

WHOLE: dict[str, Any] = {
    "mount": {"kv": {"type": "kv-v2", "description": "d", "config": LEASES},
              "deep": {"path": "team/kv", "type": "kv", "options": {"version": "2"}}, "old": {"type": "kv"}},
    "auth_method": {"approle": {"type": "approle", "description": "d", "config": {
        **LEASES, "token_type": "service", "user_lockout_config": LOCKOUT}}},
    "policy": {"app": {"rules": 'path "kv/data/a" { capabilities = ["read"] }'}},
    "approle_role": {"web": {"mount": {"ref": "approle"}, **ROLE}},
    "kv_config": {"kv": {"mount": {"ref": "kv"}, **BESIDE}},
    "kv_secret": {"one": {"mount": {"ref": "kv"}, "path": "a/b", "data": {"k": PW}, "custom_metadata": {"t": "x"}, **BESIDE},
                  "two": {"mount": {"ref": "deep"}, "data": {"k": PW}},
                  "three": {"mount": {"ref": "old"}, "data": {"k": PW}}}}


def test_a_whole_life_is_as_vault_describes_it(desk: Desk) -> None:
    """Every field of every kind is written, read, changed, cleared and ended; the referee finds nothing."""
    referee = Referee("vault.json", HABITS)
    desk.settle(WHOLE)
    tuned = {**LEASES, "max_lease_ttl": "3h", "audit_non_hmac_request_keys": []}
    changed: dict[str, Any] = {
        **WHOLE,
        "mount": {**WHOLE["mount"], "kv": {"type": "kv-v2", "description": None, "config": tuned}},
        "auth_method": {"approle": {"type": "approle", "description": "e", "config": {"token_type": None}}},
        "policy": {"app": {"rules": [{"path": "kv/data/a", "capabilities": ["read", "list"]}]}},
        "approle_role": {"web": {"mount": {"ref": "approle"}, **dict.fromkeys(ROLE), "token_period": "1h", "role_id": OTHER}},
        "kv_config": {"kv": {"mount": {"ref": "kv"}, **dict.fromkeys(BESIDE)}},
        "kv_secret": {**WHOLE["kv_secret"], "one": {"mount": {"ref": "kv"}, "path": "a/b", "data": {"k": OTHER},
                                                    "custom_metadata": {"t": None}, **dict.fromkeys(BESIDE)}}}
    desk.settle(changed)
    kept = {"mount": {"stays": {"type": "transit"}}}
    allow = [f"irreversible:vault.{address}" for address in ("mount/kv", "mount/deep", "mount/old", "auth_method/approle")]
    desk.settle({**changed, "mount": {**changed["mount"], **kept["mount"]}})
    desk.settle(kept, allow=allow)
    seen = exchanges(desk.recorder)
    assert not referee.complaints(seen)
    assert unknown_fields(referee, seen) == set(OPENBAO)
    assert {exchange.method for exchange in seen} == {"GET", "POST", "DELETE"}


def test_no_field_is_sent_that_vault_does_not_name() -> None:
    """Every example of every kind, but for the options of database plugins, which the document leaves to them."""
    referee, found = Referee("vault.json", HABITS), set()
    for trial in trials(read_all(Path(__file__).parents[1] / "cases" / "vault")):
        if trial.name == "created":
            place = in_sandbox(trial.case.vendor)
            trial.run(place)
            seen = [Exchange(one.method, one.path, one.query, json.loads(one.body) if one.body else None, one.status)
                    for one in place.exchanges]
            found |= unknown_fields(referee, seen)
    assert {one for one in found if not one.startswith("POST /{database_mount_path}/config/{name} ")} == set(OPENBAO)
