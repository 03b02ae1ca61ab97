"""What is named in plain words is waited for like what is referred to."""

from __future__ import annotations

from pathlib import Path

from tests.faults.test_moments import nth_refused
from tests.faults.town import Towns

STACK = """vault.auth_method:
  approle: {type: approle}
vault.policy:
  api: {rules: 'path "kv/data/app/*" { capabilities = ["read"] }'}
vault.approle_role:
  api: {token_policies: [api, default]}
vault.mount:
  transit: {type: transit}
vault.transit_key:
  k: {mount: transit}
"""


def test_a_role_of_the_default_mount_waits_for_it(quick: Path) -> None:
    """A method that is refused keeps its role from being tried; the next run makes one after the other."""
    towns = Towns(quick / "town")
    for n in range(1, 6):
        town = towns.built("vault")
        town.manifest(STACK)
        town.faulty(nth_refused(town, n))
        assert town.apply("--parallelism", "1").code == 6
        town.faulty(None)
        again = town.apply()
        assert again.code == 0, again
        order = [one.path for one in town.boxes["vault"].requests if one.method in ("POST", "PUT") and one.status < 400]
        assert order.index("/v1/sys/auth/approle") < order.index("/v1/auth/approle/role/api")
        assert order.index("/v1/sys/mounts/transit") < order.index("/v1/transit/keys/k")
    town.manifest("vault.mount:\n  other: {type: kv-v2}\n")
    gone = town.run("apply", "--auto-approve", "--allow", "delete,access,irreversible:vault.auth_method/approle",
                    "--allow", "irreversible:vault.mount/transit,irreversible:vault.transit_key/k", "--skip-blocked")
    assert gone.code in (0, 4), gone
