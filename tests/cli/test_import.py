"""`import`: an existing object is recorded as ours; at the vendor the mark is written at most."""

from __future__ import annotations

import json

from reconciler.sandbox.store import Request
from reconciler.vendors.vault import VENDOR as VAULT
from reconciler.vendors.vault.sandbox import VaultSandbox
from tests.cli.project import CONFIG, KEY, PRO, Account, Project


def by_hand(stripe: Account, path: str, form: str) -> str:
    answer = stripe.sandbox.handle(Request("POST", path, headers={"authorization": f"Bearer {KEY}"}, body=form.encode()))
    return str(answer.body["id"])


def test_an_object_is_imported_by_its_key_and_differs_afterwards(shop: Project, stripe: Account) -> None:
    """Only the mark is written; what differs is shown by the next plan as a change, not as a block."""
    by_hand(stripe, "/v1/products", "id=pro&name=Other&description=Kept")
    shop.manifest("stripe.product: {pro: {id: pro, name: Pro}}")
    assert shop.ops() == {"product/pro": "blocked"}
    before = len(stripe.written)
    done = shop.ok("import", "stripe.product/pro")
    assert "= import" in done.out
    assert stripe.written[before:] == ["POST /v1/products/pro"]
    assert stripe.products()["pro"]["name"] == "Other"
    assert stripe.products()["pro"]["metadata"]["reconciler_address"] == "stripe.product/pro"
    assert shop.ops() == {"product/pro": "update"}


def test_an_object_is_imported_by_its_id(shop: Project, stripe: Account) -> None:
    """`ADDR=ID` where no key leads to it; an unknown id, an undeclared address and two of one key are mistakes."""
    by_hand(stripe, "/v1/products", "id=pro&name=Pro")
    id = by_hand(stripe, "/v1/prices", "product=pro&currency=usd&unit_amount=2900&recurring[interval]=month")
    assert shop.run("import", "stripe.price/monthly").code == 64
    assert shop.run("import", "stripe.price/monthly=price_none").code == 64
    done = shop.run("import", "stripe.price/other=x")
    assert (done.code, "not declared" in done.err) == (64, True)
    shop.ok("import", f"stripe.price/monthly={id}", "stripe.product/pro")
    assert shop.ok("ledger", "list").out.split()[1::2] == [id, "pro"]
    assert shop.run("import", f"stripe.price/monthly={id}", "stripe.product/pro").code == 0


def test_an_entry_that_has_an_object_is_not_given_another(shop: Project, stripe: Account) -> None:
    """A wrong id would leave ours behind, with nobody to manage or remove it: it has to be let go first."""
    shop.apply()
    other = by_hand(stripe, "/v1/products", "name=Other")
    done = shop.run("import", f"stripe.product/pro={other}")
    assert done.code == 4 and "stripe.product/pro is pro already" in done.err, done
    shop.ok("ledger", "forget", "stripe.product/pro")
    shop.ok("import", f"stripe.product/pro={other}")


def test_another_stacks_object_is_taken_over_only_when_asked(shop: Project, stripe: Account) -> None:
    """A foreign mark is exit 4, and rewritten with --take-over; the old owner's next plan is blocked and deletes nothing."""
    shop.manifest("stripe.product: {pro: {id: pro, name: Pro}}").apply()
    (shop.dir / "second").mkdir()
    second = Project(shop.dir / "second").write({"reconciler.yaml": CONFIG.format(url=stripe.url).replace("shop", "store")})
    second.manifest("stripe.product: {pro: {id: pro, name: Pro}}")
    assert second.ops() == {"product/pro": "blocked"}
    done = second.run("import", "stripe.product/pro")
    assert (done.code, "belongs to shop/default" in done.err) == (4, True)
    second.ok("import", "stripe.product/pro", "--take-over")
    assert stripe.products()["pro"]["metadata"]["reconciler_stack"] == "store/default"
    assert second.ops() == {}
    assert shop.ops() == {"product/pro": "blocked"}
    shop.manifest("stripe.product: {other: {id: other, name: Other}}")
    assert shop.ops() == {"product/pro": "forget", "product/other": "create"}


def test_an_import_is_told_as_ndjson(shop: Project, stripe: Account) -> None:
    """The same events as of an apply."""
    by_hand(stripe, "/v1/products", "id=pro&name=Pro")
    lines = shop.ok("import", "stripe.product/pro", "--format", "json").lines()
    assert [line["type"] for line in lines] == ["version", "planned_change", "change_summary", "apply_start", "apply_complete",
                                                "change_summary", "outputs"]


def test_a_key_can_be_kept_in_a_vault(shop: Project, stripe: Account) -> None:
    """`{vault: PATH, key: KEY}` is read from the connection that keeps secrets, and used as any other secret."""
    from reconciler.sandbox.serve import Server

    vault = VaultSandbox(VAULT.kinds)
    with Server({"vault": vault}) as server:
        def ask(path: str, body: object) -> None:
            answer = vault.handle(Request("POST", path, headers={"x-vault-token": "root"}, body=json.dumps(body).encode()))
            assert answer.status < 300, answer

        ask("/v1/sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        ask("/v1/kv/data/stripe", {"data": {"api": KEY}})
        config = CONFIG.format(url=stripe.url).replace("{env: STRIPE_API_KEY}", "{secret: key}")
        config += f"""  vault: {{address: "{server.url("vault")}", token: {{env: VAULT_TOKEN}}}}
secrets: {{key: {{vault: kv/stripe, key: api}}}}
"""
        shop.environ = {"VAULT_TOKEN": "root"}
        done = shop.write({"reconciler.yaml": config}).manifest(PRO).ok("plan", "-v")
        assert KEY not in done.said
        assert stripe.sandbox.requests[-1].headers["authorization"] == f"Bearer {KEY}"
        done = shop.write({"reconciler.yaml": config.replace("key: api", "key: none")}).run("plan")
        assert done.code == 3, done
        assert "reconciler.yaml:" in done.err
