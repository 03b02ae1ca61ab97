"""stripe.meter: what is counted of the usage that customers pay for. It is never deleted, only deactivated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.contract import Ask, Mark, Named, Replace, Scene, Spec, covers
from reconciler.errors import Denied
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Unseen, Want
from reconciler.vendors.stripe.archived import StripeKind
from reconciler.vendors.stripe.permissions import access

USED = "reconciler:prices"
"""Our own key in the raw body: the active prices that use a meter, where that was asked."""

OFF = "inactive"


class DefaultAggregation(Spec):
    """How events become a quantity."""

    formula: Literal["sum", "count", "last"]


class CustomerMapping(Spec):
    """Where an event says whose it is."""

    type: Literal["by_id"] | None = "by_id"
    event_payload_key: Annotated[str | None, Field(min_length=1, max_length=100)] = "stripe_customer_id"


class ValueSettings(Spec):
    """Where an event says how much it is."""

    event_payload_key: Annotated[str | None, Field(min_length=1, max_length=100)] = "value"


class MeterSpec(Spec):
    """The fields of stripe.meter."""

    event_name: Annotated[Named, Field(min_length=1, max_length=100), Mark.IMMUTABLE, Impact.MONEY] = None
    display_name: Annotated[str, Field(min_length=1, max_length=250), Impact.COSMETIC]
    default_aggregation: Annotated[DefaultAggregation, Mark.IMMUTABLE, Impact.MONEY]
    customer_mapping: Annotated[CustomerMapping | None, Mark.IMMUTABLE, Impact.MONEY] = Field(
        default_factory=lambda: CustomerMapping(type="by_id", event_payload_key="stripe_customer_id"))
    value_settings: Annotated[ValueSettings | None, Mark.IMMUTABLE, Impact.MONEY] = Field(
        default_factory=lambda: ValueSettings(event_payload_key="value"))
    event_time_window: Annotated[Literal["day", "hour"] | None, Mark.IMMUTABLE, Impact.MONEY] = None
    status: Annotated[Literal["active", "inactive"] | None, Impact.MONEY] = "active"


class Meter(StripeKind[MeterSpec]):
    """What is counted. It carries no metadata, so the ledger and the event name alone say whose it is.

    An event name is unique among active meters. A meter under another name is made before the old one ends; any
    other change of what it counts keeps the name, so the old one must end first. Either way usage recorded so far
    stays with the old meter, which is why both are refused unless they are agreed to by address.
    """

    name, spec, path = "stripe.meter", MeterSpec, "/v1/billing/meters"
    terraform = (("stripe_meter", "{id}"), ("stripe_billing_meter", "{id}"))
    permissions = access("billing_meter", look="plan")
    room = False
    later = ("status",)

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """All meters, the inactive too; of those that are about to end, the active prices that use them."""
        staying = {want.get("event_name") for want in ask.wants if not self.rests(want)}
        for body in self.api.pages(self.path):
            live = self.live(body)
            ends = not live.archived and (live.id in ask.ids or self.rests_under(live, ask))
            asked = ends and live.fields["event_name"] not in staying
            yield replace(live, raw={**body, USED: self._users(live.id)}) if asked else live

    def rests_under(self, live: Live, ask: Ask) -> bool:
        """Whether an entry asks for this meter to be inactive."""
        return any(self.rests(want) and want.get("event_name") == live.fields["event_name"] for want in ask.wants)

    def _users(self, id: str) -> tuple[str, ...]:
        try:
            page = self.api.get("/v1/prices", {"active": True, "recurring": {"meter": id}, "limit": 100})
        except Denied:
            return ()
        return tuple(str(price["id"]) for price in page["data"])

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether it counts no more."""
        return bool(body.get("status") == OFF)

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """Its mapping is by id, as there is no other; its status is not a parameter."""
        wire = {name: value for name, value in fields.items() if name != "status"}
        if "customer_mapping" in wire:
            default = self.shape.child("customer_mapping").default
            wire["customer_mapping"] = {**default, **wire["customer_mapping"]}
        return wire

    def update(self, live: Live, want: Want[MeterSpec], changes: Changes) -> Iterable[Call]:
        """One POST for its name, one that switches it on or off."""
        yield from super().update(live, want, changes)
        on = want.get("status") != OFF
        if any(change.path == "status" for change in changes) and on is live.archived:
            yield self._switched(live, on=on)

    def revive(self, live: Live, want: Want[MeterSpec], changes: Changes) -> Iterable[Call]:
        """Switched on first, then what else changed."""
        yield self._switched(live, on=True)
        yield from super().update(live, want, changes)

    def delete(self, live: Live) -> Iterable[Call]:
        """One POST that deactivates it."""
        if not live.archived:
            yield self._switched(live, on=False)

    def _switched(self, live: Live, *, on: bool) -> Call:
        return Call("POST", f"{self.item(live.id)}/{'reactivate' if on else 'deactivate'}", {})

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is deactivated."""
        return Fate("deactivate", why="it takes no events any more")

    def rests(self, want: Want[MeterSpec]) -> bool:
        """Whether the manifest itself asks for it to be off."""
        return bool(want.get("status") == OFF)

    def replacing(self, live: Live, want: Want[MeterSpec]) -> Replace:
        """The old one ends first where both would have one name."""
        same = want.get("event_name") == live.fields.get("event_name")
        return Replace.DELETE_FIRST if same else Replace.CREATE_FIRST

    def revivable(self, live: Live, want: Want[MeterSpec]) -> bool:
        """An inactive meter is switched on again when it counts the same."""
        fixed = {name: value for name, value in want.fields.items() if name not in ("display_name", "status")}
        return covers({name: live.fields.get(name) for name in fixed}, fixed, self.shape)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What becomes of usage; refused: another meter, and the end of one that active prices are billed by."""
        if action.op is Op.REPLACE:
            yield Note("usage recorded so far stays with the old meter, and a new one counts from nothing",
                       impact=Impact.MONEY, refuse=True)
        if action.effect == "restore":
            yield Note("usage sent while it was inactive is not filled in", impact=Impact.MONEY)
        off = any(change.path == "status" and change.after == OFF for change in action.changes)
        if action.live is None or not (action.op in (Op.DELETE, Op.REPLACE) or (action.op is Op.UPDATE and off)):
            return
        if off:
            yield Note("deactivated: it takes no events any more", path="status", impact=Impact.DELETE)
        left = sorted(set(self._billed(action.live, scene)))
        if left:
            yield Note(f"{', '.join(left)} {'are' if len(left) > 1 else 'is'} on sale and billed by it", refuse=True)

    def _billed(self, live: Live, scene: Scene) -> Iterator[str]:
        """The active prices that use a meter and don't end in this plan."""
        prices = self.kin("stripe.price")
        ending = {id for action in scene.actions.values() if action.address.kind == prices for id in _ends(action)}
        known = live.raw.get(USED, ()) if isinstance(live.raw, Mapping) else ()
        seen = (p.id for p in scene.live.get(prices, ())
                if not p.archived and (p.fields.get("recurring") or {}).get("meter") == live.id)
        yield from (id for id in (*known, *seen) if id not in ending)


def _ends(action: Action) -> Iterator[str]:
    if action.live is not None:
        off = any(change.path == "active" and change.after is False for change in action.changes)
        if action.op in (Op.DELETE, Op.REPLACE) or (action.op is Op.UPDATE and off):
            yield action.live.id
