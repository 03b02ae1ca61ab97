"""Objects that Terraform manages move over: exported under its names, recorded by its ids, nothing made or removed."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from reconciler.contract import registry
from reconciler.manifest.terraform import Stated, stated
from reconciler.model import Address
from reconciler.sandbox.store import Request
from reconciler.workspace.moving_in import claims
from tests.cli.project import KEY, Account, Project

HANDLES = [
    ("stripe_product_feature", {"id": "prodft_1"}, "stripe.product_feature", "prod_1/prodft_1"),
    ("stripe_billing_meter", {"id": "mtr_1"}, "stripe.meter", "mtr_1"),
    ("vault_policy", {"id": "api", "name": "api"}, "vault.policy", "api"),
    ("vault_mount", {"id": "kv", "path": "kv/"}, "vault.mount", "kv"),
    ("vault_approle_auth_backend_role", {"id": "auth/approle/role/api", "backend": "approle", "role_name": "api"},
     "vault.approle_role", "auth/approle/role/api"),
    ("vault_kv_secret_v2", {"id": "kv/data/api", "path": "kv/data/api"}, "vault.kv_secret", "kv/data/api"),
    ("vault_transit_secret_backend_key", {"backend": "transit", "name": "k"}, "vault.transit_key", "transit/keys/k"),
    ("vault_database_secret_backend_role", {"backend": "db", "name": "app"}, "vault.database_role", "db/roles/app"),
    ("vault_database_secret_backend_static_role", {"backend": "db", "name": "app"}, "vault.database_static_role",
     "db/static-roles/app"),
    ("sentry_project", {"id": "api", "internal_id": "1003"}, "sentry.project", "1003"),
    ("sentry_key", {"id": "36bc", "project": "api"}, "sentry.client_key", "1003/keys/36bc"),
    ("posthog_feature_flag", {"id": 17, "key": "beta"}, "posthog.feature_flag", "17"),
    ("resend_domain", {"id": "cd9a"}, "resend.domain", "cd9a"),
]


def resource(address: str, index: str | int | None = None, **values: Any) -> dict[str, Any]:
    """One resource as `terraform show -json` writes it."""
    type, _, name = address.rpartition("module.")[2].rpartition(".")[0].rpartition(".")[2], "", address.rpartition(".")[2]
    found = {"address": address, "mode": "managed", "type": type, "name": name.partition("[")[0], "values": values,
             "provider_name": "registry.terraform.io/lukasaron/stripe"}
    return found if index is None else {**found, "index": index}


def shown(path: Path, *resources: dict[str, Any], modules: tuple[dict[str, Any], ...] = ()) -> Path:
    """A file as `terraform show -json` writes it."""
    root = {"resources": list(resources), "child_modules": list(modules)}
    path.write_text(json.dumps({"format_version": "1.0", "terraform_version": "1.9.5", "values": {"root_module": root}}))
    return path


def by_hand(stripe: Account, path: str, form: str) -> str:
    answer = stripe.sandbox.handle(Request("POST", path, headers={"authorization": f"Bearer {KEY}"}, body=form.encode()))
    return str(answer.body["id"])


def test_what_terraform_manages_moves_over_under_its_names(shop: Project, stripe: Account) -> None:
    """`export --from` and `import --from`: only its objects, its names, marks at most; the plan after them is empty."""
    pro, other = (by_hand(stripe, "/v1/products", f"name={name}") for name in ("Pro plan", "Made by hand"))
    price = by_hand(stripe, "/v1/prices", f"product={pro}&currency=usd&unit_amount=2900&recurring[interval]=month")
    module = {"address": "module.eu", "resources": [resource("module.eu.stripe_coupon.launch", id="gone")]}
    state = shown(shop.dir / "terraform.json", resource("stripe_product.main", id=pro), resource("aws_vpc.main", id="vpc"),
                  resource('stripe_price.tier["monthly"]', "monthly", id=price), modules=(module,))
    (shop.dir / "manifests" / "shop.yaml").unlink()
    done = shop.ok("export", "--vendor", "stripe", "--from", str(state), "--write")
    assert "1 aws_vpc" in done.err
    assert "main:" in (shop.dir / "manifests/stripe/product.yaml").read_text()
    assert other not in (shop.dir / "manifests/stripe/product.yaml").read_text()
    assert "tier-monthly:" in (shop.dir / "manifests/stripe/price.yaml").read_text()
    before = len(stripe.written)
    done = shop.ok("import", "--from", str(state))
    assert "module.eu.stripe_coupon.launch: stripe.coupon has no gone" in done.said
    assert sorted(stripe.written[before:]) == [f"POST /v1/prices/{price}", f"POST /v1/products/{pro}"]
    assert shop.ok("ledger", "list").out.split() == ["stripe.price/tier-monthly", price, "stripe.product/main", pro]
    assert shop.ops() == {}
    assert shop.ok("import", "--from", str(state)).said.count("import") == 0


def test_an_object_that_another_entry_means_is_its(shop: Project, stripe: Account) -> None:
    """Where no entry has Terraform's name, the one of the object's natural key takes it; where none does it is told."""
    pro, free = (by_hand(stripe, "/v1/products", f"id={name}&name={name}") for name in ("pro", "free"))
    shop.manifest("stripe.product: {pro: {id: pro, name: pro}}")
    state = shown(shop.dir / "terraform.json", resource("stripe_product.main", id=pro), resource("stripe_product.x", id=free))
    done = shop.ok("import", "--from", str(state))
    assert "stripe_product.x (free): no entry of stripe.product means it" in done.said
    assert shop.ok("ledger", "list").out.split() == ["stripe.product/pro", "pro"]


@pytest.mark.parametrize(("type", "values", "kind", "handle"), HANDLES, ids=[row[0] for row in HANDLES])
def test_a_terraform_id_leads_to_the_object(type: str, values: dict[str, Any], kind: str, handle: str) -> None:
    """What the providers document as a resource's values is the handle of one object of one kind."""
    kinds = {one.name: one() for name in registry.names() for one in registry.vendor(name).kinds}
    made, told = claims([Stated(f"{type}.x", type, "x", values)], kinds, ())
    assert not told
    assert [one.kind for one in made] == [kind]
    assert fnmatchcase(handle, made[0].glob)
    assert not fnmatchcase(f"{handle}2", made[0].glob)


def test_a_name_is_given_once(tmp_path: Path) -> None:
    """Two of one name get their module's in front; the second connection that declares a name is preferred."""
    modules = tuple({"address": f"module.{name}", "resources": [resource(f"module.{name}.stripe_price.pro", id=name)]}
                    for name in ("eu", "us"))
    found = stated(shown(tmp_path / "t.json", resource("stripe_price.pro", id="1"), modules=modules))
    assert [one.name for one in found] == ["pro", "eu.pro", "us.pro"]
    price = next(kind for kind in registry.vendor("stripe").kinds if kind.name == "stripe.price")
    kinds = {"stripe.price": price(), "stripe_eu.price": price(connection="stripe_eu")}
    made, _ = claims(found, kinds, {Address("stripe_eu.price", "eu.pro")})
    assert [one.kind for one in made] == ["stripe.price", "stripe_eu.price", "stripe.price"]


@pytest.mark.parametrize("text", ["", "[]", '{"version": 4, "lineage": "x"}', '{"format_version": "1.0", "values": [1]}',
                                  '{"format_version": "1.0", "values": {"root_module": {"resources": [{"mode": "managed"}]}}}'])
def test_another_file_is_refused(shop: Project, text: str) -> None:
    """What is not the output of `terraform show -json` is a mistake that names the command, and so is no name at all."""
    (shop.dir / "t.json").write_text(text)
    done = shop.run("import", "--from", "t.json")
    assert (done.code, "terraform show -json" in done.err) == (64, True), done
    assert shop.run("import").code == 64
    assert shop.run("import", "--from", "none.json").code == 64
