"""How products and prices end, come back, change hands and are judged."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.contract import Ask, Scene
from reconciler.errors import Missing, Refused
from reconciler.model import Action, Address, Call, Change, Impact, Live, Op, Owner, Ref, Want
from reconciler.sandbox.store import Response
from tests.stripe.desk import Desk

PRO, M = Address("stripe.product", "pro"), Address("stripe.price", "m")


def pro(desk: Desk, id: str = "pro", **fields: Any) -> Live:
    """A product."""
    return desk.make(desk.product, id, id=id, name="Pro", **fields)


def monthly(desk: Desk, name: str = "m", **fields: Any) -> Live:
    """A price of it, with its lookup key."""
    given = {"lookup_key": name, "product": "pro", "currency": "usd", "unit_amount": 2900,
             "recurring": {"interval": "month"}}
    return desk.make(desk.price, name, **{**given, **fields})


def listed(desk: Desk, *ids: str, wants: tuple[Want[Any], ...] = ()) -> dict[str, Live]:
    """The products as an observation finds them, when the ledger holds `ids`."""
    return {one.id: one for one in desk.product.list(Ask(wants=wants, ids=frozenset(ids))) if isinstance(one, Live)}


# the end of a product

def test_a_product_that_never_had_a_price_is_deleted(desk: Desk) -> None:
    """Only then is there a DELETE."""
    pro(desk)
    live = listed(desk, "pro")["pro"]
    assert desk.product.fate(live).word == "delete"
    for call in desk.product.delete(live):
        desk.send(call)
    assert desk.sandbox.sent()[-1] == "DELETE /v1/products/pro"
    assert desk.product.get("pro") is None


def test_a_product_with_archived_prices_is_archived(desk: Desk) -> None:
    """Stripe deletes no product that ever had a price, and the plan knows that beforehand."""
    pro(desk)
    for call in desk.price.delete(monthly(desk)):
        desk.send(call)
    live = listed(desk, "pro")["pro"]
    assert desk.product.fate(live).word == "archive"
    for call in desk.product.delete(live):
        desk.send(call)
    assert desk.sandbox.sent()[-1] == "POST /v1/products/pro" and desk.bodies()[-1] == {"active": "false"}
    with pytest.raises(Refused, match="cannot be deleted"):
        desk.send(Call("DELETE", "/v1/products/pro"))


def test_prices_are_asked_for_only_where_a_product_leaves(desk: Desk) -> None:
    """A product that stays, or is archived already, costs no extra request."""
    pro(desk)
    pro(desk, "other", active=False)
    before = desk.api.reads_made
    listed(desk, "pro", "other", wants=(Want(PRO, {"id": "pro"}),))
    assert desk.api.reads_made == before + 1


def test_without_leave_to_see_prices_a_product_is_archived(desk: Desk) -> None:
    """What is not known is never deleted."""
    pro(desk)
    desk.sandbox.faults.append(lambda request, n: denied() if request.path == "/v1/prices" else None)
    assert desk.product.fate(listed(desk, "pro")["pro"]).word == "archive"
    assert desk.product.fate(desk.product.get("pro") or pro(desk)).word == "archive"


def denied() -> Response:
    """What a restricted key gets."""
    return Response(403, {"error": {"type": "invalid_request_error",
                                    "message": "The provided key does not have the required permissions."}})


# default price

def test_a_default_price_is_set_by_an_update_and_cleared_by_null(desk: Desk) -> None:
    """The link needs both ends, so it is never in the create."""
    live, price = pro(desk), monthly(desk)
    live = desk.change(desk.product, live, default_price=price.id)
    assert desk.bodies()[-1] == {"default_price": price.id} and live.outputs["default_price"] == price.id
    with pytest.raises(Refused, match="default price") as caught:
        desk.send(next(iter(desk.price.delete(price))))
    assert "default_price" in caught.value.next and caught.value.param == "active"
    desk.change(desk.product, live, default_price=None)
    assert desk.bodies()[-1] == {"default_price": ""}
    desk.send(next(iter(desk.price.delete(price))))


def test_a_default_price_must_be_the_products_own(desk: Desk) -> None:
    """Stripe's refusal names the field."""
    pro(desk)
    other, price = pro(desk, "other"), monthly(desk)
    want: Want[Any] = Want(PRO, {"default_price": price.id})
    with pytest.raises(Refused, match="does not belong") as caught:
        desk.send(next(iter(desk.product.update(other, want, (Change("default_price", None, price.id),)))))
    assert caught.value.param == "default_price"


# lookup keys

def test_a_new_price_takes_the_key_from_whoever_has_it(desk: Desk) -> None:
    """Atomically, from an active and from an archived price (scenarios 3 and 11)."""
    pro(desk)
    first = monthly(desk)
    second = monthly(desk, unit_amount=3500)
    assert second.fields["lookup_key"] == "m"
    held = desk.price.get(first.id)
    assert held is not None and held.fields["lookup_key"] is None and not held.archived
    for call in desk.price.delete(second):
        desk.send(call)
    assert monthly(desk, unit_amount=4000).fields["lookup_key"] == "m"


def test_a_price_without_a_key_takes_none(desk: Desk) -> None:
    """No transfer is asked for where there is nothing to transfer."""
    pro(desk)
    live = monthly(desk, lookup_key=None)
    assert live.fields["lookup_key"] is None and "transfer_lookup_key" not in desk.bodies()[-1]


def test_an_archived_holder_of_a_wanted_key_is_found(desk: Desk) -> None:
    """The list shows active prices; wanted keys that none of them has are asked for, ten a request."""
    pro(desk)
    names = [f"p{n}" for n in range(12)]
    for name in names:
        live = monthly(desk, name)
        if name != "p0":
            desk.send(next(iter(desk.price.delete(live))))
    wants = tuple(desk.want(desk.price, name, {"lookup_key": name, "product": "pro", "currency": "usd",
                                               "unit_amount": 1})
                  for name in (*names, "new"))
    before = desk.api.reads_made
    found = [one for one in desk.price.list(Ask(wants=wants)) if isinstance(one, Live)]
    assert {one.fields["lookup_key"] for one in found} == set(names)
    assert sum(one.archived for one in found) == 11
    assert desk.api.reads_made == before + 1 + 2


def test_an_archived_price_comes_back_only_when_it_costs_the_same(desk: Desk) -> None:
    """Else a new price takes its key."""
    pro(desk)
    live = monthly(desk, nickname="old")
    desk.send(next(iter(desk.price.delete(live))))
    held = desk.price.get(live.id)
    assert held is not None and held.archived
    fields = {"lookup_key": "m", "product": "pro", "currency": "usd", "unit_amount_decimal": "2900.0",
              "recurring": {"interval": "month"}, "nickname": "new"}
    assert desk.price.revivable(held, Want(M, fields))
    assert not desk.price.revivable(held, Want(M, {**fields, "unit_amount_decimal": "2900.5"}))
    assert not desk.price.revivable(held, Want(M, {**fields, "product": Ref.to(PRO)}))
    owner = Owner("shop/test", "stripe.price/again")
    for call in desk.price.revive(held, Want(M, fields, owner), desk.changes(desk.price, held, fields)):
        held = desk.seen(desk.price, desk.send(call))
    assert not held.archived and held.fields["nickname"] == "new" and held.owner == owner


def test_an_archived_product_comes_back(desk: Desk) -> None:
    """Its id is taken for ever, so it is switched on again."""
    live = pro(desk, active=False)
    assert live.archived and desk.product.rests(Want(PRO, {"active": False}))
    for call in desk.product.revive(live, Want(PRO, {"name": "Pro"}, live.owner), ()):
        live = desk.seen(desk.product, desk.send(call))
    assert not live.archived and desk.bodies()[-1] == {"active": "true"}


# marks

def test_a_mark_is_written_alone_and_taken_off_alone(desk: Desk) -> None:
    """Claiming and releasing touch nothing but our keys."""
    desk.api.send(Call("POST", "/v1/products", {"id": "found", "name": "Found", "metadata": {"team": "x"}}), "k")
    live = desk.product.get("found")
    assert live is not None and live.owner is None
    owner = Owner("shop/test", "stripe.product/found", "s1")
    for call in desk.product.claim(live, Want(PRO, {"name": "Other"}, owner)):
        live = desk.seen(desk.product, desk.send(call))
    assert live.owner == owner and live.fields["metadata"] == {"team": "x"} and live.fields["name"] == "Found"
    for call in desk.product.release(live):
        live = desk.seen(desk.product, desk.send(call))
    assert live.owner is None and live.fields["metadata"] == {"team": "x"}


# judgement

def act(op: Op, live: Live | None, address: Address = M, changes: tuple[Change, ...] = (), **fields: Any) -> Action:
    """An action as the plan makes it."""
    want: Want[Any] = Want(address, {**(live.fields if live else {}), **fields})
    return Action(op, address, id=live.id if live else None, live=live, changes=changes, want=want)


def judged(desk: Desk, *actions: Action) -> list[str]:
    """What the first action is refused for, in a scene of all of them."""
    scene = Scene({"stripe.price": tuple(o for o in desk.price.list(Ask()) if isinstance(o, Live)),
                   "stripe.product": tuple(listed(desk).values())}, {a.address: a for a in actions})
    kind = desk.price if actions[0].address.kind == "stripe.price" else desk.product
    return [note.text for note in kind.review(actions[0], scene) if note.refuse]


def test_the_last_active_price_of_a_product_on_sale_is_not_taken_away_unasked(desk: Desk) -> None:
    """Unless the product goes with it, has another price, or gets one."""
    product, price = pro(desk), monthly(desk)
    last = act(Op.DELETE, price)
    assert ["last active price" in text for text in judged(desk, last)] == [True]
    off = (Change("active", True, False),)
    assert ["last active price" in text for text in judged(desk, act(Op.UPDATE, price, changes=off))] == [True]
    assert judged(desk, last, act(Op.DELETE, product, PRO)) == []
    assert judged(desk, last, act(Op.UPDATE, product, PRO, off)) == []
    assert judged(desk, last, act(Op.CREATE, None, Address("stripe.price", "n"), product="pro")) == []
    assert judged(desk, last, act(Op.CREATE, None, Address("stripe.price", "n"), product="pro", active=False)) != []
    assert judged(desk, act(Op.REPLACE, price, unit_amount=1)) == []
    assert judged(desk, act(Op.REPLACE, price, product="other")) != []
    year = monthly(desk, "y", recurring={"interval": "year"})
    assert judged(desk, last) == []
    assert judged(desk, last, act(Op.DELETE, year, Address("stripe.price", "y"))) != []


def test_another_currency_is_refused(desk: Desk) -> None:
    """Subscriptions can't be moved between currencies."""
    pro(desk)
    found = judged(desk, act(Op.REPLACE, monthly(desk), changes=(Change("currency", "usd", "eur", replaces=True),),
                             currency="eur"))
    assert len(found) == 1 and "currency" in found[0]


def test_a_lookup_key_on_sale_elsewhere_is_not_taken_unasked(desk: Desk) -> None:
    """Changing a key to one that another active price holds is refused."""
    pro(desk)
    live, other = monthly(desk), monthly(desk, "y")
    found = judged(desk, act(Op.UPDATE, live, changes=(Change("lookup_key", "m", "y"),), lookup_key="y"))
    assert len(found) == 1 and other.id in found[0]


def test_a_product_is_not_replaced_under_its_own_id(desk: Desk) -> None:
    """Another type needs another id."""
    live = pro(desk)
    assert judged(desk, act(Op.REPLACE, live, PRO, type="good"))
    assert not judged(desk, act(Op.REPLACE, live, PRO, id="pro2"))


def test_a_supersede_tells_what_becomes_of_key_and_old_price(desk: Desk) -> None:
    """Two notes, and a fact about the subscriptions that stay."""
    pro(desk)
    live = monthly(desk)
    action = act(Op.REPLACE, live, unit_amount=3500)
    notes = list(desk.price.review(action, Scene({}, {M: action})))
    assert [(note.subject, note.text) for note in notes] == [("lookup_key", "moves to the new price"),
                                                             ("old price", "archived")]


@pytest.mark.parametrize(("count", "text"), [(0, None), (1, "1 subscription stays on it"),
                                             (100, "100 subscriptions stay on it"),
                                             (101, "more than 100 subscriptions stay on it")])
def test_subscriptions_of_an_ending_price_are_counted(desk: Desk, count: int, text: str | None) -> None:
    """One request a price, of the active ones alone."""
    pro(desk)
    live = monthly(desk)
    desk.sandbox.subscribe(live.id, count)
    desk.sandbox.subscribe(live.id, 3, "canceled")
    before = desk.api.reads_made
    assert [fact.text for fact in desk.price.look(act(Op.REPLACE, live))] == ([text] if text else [])
    assert desk.api.reads_made == before + 1
    assert not list(desk.price.look(act(Op.UPDATE, live))) and desk.api.reads_made == before + 1


def test_without_leave_to_see_subscriptions_there_is_no_fact(desk: Desk) -> None:
    """A restricted key plans all the same."""
    pro(desk)
    live = monthly(desk)
    desk.sandbox.faults.append(lambda request, n: denied() if request.path == "/v1/subscriptions" else None)
    assert list(desk.price.look(act(Op.DELETE, live))) == []


def test_switching_off_is_a_delete_to_the_reader(desk: Desk) -> None:
    """`active: false` on what is on sale has that impact; making something that rests has not."""
    off, made = (Change("active", True, False),), (Change("active", None, False),)
    live = pro(desk)
    assert [n.impact for n in desk.product.review(act(Op.UPDATE, live, PRO, off), Scene())] == [Impact.DELETE]
    assert not list(desk.product.review(act(Op.CREATE, None, PRO, made, active=False), Scene()))


def test_what_is_gone_is_missing(desk: Desk) -> None:
    """A read of an id that is not there proves absence; a write says so too."""
    assert desk.price.get("price_9") is None
    with pytest.raises(Missing):
        desk.send(Call("POST", "/v1/prices/price_9", {"nickname": "x"}))
