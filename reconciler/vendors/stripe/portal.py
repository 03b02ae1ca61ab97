"""stripe.portal_configuration: the page where customers manage their subscriptions. It is never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from reconciler.contract import Output, Scene, overlay
from reconciler.contract.spec import Shape
from reconciler.model import Action, Call, Changes, Fate, Fields, Impact, Live, Note, Op, Want
from reconciler.vendors.stripe.archived import Archived, without_empty
from reconciler.vendors.stripe.permissions import access
from reconciler.vendors.stripe.portal_fields import PortalConfigurationSpec
from reconciler.vendors.stripe.portal_offer import UPDATE, listed
from reconciler.vendors.stripe.pricing import LONGEST


class PortalConfiguration(Archived[PortalConfigurationSpec]):
    """What customers may do by themselves. The account's default one can't be switched off, so it is let go instead.

    Stripe fills every block that is not given with one that is off. A block is written with what changed and its
    `enabled`; a list of products goes whole, with what is live of each below what is wanted.
    """

    name, spec, path = "stripe.portal_configuration", PortalConfigurationSpec, "/v1/billing_portal/configurations"
    terraform = (("stripe_portal_configuration", "{id}"), ("stripe_billing_portal_configuration", "{id}"))
    permissions = access("customer_portal")
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "is_default": Output()}
    expand = (f"features.{UPDATE}.products",)
    later = ("active",)

    # reading

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """What the spec knows, at every depth; feedback options by their ids."""
        fields: Fields = known(super().from_wire(body), self.shape)
        fields["business_profile"] = without_empty(fields.get("business_profile") or {})
        reason = ((fields.get("features") or {}).get("subscription_cancel") or {}).get("cancellation_reason") or {}
        if reason.get("feedback_options"):
            reason["feedback_options"] = [one["id"] if isinstance(one, Mapping) else one
                                          for one in reason["feedback_options"]]
        return fields

    # writing

    def create(self, want: Want[PortalConfigurationSpec]) -> Call:
        """One POST; Stripe wants `features`, and of a reason its options, even where there are none."""
        call = super().create(want)
        features = dict(call.body.get("features") or {"invoice_history": {"enabled": False}})
        cancel = features.get("subscription_cancel") or {}
        if "cancellation_reason" in cancel:
            reason = {"options": [], **cancel["cancellation_reason"]}
            features["subscription_cancel"] = {**cancel, "cancellation_reason": reason}
        return Call(call.method, call.path, {**call.body, "features": features})

    def update(self, live: Live, want: Want[PortalConfigurationSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed, of the blocks no more than that."""
        mine = tuple(change for change in changes if not change.path.startswith(("features", "business_profile")))
        body: Fields = {}
        for call in super().update(live, want, mine):
            body = dict(call.body)
        for name in ("features", "business_profile"):
            paths = [change.path.partition("[")[0].split(".") for change in changes if change.path.startswith(name)]
            if paths:
                body[name] = self._changed(name, live, want, paths)
        if body:
            yield Call("POST", self.item(live.id), {**body, **self.query_one()})

    def _changed(self, name: str, live: Live, want: Want[PortalConfigurationSpec], paths: list[list[str]]) -> Fields:
        """Of a map the parts that changed: of the profile its fields, of the features their blocks' fields."""
        shape = self.shape.child(name)
        given, held = filled(want.get(name), shape), live.fields.get(name) or {}
        if name == "business_profile":
            whole = any(len(path) == 1 for path in paths)
            names = [*shape.children] if whole else [path[1] for path in paths]
            return {one: (given or {}).get(one) for one in names}
        body: Fields = {}
        for block in dict.fromkeys(path[1] for path in paths) if all(len(path) > 1 for path in paths) else given:
            fields = [path[2] for path in paths if len(path) > 2 and path[1] == block] or [*given[block]]
            old = held.get(block) or {}
            body[block] = {"enabled": given[block].get("enabled", old.get("enabled", False))}
            for field in dict.fromkeys(fields):
                part = overlay(without_empty(old.get(field)), given[block][field], shape.child(block).child(field))
                body[block][field] = without_empty(part) if isinstance(part, list) else part
        return body

    # judgement

    def fate(self, live: Live) -> Fate:
        """It is switched off; the default one is let go."""
        if live.outputs.get("is_default"):
            return Fate("release", why="it is the account's default, which can't be switched off")
        return Fate("deactivate", why="no session can be opened with it any more")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What Stripe wants beside what is switched on."""
        features = fields.get("features") or {}
        for block, needed in (("customer_update", "allowed_updates"), (UPDATE, "default_allowed_updates"),
                              (UPDATE, "products")):
            said = features.get(block) or {}
            if said.get("enabled") and needed in said and not said[needed]:
                yield f"features.{block}.{needed}", "can't be empty while it is enabled"
        yield from _pauses((features.get("subscription_pause") or {}).get("duration") or {})
        products = [one.get("product") for one in (features.get(UPDATE) or {}).get("products") or ()]
        for n, product in enumerate(products):
            if product in products[:n]:
                yield f"features.{UPDATE}.products[{n}].product", "stands here twice: give all its prices in one place"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What is switched off, and prices that nobody can buy."""
        if self.switched_off(action.changes):
            default = action.live is not None and bool(action.live.outputs.get("is_default"))
            yield Note("it is the account's default, and Stripe can't switch that off" if default else
                       "switched off: no session can be opened with it any more", path="active", impact=Impact.DELETE,
                       refuse=default)
        if action.op in (Op.CREATE, Op.UPDATE, Op.REPLACE) and action.want is not None:
            off = {price.id for price in scene.live.get(self.kin("stripe.price"), ()) if price.archived}
            back = {a.live.id for a in scene.actions.values() if a.live is not None and a.acts and a.effect == "restore"}
            for id in sorted(listed(action.want.fields) & (off - back)):
                yield Note(f"{id} is archived, and Stripe refuses a portal that lists such a price", refuse=True,
                           path=f"features.{UPDATE}.products")


def known(value: Any, shape: Shape) -> Any:
    """A value without what its shape does not know, such as the address of a login page."""
    if isinstance(value, Mapping) and shape.children:
        return {key: known(item, shape.child(key)) for key, item in value.items() if key in shape.children}
    return [known(item, shape.item) for item in value] if isinstance(value, list) and shape.item else value


def filled(value: Any, shape: Shape) -> Any:
    """A value with the vendor's default for every null, at every depth."""
    if value is None:
        value = shape.default
    if isinstance(value, dict) and shape.children:
        return {key: filled(item, shape.child(key)) for key, item in value.items()}
    return [filled(item, shape.item) for item in value] if isinstance(value, list) and shape.item else value


def _pauses(duration: Fields) -> Iterable[tuple[str, str]]:
    at = "features.subscription_pause.duration"
    if duration.get("type") == "interval_options" and not duration.get("interval_options"):
        yield f"{at}.interval_options", "needs at least one time to choose"
    if duration.get("type") == "indefinite" and duration.get("interval_options"):
        yield f"{at}.interval_options", "goes with type: interval_options only"
    for n, option in enumerate(duration.get("interval_options") or ()):
        if (option.get("interval_count") or 1) > LONGEST[option["interval"]]:
            yield f"{at}.interval_options[{n}].interval_count", "is more than three years"
