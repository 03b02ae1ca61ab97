"""A plan of which only a part is done: what is blocked or left out is no excuse for the rest."""

from __future__ import annotations

from tests.cli.project import PRO, Account, Project

CONSENT = ("--auto-approve", "--allow", "money,delete")
KEPT = "stripe.product:\n  other: {name: Other}\n"


def test_a_selection_takes_no_product_off_its_last_price(shop: Project, stripe: Account) -> None:
    """Both entries are gone; the run that archives the price alone would leave a product on sale without one: refused."""
    shop.apply()
    shop.manifest(KEPT)
    assert shop.ops("--allow", "delete") == {"product/other": "create", "product/pro": "delete", "price/monthly": "delete"}
    words = ("--target", "stripe.price/monthly")
    assert shop.ops(*words)["price/monthly"] == "blocked"
    assert shop.run("apply", *CONSENT, *words).code == 4
    assert all(one["active"] for one in stripe.prices().values())


def test_what_is_blocked_keeps_what_only_went_with_it(shop: Project, stripe: Account) -> None:
    """A destroy may not archive the protected product, so its last price stays on sale too, also with --skip-blocked."""
    shop.manifest(PRO.replace("name: Pro}", "name: Pro, lifecycle: {protect: true}}")).apply()
    done = shop.run("destroy", *CONSENT, "--skip-blocked")
    assert done.code == 4 and "it is the last active price of pro" in " ".join(done.out.split()), done
    assert stripe.products()["pro"]["active"] and all(one["active"] for one in stripe.prices().values())
