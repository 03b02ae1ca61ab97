"""One stack of Stripe entries over the sandbox: the engine's own test stack with Stripe in the place of its cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.contract.spec import PLAIN, Mark, Shape
from reconciler.model import Action, Address, Delivery, Lifecycle, Location, Plan, Ref, Resource
from tests.stripe.desk import Desk
from tests.world import Shop


class StripeShop(Shop):
    """Manifests as maps of nouns, such as `product` and `price`; a second plan is part of every `settle`."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.clock = self.desk.clock
        self.kinds = self.desk.kinds

    def resources(self, manifest: Mapping[str, Mapping[str, Any]]) -> tuple[Resource, ...]:
        """Entries as the loader hands them over: checked, the natural key filled in."""
        found = []
        for noun, entries in manifest.items():
            kind = self.kinds[f"stripe.{noun}"]
            for name, given in entries.items():
                life = dict(given.get("lifecycle", {}))
                life["deliver"] = {output: Delivery(**to) for output, to in life.get("deliver", {}).items()}
                fields = {k: self._value(v, kind.shape.child(k)) for k, v in given.items() if k != "lifecycle"}
                for field, shape in kind.shape.children.items():
                    if Mark.NAMED in shape.marks and field not in fields and "id" not in life:
                        fields[field] = name
                fields = kind.spec.model_validate(fields).given()
                assert not list(kind.check(fields)), list(kind.check(fields))
                found.append(Resource(Address(kind.bound, name), fields, Location("stripe.yaml", 1, 1), Lifecycle(**life)))
        return tuple(found)

    def _value(self, value: Any, shape: Shape) -> Any:
        """A value with its references, at any depth."""
        if isinstance(value, dict) and value.keys() <= {"ref", "output"} and value:
            target = value["ref"] if "/" in value["ref"] else f"{shape.link and shape.link.kind}/{value['ref']}"
            return Ref.to(Address.parse(target), value.get("output", shape.link.output if shape.link else "id"))
        if isinstance(value, dict):
            return {key: self._value(item, shape.child(key)) for key, item in value.items()}
        return [self._value(item, shape.item or PLAIN) for item in value] if isinstance(value, list) else value

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

    def held(self, path: str) -> dict[str, dict[str, Any]]:
        """The vendor's objects of one path."""
        return self.desk.sandbox.objects.setdefault(path, {})

    def only(self, path: str, **same: Any) -> dict[str, Any]:
        """The one object of a path that has these values."""
        found = [one for one in self.held(path).values() if all(one[name] == value for name, value in same.items())]
        assert len(found) == 1, found
        return found[0]

    @property
    def prices(self) -> dict[str, dict[str, Any]]:
        """The vendor's prices."""
        return self.desk.sandbox.objects["/v1/prices"]

    @property
    def products(self) -> dict[str, dict[str, Any]]:
        """The vendor's products."""
        return self.desk.sandbox.objects["/v1/products"]
