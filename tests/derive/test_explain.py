"""What a kind or field means, and why an entry changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.contract import registry
from reconciler.derive import explain, keys
from reconciler.derive.locate import every, found
from reconciler.errors import Usage
from reconciler.model import Call
from tests.derive.conftest import Shop, kind

KINDS = [made.name for name in registry.names() if (vendor := registry.vendor(name)) is not None for made in vendor.kinds]


def lines(text: str) -> str:
    """The text with every run of blanks as one, so that columns and line breaks don't count."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_and_every_field_is_explained(name: str) -> None:
    """Nothing is without words, no line is too long to read, and a field is found by the path that is shown."""
    of = kind(name)
    whole = explain.explain_kind(of)
    for field in every(of):
        text = explain.explain_field(of, field.path)
        assert text.startswith(f"{name}.{field.path}\n")
        assert "Type" in text
        assert all(len(line) <= 160 for line in text.splitlines())
    for field in of.shape.children:
        assert re.search(rf"^  [* ] {field} ", whole, re.MULTILINE), field
    assert "None" not in whole
    assert re.search(r"^  To plan +\S", whole, re.MULTILINE)


@pytest.mark.parametrize(("path", "field"), [
    ("tiers[0].up_to", "tiers[].up_to"), ("tiers.up_to", "tiers[].up_to"), ("tiers[1]", "tiers[]"),
    ("currency_options.eur.unit_amount", "currency_options.*.unit_amount"), ("metadata.a.b", "metadata.*"),
    ("currency_options.eur.tiers[2].up_to", "currency_options.*.tiers[].up_to"),
])
def test_a_path_may_be_written_as_in_a_plan(path: str, field: str) -> None:
    """An index or key may stand in it, and an index may be left out."""
    hit = found(kind("stripe.price"), path)
    assert hit is not None
    assert hit.path == field


def test_marks_and_impact_hold_for_what_lies_inside() -> None:
    """A field of an immutable map is immutable too, and means what the map means."""
    text = lines(explain.explain_field(kind("stripe.price"), "recurring.interval"))
    assert "A change new object (supersede): the new one is made" in text
    assert "Impact money: changes what customers pay" in text
    assert "Type day, week, month or year" in text


@pytest.mark.parametrize(("path", "hint"), [
    ("unit_amout", 'did you mean "unit_amount"?'), ("recurring.intervall", 'did you mean "recurring.interval"?'),
    ("zzz", "there are: lookup_key, product, "), ("transform_quantity.rund", 'did you mean "transform_quantity.round"?'),
    ("tiers[0].upto", 'did you mean "tiers[].up_to"?'), ("tax_details", 'did you mean "tax_behavior"?'),
    ("nickname.zzz", "reconciler explain stripe.price.nickname"), ("lifecycle.protekt", 'did you mean "protect"?'),
])
def test_an_unknown_field_has_a_suggestion(path: str, hint: str) -> None:
    """The nearest field is named, or those that there are."""
    with pytest.raises(Usage) as caught:
        explain.explain_field(kind("stripe.price"), path)
    assert caught.value.next.startswith(hint)


def test_the_words_of_lifecycle_are_explained() -> None:
    """All of them, or one."""
    assert all(word in explain.explain_field(kind("stripe.price"), "lifecycle") for word in keys.LIFECYCLE)
    assert "Refuses to delete" in explain.explain_field(kind("stripe.price"), "lifecycle.protect")


def test_an_output_is_explained_too() -> None:
    """Outputs stand beside fields in the same tongue."""
    text = lines(explain.explain_field(kind("vault.mount"), "accessor"))
    assert text.startswith("vault.mount.accessor An output: {ref: NAME, output: accessor} stands for it")
    assert "never printed" in explain.explain_field(kind("stripe.webhook_endpoint"), "secret")


def test_a_text_of_several_lines_is_shown_as_one(shop: Shop) -> None:
    """A policy can be read in its request, and is sent by the only request that there is."""
    config = shop.folder / "reconciler.yaml"
    config.write_text("project: shop\nvendors: {vault: {address: 'http://127.0.0.1:1'}}\n", "utf-8")
    shop.write("vault.policy: {api: {rules: [{path: kv/data/a, capabilities: [read]}]}}\n")
    text = shop.explain("vault.policy/api")
    assert '\n         | path "kv/data/a" {\n' in text
    assert text.count("sent by request 1") == 2


def test_a_create_is_followed_from_line_to_request(shop: Shop) -> None:
    """Each field has its place, what it means, and the number of the request that carries it."""
    text = lines(shop.explain("stripe.price/monthly"))
    assert "stripe.price/monthly create [money] declared at manifests/shop.yaml:7:3" in text
    assert "unit_amount 2900 manifests/shop.yaml:9:18 money: changes what customers pay sent by request 1" in text
    assert "Order stripe.product/pro first, for it is referred to; planned: create" in text
    assert "1. POST /v1/prices lookup_key: monthly" in text
    product = lines(shop.explain("stripe.product/pro"))
    assert "default_price {stripe.price/monthly id} manifests/shop.yaml:4:20 set afterwards" in product
    assert "2. POST /v1/products/pro (once both ends exist) default_price: {stripe.price/monthly id}" in product


def test_an_unchanged_entry_is_said_to_be(shop: Shop) -> None:
    """After an apply there is nothing to explain but that all is as it should be, and what was compared."""
    shop.apply()
    text = lines(shop.explain("stripe.price/monthly"))
    assert text.startswith("stripe.price/monthly unchanged ")
    assert "Nothing changes: all that the manifest says is so already (lookup_key, product, currency" in text
    assert "Requests" not in text


def test_a_replace_names_the_rule(shop: Shop) -> None:
    """A changed amount: immutable, so a new price; its key moves, the old one is archived by the last request."""
    shop.apply()
    shop.edit("2900", "3500")
    text = lines(shop.explain("stripe.price/monthly"))
    assert "stripe.price/monthly replace, supersede [money]" in text
    assert "unit_amount 2900 -> 3500 manifests/shop.yaml:9:18 immutable: a change means a new object (supersede)" in text
    assert "lookup_key moves to the new price" in text
    assert "(ends the old object) active: false" in text


def test_a_one_way_field_names_its_rule(shop: Shop) -> None:
    """A field that can be said once is no immutable one; what the kind says of it is shown."""
    shop.edit("nickname: Monthly", "tax_behavior: exclusive")
    shop.apply()
    shop.edit("exclusive", "inclusive")
    text = lines(shop.explain("stripe.price/monthly"))
    assert "tax_behavior exclusive -> inclusive manifests/shop.yaml:11:19 How a price is taxed can be said once" in text


def test_drift_is_told_from_an_edit(shop: Shop) -> None:
    """What somebody changed outside is marked, and is left where that was asked for."""
    shop.apply()
    shop.sandboxed(lambda api: api.send(Call("POST", "/v1/products/pro", {"name": "Profi"})))
    text = lines(shop.explain("stripe.product/pro"))
    assert "name (changed outside) Profi -> Pro" in text
    assert "drift: undoes what somebody changed by hand" in text
    left = lines(shop.explain("stripe.product/pro", leave_drift=True))
    assert "left as it is: somebody changed it outside" in left
    assert "Requests" not in left


def test_a_removed_entry_says_what_becomes_of_it(shop: Shop) -> None:
    """Why it goes, and what removal means for this kind."""
    shop.apply()
    shop.write("stripe.product: {other: {name: Other}}\n")
    text = lines(shop.explain("stripe.price/monthly"))
    assert text.startswith("stripe.price/monthly delete, archive [delete]")
    assert "It is ours and no longer in the manifests, so it goes. It is archived." in text
    assert re.search(r"1\. POST /v1/prices/price_\d+ active: false", text)


def test_a_blocked_entry_says_why(shop: Shop) -> None:
    """The reason stands where the verdict stands, and requests are said to be held back."""
    shop.sandboxed(lambda api: api.send(Call("POST", "/v1/products", {"id": "pro", "name": "Other"}), "key-1"))
    text = lines(shop.explain("stripe.product/pro"))
    assert "stripe.product/pro blocked" in text
    assert "Held back: pro exists already and differs" in text
    assert "name Other -> Pro" in text


def test_texts_from_outside_can_t_play_with_the_terminal(shop: Shop) -> None:
    """Control and invisible characters of live values are spelled out."""
    shop.apply()
    shop.sandboxed(lambda api: api.send(Call("POST", "/v1/products/pro", {"name": "a\x1b[31m\u202eb"})))
    text = shop.explain("stripe.product/pro")
    assert r"a\u001b[31m\u202eb -> Pro" in lines(text)
    assert "\x1b" not in text


def test_a_secret_is_never_shown() -> None:
    """Neither in a change nor in the body of a request."""
    from reconciler.derive.why import why
    from reconciler.model import Action, Address, Change, Location, Op, Plan, Resource, SecretRef, Want
    from reconciler.secret import Secret

    address = Address("vault.kv_secret", "api")
    given: dict[str, Any] = {"mount": "kv", "data": {"key": SecretRef.to("smtp")}}
    body = {"data": {"key": Secret("canary")}}
    action = Action(Op.CREATE, address, changes=(Change("data", None, body["data"], secret=True),),
                    resource=Resource(address, given, Location("m.yaml", 1, 1)), want=Want(address, body),
                    make=(Call("POST", "/v1/kv/data/api", body),))
    text = "\n".join(why(action, kind("vault.kv_secret"), Plan("p", "s", (action,))))
    assert "canary" not in text
    assert "data  (secret)" in text
    assert '{"key": "(secret)"}' in text
