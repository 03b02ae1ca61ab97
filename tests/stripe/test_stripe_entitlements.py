"""Features and the products that give them."""

from __future__ import annotations

from typing import Any

from reconciler.contract import Ask
from reconciler.model import Address, Call, Impact, Live, Op, Ref, Unseen, Want
from reconciler.sandbox.store import Response
from tests.stripe.desk import Desk
from tests.stripe.shop import StripeShop
from tests.stripe.stack import catalogue, changed, without

GIVEN = catalogue("feature", "product_feature")
FEATURES, ATTACHED = "/v1/entitlements/features", "/v1/products/sql2ai_pro/features"


def test_a_feature_is_attached_and_detached(shop: StripeShop) -> None:
    """One POST and one DELETE below the product; both say what it means to those who bought it."""
    shop.settle(without("product_feature/pro_history", of=GIVEN))
    made = shop.plan(GIVEN)
    action = shop.action(made, "product_feature/pro_history")
    assert Impact.BEHAVIOURAL in action.impact
    assert [note.text for note in action.notes] == ["who has bought the product gets the feature"]
    assert shop.settle(GIVEN) == [f"POST {ATTACHED}"]
    assert shop.desk.bodies()[-1] == {"entitlement_feature": shop.only(FEATURES)["id"]}
    rest = without("product_feature/pro_history", of=GIVEN)
    action = shop.action(shop.plan(rest), "product_feature/pro_history")
    assert (action.op, action.effect) == (Op.DELETE, "detach")
    assert shop.settle(rest) == [f"DELETE {ATTACHED}/prodft_1"]


def test_another_feature_is_attached_before_the_old_one_goes(shop: StripeShop) -> None:
    """A lookup key is a feature's for ever, so another key is another feature, and products turn to it first."""
    shop.settle(GIVEN)
    old = shop.only(FEATURES)["id"]
    manifest = changed("feature/query_history/lookup_key", "history", GIVEN)
    assert shop.settle(manifest) == [f"POST {FEATURES}", f"POST {ATTACHED}", f"DELETE {ATTACHED}/prodft_1",
                                     f"POST {FEATURES}/{old}"]
    assert not shop.held(FEATURES)[old]["active"]


def test_back_to_the_old_key_is_the_old_feature(shop: StripeShop) -> None:
    """The archived one has the key and always will: it comes back, in the place of one that Stripe would refuse."""
    shop.settle(GIVEN)
    old = shop.only(FEATURES)["id"]
    shop.settle(changed("feature/query_history/lookup_key", "history", GIVEN))
    action = shop.action(shop.plan(GIVEN), "feature/query_history")
    assert (action.op, action.effect) == (Op.REPLACE, "supersede")
    assert f"{old} is archived and has its natural key: it is brought back" in [note.text for note in action.notes]
    writes = shop.settle(GIVEN)
    assert writes[0] == f"POST {FEATURES}/{old}" and f"POST {FEATURES}" not in writes
    assert [one["active"] for one in shop.held(FEATURES).values()] == [True, False]


def test_back_to_the_old_product_id_is_the_old_product(shop: StripeShop) -> None:
    """The same for a product that had prices: its id is taken for ever."""
    shop.settle(GIVEN)
    shop.settle(changed("product/pro/id", "sql2ai_pro2", GIVEN))
    assert not shop.products["sql2ai_pro"]["active"]
    assert shop.settle(GIVEN)[0] == "POST /v1/products/sql2ai_pro"
    assert shop.products["sql2ai_pro"]["active"] and not shop.products["sql2ai_pro2"]["active"]


def test_a_plan_asks_only_the_products_that_give_something(shop: StripeShop) -> None:
    """One list for the product that is meant, none for the two others."""
    shop.settle(GIVEN)
    before = len(shop.desk.sandbox.requests)
    assert shop.plan(GIVEN).empty
    asked = [r.path for r in shop.desk.sandbox.requests[before:] if r.path.endswith("/features")]
    assert sorted(asked) == [FEATURES, ATTACHED]


def test_a_product_whose_features_cant_be_seen_hides_its_own_alone(shop: StripeShop) -> None:
    """403 below one product: its attachment is blocked as unreadable, never taken for absent."""
    manifest = changed("product_feature/tokens_history", {
        "product": {"ref": "tokens"}, "entitlement_feature": {"ref": "query_history"}}, GIVEN)
    shop.settle(manifest)
    shop.desk.sandbox.faults.append(lambda request, n: Response(403, {"error": {"message": "no permission"}})
                                    if request.path == ATTACHED else None)
    made = shop.plan(manifest)
    blocked = {str(action.address): action.blocked for action in made.actions if action.op is Op.BLOCKED}
    assert list(blocked) == ["stripe.product_feature/pro_history"] and made.unreadable
    gone = shop.plan(without("product_feature/pro_history", of=manifest))
    assert shop.action(gone, "product_feature/pro_history").op is Op.BLOCKED


def test_products_are_found_by_what_manifests_say_of_them(desk: Desk) -> None:
    """By their id, by the entry that is referred to; where no manifest says its id, in every product."""
    feature = desk.make(desk.feature, "f", lookup_key="f", name="F")
    for id in ("a", "b", "c"):
        desk.make(desk.product, id, id=id, name=id)
        desk.send(Call("POST", f"/v1/products/{id}/features", {"entitlement_feature": feature.id}))
    parents = tuple(one for one in desk.product.list(Ask(wants=(desk.want(desk.product, "mine", {
        "id": "b", "name": "B"}),))) if isinstance(one, Live))

    def listed(product: Any, *ids: str) -> list[str]:
        want: Want[Any] = Want(Address("stripe.product_feature", "x"), {"product": product, "entitlement_feature": "f"})
        found = desk.product_feature.list(Ask(wants=(want,), ids=frozenset(ids), parents=parents))
        return [one.id.partition("/")[0] for one in found if not isinstance(one, Unseen)]

    assert listed("a") == ["a"] and listed(Ref.to(Address("stripe.product", "mine"))) == ["b"]
    assert listed("a", "c/prodft_3") == ["a", "c"] and listed("gone") == []
    assert listed(Ref.to(Address("stripe.product", "bound"))) == ["a", "b", "c"]
    assert len(list(desk.product_feature.list(Ask(everything=True)))) == 3
    assert desk.product_feature.get("gone/prodft_1") is None and desk.product_feature.get("a/prodft_9") is None


def test_archived_features_are_asked_for_only_where_one_is_missing(desk: Desk) -> None:
    """The second list costs a request, and is spared when all that is wanted is in use."""
    live = desk.make(desk.feature, "f", lookup_key="f", name="F")
    want = desk.want(desk.feature, "f", {"lookup_key": "f", "name": "F"})
    before = desk.api.reads_made
    assert len(list(desk.feature.list(Ask(wants=(want,))))) == 1 and desk.api.reads_made == before + 1
    for call in desk.feature.delete(live):
        desk.send(call)
    assert [one.archived for one in desk.feature.list(Ask(wants=(want,)))] == [True]
    assert desk.api.reads_made == before + 3
