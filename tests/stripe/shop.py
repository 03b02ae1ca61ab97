"""One stack of Stripe entries over the sandbox: the engine's own test stack with Stripe in the place of its cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.contract.spec import Mark
from reconciler.model import Action, Address, Lifecycle, Location, Plan, Resource
from tests.stripe.desk import Desk
from tests.world import Shop


class StripeShop(Shop):
    """Manifests as maps of `product` and `price`; a second plan is part of every `settle`."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.clock = self.desk.clock
        self.kinds = {"stripe.product": self.desk.product, "stripe.price": self.desk.price}
        self.looked = 0

    def resources(self, manifest: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over: checked, the natural key filled in."""
        found = []
        for noun, entries in manifest.items():
            kind = self.kinds[f"stripe.{noun}"]
            for name, given in entries.items():
                life = Lifecycle(**given.get("lifecycle", {}))
                fields = {k: self._value(v, kind.shape.child(k)) for k, v in given.items() if k != "lifecycle"}
                for field, shape in kind.shape.children.items():
                    if Mark.NAMED in shape.marks and field not in fields:
                        fields[field] = name
                fields = kind.spec.model_validate(fields).given()
                assert not list(kind.check(fields)), list(kind.check(fields))
                found.append(Resource(Address(kind.bound, name), fields, Location("stripe.yaml", 1, 1), life))
        return tuple(found)

    def settle(self, manifest: Mapping[str, Any], **more: Any) -> list[str]:
        """Apply, see that all went well and that a second plan is empty; returns the writes in order."""
        made = self.plan(manifest, **more)
        blocked = [action.blocked for action in made.actions if action.blocked]
        assert not made.stopped and not blocked, (made.stopped, blocked)
        before = len(self.desk.sandbox.requests)
        report = self.run(made)
        assert all(outcome.result.value == "done" for outcome in report.outcomes), report.outcomes
        writes = self.writes(before)
        again = self.plan(manifest)
        assert again.empty, [(str(a.address), a.op, a.changes, a.blocked) for a in again.actions if a.acts or a.blocked]
        return writes

    def writes(self, since: int = 0) -> list[str]:
        """The writes that the vendor got."""
        return [f"{r.method} {r.path}" for r in self.desk.sandbox.requests[since:] if r.method != "GET"]

    def action(self, made: Plan, address: str) -> Action:
        """The action of `noun/name`."""
        return next(a for a in made.actions if str(a.address) == f"stripe.{address}")

    @property
    def prices(self) -> dict[str, dict[str, Any]]:
        """The vendor's prices."""
        return self.desk.sandbox.objects["/v1/prices"]

    @property
    def products(self) -> dict[str, dict[str, Any]]:
        """The vendor's products."""
        return self.desk.sandbox.objects["/v1/products"]
