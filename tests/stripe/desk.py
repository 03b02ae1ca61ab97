"""Stripe's kinds over Stripe's sandbox without the engine, and what the referee must know of Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.clock import TestClock
from reconciler.contract import Ask, covers
from reconciler.contract.kind import Kind
from reconciler.engine.diff import NOTHING, Applied, diff
from reconciler.model import Address, Call, Changes, Live, Owner, Want
from reconciler.secret import Secret
from reconciler.vendors.stripe import VENDOR, StripeSettings
from reconciler.vendors.stripe.api import StripeApi
from reconciler.vendors.stripe.form import nested, pairs, split
from reconciler.vendors.stripe.sandbox import StripeSandbox
from tests.referee import CONTRACTS, Exchange, Habits, Referee

HABITS = Habits(form=True, decode=lambda body: nested(split(body.decode())), forgiven={
    r"^GET /v1/(account|subscriptions): .* is not in the document":
        "both are only read, for the account's id and a count; the document was cut down to the catalogue"})


class Desk:
    """One Stripe account in the sandbox, and all kinds over it, each by its noun."""

    def __init__(self, **settings: Any) -> None:
        self.clock = TestClock()
        self.sandbox = StripeSandbox(VENDOR.kinds, clock=self.clock)
        self.api = self.connect(**settings)
        self.kinds = VENDOR.bind(self.api)

    def __getattr__(self, noun: str) -> Any:
        if noun != "kinds" and f"stripe.{noun}" in self.kinds:
            return self.kinds[f"stripe.{noun}"]
        raise AttributeError(noun)

    def connect(self, key: str = "sk_test_123", **settings: Any) -> StripeApi:
        """Another client of the same account."""
        return StripeApi(StripeSettings(api_key=Secret(key), **settings), connection="stripe",
                         transport=self.sandbox.transport(), clock=self.clock)

    def want(self, kind: Kind[Any], name: str, fields: Mapping[str, Any]) -> Want[Any]:
        """An entry's fields as the loader hands them over."""
        spec = kind.spec.model_validate(dict(fields))
        found = list(kind.check(spec.given()))
        assert not found, found
        address = Address(kind.name, name)
        return Want(address, spec.given(), Owner("shop/test", str(address)) if kind.room else None)

    def make(self, kind: Kind[Any], key: str, /, **fields: Any) -> Live:
        """Create, and see that what was wanted is there."""
        want = self.want(kind, key, fields)
        live = self.seen(kind, self.api.send(kind.create(want), f"key-{key}-{len(self.sandbox.requests)}"))
        assert covers(live.fields, want.fields, kind.shape), (live.fields, want.fields)
        assert live.owner == want.owner
        return live

    def seen(self, kind: Kind[Any], answer: Any) -> Live:
        """The object in an answer, which must be what a read and a list show too."""
        live = kind.read(answer)
        assert live is not None
        shown = replace(live, outputs={name: value for name, value in live.outputs.items() if not kind.outputs[name].once})
        assert kind.get(live.id) == shown
        assert [one for one in kind.list(Ask()) if isinstance(one, Live) and one.id == live.id] in ([shown], [])
        return live

    def changes(self, kind: Kind[Any], live: Live, fields: Mapping[str, Any], applied: Applied = NOTHING) -> Changes:
        """What differs."""
        return diff(dict(fields), live.fields, kind.shape, applied)

    def change(self, kind: Kind[Any], live: Live, applied: Applied = NOTHING, /, **fields: Any) -> Live:
        """Update, and see that a second look finds no difference."""
        want = Want(Address(kind.name, "x"), fields, live.owner)
        changes = self.changes(kind, live, fields, applied)
        assert changes, (fields, live.fields)
        for call in kind.update(live, want, changes):
            live = self.seen(kind, self.send(call))
        assert not self.changes(kind, live, fields), self.changes(kind, live, fields)
        return live

    def send(self, call: Call) -> Any:
        """One write under a key of its own."""
        return self.api.send(call, f"key-{len(self.sandbox.requests)}")

    def bodies(self) -> list[dict[str, str]]:
        """The writes as pairs, without the expansions."""
        return [{key: value for key, value in pairs(one.body or {}) if not key.startswith("expand")}
                for one in self.sandbox.requests if one.method != "GET"]


def judge(desk: Desk) -> None:
    """Check what was sent and answered against the vendor's own description, where that is at hand.

    Requests that the sandbox refused are not judged: most of them are wrong on purpose.
    """
    if (CONTRACTS / "stripe.json").exists():
        referee = Referee("stripe.json", HABITS)
        assert not referee.complaints(Exchange.of(one) for one in desk.sandbox.requests if one.status == 200)
