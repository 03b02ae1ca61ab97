"""stripe.price: what a product costs. Its amount never changes: a new amount is a new price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from reconciler.contract import Ask, Mark, Output, Replace, Scene, covers
from reconciler.contract.declare import Refer
from reconciler.errors import Denied, Missing
from reconciler.model import (
    Action,
    Address,
    Call,
    Change,
    Changes,
    Fact,
    Fields,
    Impact,
    Live,
    Note,
    Op,
    Ref,
    Unseen,
    Want,
)
from reconciler.vendors.stripe.amounts import both, one_form
from reconciler.vendors.stripe.archived import Archived, without_empty
from reconciler.vendors.stripe.permissions import access
from reconciler.vendors.stripe.portal_offer import listed, turns_away
from reconciler.vendors.stripe.pricing import INF, PriceSpec, chosen, findings, lower

KEYS_A_CALL = 10
"""How many lookup keys Stripe takes in one list."""

OPTIONS = "currency_options"


class Price(Archived[PriceSpec]):
    """What a product costs. A replaced price hands its lookup key to the new one and is then archived."""

    name, spec, path, replace = "stripe.price", PriceSpec, "/v1/prices", Replace.CREATE_FIRST
    permissions = access("plan", look="subscription")
    query: ClassVar[Mapping[str, Any]] = {"active": True}
    expand = ("tiers", OPTIONS)
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "product": Output()}
    create_impact = Impact.MONEY

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The active prices; archived ones pile up for ever, so only those with a wanted lookup key are asked for.

        All of them are read where everything is asked for, and where an entry that rests has no key to be found by.
        """
        held = set()
        for body in self.api.pages(self.path, self.query_list):
            held.add(body.get("lookup_key"))
            yield self.live(body)
        keys = [want.get("lookup_key") for want in ask.wants if want.get("lookup_key")]
        missing = [key for key in dict.fromkeys(keys) if key not in held]
        if ask.everything or any(self.rests(want) and not want.get("lookup_key") for want in ask.wants):
            yield from self._archived({})
            return
        for n in range(0, len(missing), KEYS_A_CALL):
            yield from self._archived({"lookup_keys": missing[n:n + KEYS_A_CALL]})

    def _archived(self, narrowed: Fields) -> Iterable[Live]:
        for body in self.api.pages(self.path, {**self.query_list, "active": False, **narrowed}):
            yield self.live(body)

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """Both forms of every amount, `inf` for a last tier's null, the base currency not among the others."""
        fields = both(super().from_wire(body), "unit_amount")
        for name in ("tiers", "custom_unit_amount"):
            if name in fields:
                fields[name] = _FORMS[name](fields[name])
        if OPTIONS in fields:
            fields[OPTIONS] = {currency: _option(option) for currency, option in (fields[OPTIONS] or {}).items()
                               if currency != body.get("currency")}
        return fields

    def declare(self, live: Live, refer: Refer) -> Fields:
        """Each amount in one of its forms; a tier that charges nothing says so."""
        return _said(super().declare(live, refer))

    # writing

    def title(self, live: Live) -> str:
        """Its key, or what people call it."""
        return str(live.fields.get("lookup_key") or live.fields.get("nickname") or live.id)

    def to_wire(self, fields: Fields) -> Fields:
        """A lookup key is taken from whoever has it; an amount to be chosen says that it is enabled."""
        wire = dict(fields)
        if "currency" in wire:
            wire["currency"] = lower(wire["currency"])
        if wire.get("lookup_key"):
            wire["transfer_lookup_key"] = True
        if wire.get(OPTIONS):
            wire[OPTIONS] = {currency: without_empty(_enabled(option)) for currency, option in wire[OPTIONS].items()}
        return _enabled(wire)

    def update(self, live: Live, want: Want[PriceSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; where a currency goes, all are cleared before the wanted ones are written.

        Stripe has no way to take out one currency, and leaves those alone that an update does not name.
        """
        gone, named = _currencies(changes)
        options = want.get(OPTIONS) or {}
        if gone:
            yield Call("POST", self.item(live.id), {OPTIONS: None, "expand": list(self.expand)})
            named = frozenset(options)
        rest = tuple(change for change in changes if not change.path.startswith(OPTIONS))
        written = {key: options[key] for key in options if key in named}
        if written:
            rest = (*rest, Change(OPTIONS, None, written))
        yield from super().update(live, replace(want, fields={**want.fields, OPTIONS: written}), rest)

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Amounts that exclude one another, tiers out of order, periods over three years."""
        return findings(fields)

    def forces(self, live: Live, want: Want[PriceSpec], change: Change) -> bool:
        """How a price is taxed can be said once; after that only a new price says something else."""
        said = change.path.rpartition(".")[2] == "tax_behavior" and change.before not in (None, "unspecified")
        return change.replaces or said

    def revivable(self, live: Live, want: Want[PriceSpec]) -> bool:
        """An archived price is brought back when it costs the same; else a new one takes its key."""
        fixed = {name: value for name, value in want.fields.items() if Mark.IMMUTABLE in self.shape.child(name).marks}
        taxed = live.fields.get("tax_behavior") in (None, "unspecified",
                                                    want.get("tax_behavior", live.fields.get("tax_behavior")))
        return taxed and covers({n: live.fields.get(n) for n in fixed}, fixed, self.shape)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What becomes of the key and of the old price; refused: another currency, a product left without a price."""
        yield from self.said_of_switch(action.changes, "archived: existing subscriptions keep billing on it")
        if action.live is None or action.op is Op.BLOCKED:
            return
        if action.op in (Op.REPLACE, Op.DELETE) or self.switched_off(action.changes):
            yield from self._still_offered(action.live.id, scene)
        if action.op is Op.REPLACE:
            yield from _superseded(action)
        elif any(change.path == "tax_behavior" for change in action.changes):
            yield Note("can be said once: to tax it in another way later takes a new price", path="tax_behavior",
                       impact=Impact.MONEY)
        if _currencies(action.changes)[0] and action.op is not Op.REPLACE:
            yield Note("cleared and written again: between the two requests only the base currency is offered",
                       path=OPTIONS)
        if action.op is Op.DELETE:
            yield Note("existing subscriptions keep billing on it", subject="archived")
        yield from self._taken(action, scene)
        if self._goes(action, str(action.live.fields.get("product"))) and self._last(action, scene):
            yield Note(f"it is the last active price of {action.live.fields.get('product')}, which is still on sale",
                       refuse=True)

    def _still_offered(self, id: str, scene: Scene) -> Iterable[Note]:
        """Portals that this plan does not turn away from a price that ends."""
        portals = self.kin("stripe.portal_configuration")
        turned = {a.id for a in scene.actions.values() if a.address.kind == portals and turns_away(a)}
        for portal in scene.live.get(portals, ()):
            if portal.id not in turned and not portal.archived and id in listed(portal.fields):
                yield Note(f"{portal.id} still offers it, and nothing in this plan turns it away", subject="portal")

    def _taken(self, action: Action, scene: Scene) -> Iterable[Note]:
        """A changed lookup key that another active price holds."""
        key = next((change.after for change in action.changes if change.path == "lookup_key"), None)
        going = {a.id for a in scene.actions.values() if a.op is Op.DELETE and a.address.kind == self.bound}
        for other in scene.live.get(self.bound, ()) if key is not None else ():
            if other.fields.get("lookup_key") == key and not other.archived and other.id not in {action.id, *going}:
                yield Note(f"takes the lookup key {key} from {other.id}, which is on sale", path="lookup_key",
                           refuse=True)

    def _last(self, action: Action, scene: Scene) -> bool:
        """Whether this action leaves a product that is on sale without any active price."""
        assert action.live is not None
        product = str(action.live.fields.get("product"))
        mine = [a for a in scene.actions.values() if a.address.kind == self.bound]
        gone = {a.live.id for a in mine if a.live is not None and self._goes(a, product)}
        if any(p.fields.get("product") == product and not p.archived and p.id not in gone
               for p in scene.live.get(self.bound, ())):
            return False
        holders = {a.address: a for a in scene.actions.values() if a.address.kind == self.kin("stripe.product")}
        names = {product, *(Ref.to(a.address) for a in holders.values() if a.live is not None and a.live.id == product)}
        return not any(self._comes(a, names) for a in mine) and self._on_sale(product, scene, holders)

    def _goes(self, action: Action, product: str) -> bool:
        """Whether an action ends the sale of one of the product's prices."""
        if action.live is None or action.live.archived or action.live.fields.get("product") != product:
            return False
        return action.op in (Op.DELETE, Op.REPLACE) or (action.op is Op.UPDATE and self.switched_off(action.changes))

    def _comes(self, action: Action, names: set[str]) -> bool:
        """Whether an action puts a price of the product on sale."""
        if action.want is None or self.rests(action.want):
            return False
        made = action.op in (Op.CREATE, Op.REPLACE) or (action.op is Op.UPDATE and action.effect == "restore")
        return made and action.want.get("product") in names

    def _on_sale(self, product: str, scene: Scene, holders: Mapping[Address, Action]) -> bool:
        """Whether the product stays active; one that can't be seen is taken to be."""
        mine = [a for a in holders.values() if a.live is not None and a.live.id == product]
        if any(a.op in (Op.DELETE, Op.REPLACE) or (a.acts and self.switched_off(a.changes)) for a in mine):
            return False
        seen = (p for p in scene.live.get(self.kin("stripe.product"), ()) if p.id == product)
        return not any(p.archived for p in seen)

    def look(self, action: Action) -> Iterable[Fact]:
        """How many subscriptions stay on a price that ends; nothing where the key may not see subscriptions."""
        ends = action.op in (Op.REPLACE, Op.DELETE) or (action.op is Op.UPDATE and self.switched_off(action.changes))
        if action.live is None or not ends or not action.live.fields.get("recurring"):
            return
        try:
            page = self.api.get("/v1/subscriptions", {"price": action.live.id, "status": "active", "limit": 100})
        except (Denied, Missing):
            return
        count = len(page.get("data", ()))
        if count:
            many = f"more than {count}" if page.get("has_more") else str(count)
            yield Fact(f"{many} subscription{'s stay' if count > 1 else ' stays'} on it", subject="old price")


def _superseded(action: Action) -> Iterable[Note]:
    assert action.live is not None
    key = action.live.fields.get("lookup_key")
    if key is not None and action.want is not None and action.want.get("lookup_key") == key:
        yield Note("moves to the new price", subject="lookup_key", path="lookup_key")
    yield Note("archived", subject="old price")
    if any(change.path == "currency" for change in action.changes):
        yield Note("a price in another currency: subscriptions stay in the old one and can't be moved", path="currency",
                   refuse=True)


def _currencies(changes: Changes) -> tuple[bool, frozenset[str]]:
    """Whether a currency goes, and the currencies that are set."""
    gone, named = False, set()
    for change in changes:
        head, _, rest = change.path.partition(".")
        if head != OPTIONS:
            continue
        if rest:
            currency, below, _ = rest.partition(".")
            gone = gone or (change.after is None and not below)
            named.add(currency.partition("[")[0])
        else:
            gone = gone or not change.after
            named.update(change.after or ())
    return gone, frozenset(named)


def _tiers(tiers: Any) -> Any:
    return tiers and [both({**tier, "up_to": INF if tier.get("up_to") is None else tier["up_to"]}, "unit_amount",
                           "flat_amount")
                      for tier in tiers]


def _said(fields: Fields) -> Fields:
    found = one_form(fields, "unit_amount")
    for name, value in found.items():
        if name == "tiers":
            tiers = [one_form(tier, "unit_amount", "flat_amount") for tier in value]
            found[name] = [tier if len(tier) > 1 else {**tier, "unit_amount": 0} for tier in tiers]
        elif name == OPTIONS:
            found[name] = {currency: _said(option) for currency, option in value.items()}
    return found


def _enabled(fields: Fields) -> Fields:
    if "custom_unit_amount" not in fields:
        return fields
    return {**fields, "custom_unit_amount": chosen(fields["custom_unit_amount"])}


def _option(option: Any) -> Any:
    fields = both(option or {}, "unit_amount")
    return {**fields, **{name: form(fields[name]) for name, form in _FORMS.items() if name in fields}}


_FORMS = {"tiers": _tiers, "custom_unit_amount": chosen}
