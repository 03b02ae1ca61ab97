"""Every word of `lifecycle`, from the manifest to the account and the ledger."""

from __future__ import annotations

from typing import Any

from reconciler.sandbox.store import Request
from tests.cli.project import CONFIG, PRO, Account, Project

ONE = "stripe.product:\n  pro: {{id: pro, name: Pro{more}}}\n"


def one(**life: Any) -> str:
    words = ", ".join(f"{word}: {value}" for word, value in life.items())
    return ONE.format(more=f", lifecycle: {{{words}}}" if life else "")


def by_hand(stripe: Account, form: str, path: str = "/v1/products") -> None:
    """Somebody makes or changes an object at Stripe."""
    answer = stripe.sandbox.handle(Request("POST", path, headers={"authorization": "Bearer sk_test_x"}, body=form.encode()))
    assert answer.status == 200, answer


def test_protection_outlives_its_entry_and_is_lifted_first(shop: Project, stripe: Account) -> None:
    """A protected entry that left the manifests is blocked, until it is back, edited, and applied without protection."""
    other = "  other: {id: other, name: Other}\n"
    shop.manifest(one(protect="true") + other).apply()
    shop.manifest(ONE.format(more="").replace("pro: {id: pro, name: Pro}", "other: {id: other, name: Other}"))
    done = shop.run("apply", "--auto-approve", "--allow", "delete,irreversible:stripe.product/pro")
    assert done.code == 4
    assert "protected" in done.out
    assert "pro" in stripe.products()
    shop.manifest(one() + other).apply()
    shop.manifest("stripe.product:\n" + other)
    assert shop.ops() == {"product/pro": "delete"}


def test_protection_lets_a_supersede_pass(shop: Project, stripe: Account) -> None:
    """A new price takes the old one's place: nothing is destroyed, so nothing is in the way."""
    text = PRO.replace("interval: month}}", "interval: month}, lifecycle: {protect: true}}")
    shop.manifest(text).apply()
    shop.manifest(text.replace("2900", "3500")).apply()
    assert [price["active"] for price in stripe.prices().values()] == [False, True]


def test_what_shall_be_kept_is_forgotten(shop: Project, stripe: Account) -> None:
    """`on_remove: keep` is remembered: without its entry the object stays, and our mark goes."""
    shop.manifest(one(on_remove="keep") + "  other: {id: other, name: Other}\n").apply()
    shop.manifest("stripe.product: {other: {id: other, name: Other}}")
    assert shop.ops() == {"product/pro": "forget"}
    shop.ok("apply", "--auto-approve")
    assert stripe.products()["pro"]["active"]
    assert stripe.products()["pro"]["metadata"] == {}
    assert "stripe.product/pro" not in shop.ok("ledger", "list").out


def test_adoption_is_never_equal_or_with_changes(shop: Project, stripe: Account) -> None:
    """An object that is there: `never` blocks it, the default takes an equal one, `changes` brings it in line."""
    by_hand(stripe, "id=pro&name=Pro")
    assert shop.manifest(one(adopt="never")).ops() == {"product/pro": "blocked"}
    assert shop.manifest(one()).ops() == {"product/pro": "adopt"}
    assert shop.manifest(one().replace("name: Pro", "name: Else")).ops() == {"product/pro": "blocked"}
    assert shop.manifest(one(adopt="changes").replace("name: Pro", "name: Else")).ops() == {"product/pro": "update"}
    shop.apply()
    assert stripe.products()["pro"]["name"] == "Else"


def test_an_entry_with_an_id_is_never_created(shop: Project, stripe: Account) -> None:
    """`id` binds to exactly this object: blocked where it is not there, adopted where it is."""
    text = "stripe.price:\n  old: {{product: pro, currency: usd, unit_amount: 5, lookup_key: null, lifecycle: {{id: {id}}}}}\n"
    by_hand(stripe, "id=pro&name=Pro")
    by_hand(stripe, "product=pro&currency=usd&unit_amount=5", "/v1/prices")
    [id] = stripe.prices()
    assert shop.manifest(text.format(id="price_none")).ops() == {"price/old": "blocked"}
    assert shop.manifest(text.format(id=id)).ops() == {"price/old": "adopt"}
    shop.apply()
    assert list(stripe.prices()) == [id]


def test_what_is_not_managed_is_looked_up_and_never_written(shop: Project, stripe: Account) -> None:
    """`manage: false` can be referred to; it is never created, changed or deleted."""
    by_hand(stripe, "id=pro&name=Somebody")
    text = PRO.replace("{id: pro, name: Pro}", "{id: pro, lifecycle: {manage: false}}")
    shop.manifest(text)
    assert shop.ops() == {"price/monthly": "create"}
    before = dict(stripe.products()["pro"])
    shop.apply()
    assert stripe.products()["pro"] == before
    assert "product/pro" not in shop.ok("ledger", "list").out
    assert shop.manifest(text.replace("id: pro,", "id: none,")).ops()["product/pro"] == "blocked"


def test_what_is_not_managed_any_more_is_told_once(shop: Project, stripe: Account) -> None:
    """The entry leaves the ledger and the object stays; a plan says so before it happens, and not again after it."""
    shop.apply()
    shop.manifest(PRO.replace("name: Pro}", "name: Pro, lifecycle: {manage: false}}"))
    assert "the ledger lets it go" in shop.ok("plan").out
    shop.apply()
    assert "the ledger lets it go" not in shop.ok("plan").out and "stripe.product" not in shop.ok("ledger", "list").out


def test_a_rename_is_no_replace(shop: Project, stripe: Account) -> None:
    """`formerly` moves the entry to its new name; the object stays, and its mark says the new name."""
    shop.apply()
    shop.manifest(PRO.replace("  pro: {id: pro, name: Pro}", "  team: {id: pro, name: Pro, lifecycle: {formerly: [pro]}}")
                  .replace("{ref: pro}", "{ref: team}"))
    assert shop.ops() == {"product/team": "move"}
    shop.apply()
    assert stripe.products()["pro"]["metadata"]["reconciler_address"] == "stripe.product/team"
    assert "stripe.product/team" in shop.ok("ledger", "list").out
    assert shop.ops() == {}


def test_a_rename_needs_its_key_spelled_out(shop: Project) -> None:
    """Where the name stood for the natural key, the key has to be explicit before the name changes."""
    shop.apply()
    shop.manifest(PRO.replace("  monthly: {", "  each_month: {lifecycle: {formerly: [monthly]}, "))
    done = shop.run("plan")
    assert done.code == 3
    assert "lookup_key: monthly" in done.err


def test_a_seed_is_set_once_and_left_to_people(shop: Project, stripe: Account) -> None:
    """`seed` fields go into the create; what people make of them afterwards is theirs."""
    shop.manifest(one(seed="[description]").replace("name: Pro", "name: Pro, description: First")).apply()
    assert stripe.products()["pro"]["description"] == "First"
    stripe.products()["pro"]["description"] = "By hand"
    assert shop.ops() == {}


def test_what_is_ignored_is_neither_sent_nor_compared(shop: Project, stripe: Account) -> None:
    """`ignore` paths are nobody's business here, in the create as well."""
    shop.manifest(one(ignore="[description]").replace("name: Pro", "name: Pro, description: First")).apply()
    assert stripe.products()["pro"]["description"] is None
    stripe.products()["pro"]["description"] = "By hand"
    assert shop.ops() == {}


def test_a_field_that_leaves_is_told_once(shop: Project, stripe: Account) -> None:
    """A field that the manifest no longer names stays as it is, and the plan says so until the next apply."""
    shop.manifest(one().replace("name: Pro", "name: Pro, description: First")).apply()
    shop.manifest(one())
    assert "no longer managed (stays First)" in shop.ok("plan").out
    shop.ok("apply", "--auto-approve")
    assert "no longer managed" not in shop.ok("plan").out
    assert stripe.products()["pro"]["description"] == "First"


HOOK = """stripe.webhook_endpoint:
  api:
    url: https://api.example.com/hooks
    enabled_events: [invoice.paid]
    lifecycle: {deliver: {secret: {to: box}}%s}
"""
SINK = "sinks: {box: {command: [sh, -c, 'cat >> delivered; echo >> delivered']}}\n"


def test_a_secret_that_is_shown_once_is_handed_to_a_program(shop: Project, stripe: Account) -> None:
    """`deliver` gives it to the sink on standard input; it stands in no output, plan, ledger or file of ours."""
    shop.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + SINK}).manifest(HOOK % "")
    done = shop.apply("-v", "--json-into", "plan.json")
    secret = (shop.dir / "delivered").read_text().strip()
    assert secret.startswith("whsec_")
    files = [path for path in shop.dir.rglob("*") if path.is_file() and path.name != "delivered"]
    assert not [path for path in files if secret.encode() in path.read_bytes()]
    assert secret not in done.said
    assert "delivered  secret to box" in shop.ok("ledger", "show", "stripe.webhook_endpoint/api").out
    assert shop.ops() == {}


def test_a_changed_word_asks_for_a_new_secret(shop: Project, stripe: Account) -> None:
    """`rotate` makes a new one and delivers it; with `keep_old` the old one goes in a later plan."""
    shop.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + SINK}).manifest(HOOK % ", rotate: '1'").apply()
    shop.manifest(HOOK % ", rotate: '2', keep_old: 1s")
    done = shop.run("plan", "--format", "json")
    assert [(a["op"], a["effect"]) for a in done.json()["actions"]] == [("replace", "rotate")]
    shop.apply()
    first, second = (shop.dir / "delivered").read_text().split()
    assert first != second
    assert len(stripe.sandbox.objects["/v1/webhook_endpoints"]) == 2


def test_a_sink_that_does_not_take_it_leaves_no_object_behind(shop: Project, stripe: Account) -> None:
    """The program fails: the new object is removed again, exit 6; a program that is missing is told before anything is made."""
    for command, code in (("[sh, -c, 'exit 3']", 6), ("[no-such-program]", 6)):
        sink = f"sinks: {{box: {{command: {command}}}}}\n"
        shop.write({"reconciler.yaml": CONFIG.format(url=stripe.url) + sink}).manifest(HOOK % "")
        done = shop.run("apply", "--auto-approve", "--allow", "access,money")
        assert done.code == code, done
        assert not stripe.sandbox.objects.get("/v1/webhook_endpoints")
    assert "no-such-program" in done.said
