"""stripe.webhook_endpoint: where Stripe sends events. Its signing secret is shown once, by the create alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from reconciler.contract import Canonical, Mark, Output, Replace, Scene, Spec
from reconciler.model import Action, Fields, Impact, Live, Note, Op, Want, has_token
from reconciler.secret import Secret
from reconciler.vendors.stripe.archived import StripeKind
from reconciler.vendors.stripe.metadata import Metadata
from reconciler.vendors.stripe.permissions import access

SECRET = "secret"  # noqa: S105 - the name of an output


def events(value: Any) -> Any:
    """Event names as the set that they are."""
    return sorted(set(value), key=str) if isinstance(value, list) else value


class WebhookEndpointSpec(Spec):
    """The fields of stripe.webhook_endpoint."""

    url: Annotated[str, Field(pattern="^https?://"), Mark.IDENTITY, Impact.ACCESS]
    enabled_events: Annotated[list[Annotated[str, Field(pattern=r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$")]],
                              Field(min_length=1), Canonical(events), Mark.UNORDERED]
    connect: Annotated[bool | None, Mark.CREATE_ONLY, Mark.IDENTITY, Impact.ACCESS] = False
    api_version: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$"), Mark.CREATE_ONLY] = None
    description: Annotated[str | None, Impact.COSMETIC] = None
    disabled: bool | None = False
    metadata: Metadata = None


class WebhookEndpoint(StripeKind[WebhookEndpointSpec]):
    """Where events go. Two endpoints may have one url, as long as one of them hears of connected accounts and one not.

    `connect` is never returned; an endpoint that belongs to an `application` is one. It and `api_version` are given
    at creation and never make another endpoint: a new one has a new secret, and every consumer refuses its events
    until it knows that.
    """

    name, spec, path = "stripe.webhook_endpoint", WebhookEndpointSpec, "/v1/webhook_endpoints"
    permissions = access("webhook")
    replace = Replace.CREATE_FIRST
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), SECRET: Output(secret=True, once=True)}
    later = ("disabled",)

    # reading

    def live(self, body: Mapping[str, Any]) -> Live:
        """A body as a live object; the secret of a new one is an output and nothing else."""
        live = super().live({key: value for key, value in body.items() if key != SECRET})
        secret = {SECRET: Secret(body[SECRET])} if body.get(SECRET) else {}
        return replace(live, outputs={**live.outputs, **secret})

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """Its status as `disabled`, its application as `connect`."""
        off, connect = body.get("status") == "disabled", body.get("application") is not None
        return {**super().from_wire(body), "disabled": off, "connect": connect}

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        """The url, and whose events it hears."""
        return super().identity({**fields, "connect": bool(fields.get("connect"))})

    # judgement

    def remarks(self, live: Live, want: Want[WebhookEndpointSpec]) -> Iterable[Note]:
        """What was given at creation and is otherwise now."""
        for name in ("connect", "api_version"):
            asked, held = want.get(name), live.fields.get(name)
            if asked is not None and asked != held:
                shown = str(held).lower() if isinstance(held, bool) else held or "the account's own"
                yield Note(f"stays {shown}: it is given at creation alone; a changed `rotate` makes another endpoint",
                           subject=name, path=name)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Where events go from now on; refused: another secret that nobody asked for."""
        yield from _moved(action)
        if any(change.path == "disabled" and change.after is True for change in action.changes):
            yield Note("no event is sent while it is off", path="disabled")
        if action.op is Op.DELETE:
            yield Note("no event is sent any more, and its secret can't be brought back")
        if action.op is Op.REPLACE:
            asked = action.effect == "rotate" and scene.heard(action, SECRET)
            yield Note("a new signing secret: consumers refuse events until they know it", subject=SECRET,
                       impact=Impact.ACCESS, refuse=not asked)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A url has a host."""
        url = fields.get("url") or ""
        if not has_token(url) and not urlsplit(url).hostname:
            yield "url", "has no host"


def _moved(action: Action) -> Iterable[Note]:
    for change in action.changes:
        if change.path == "url" and isinstance(change.before, str) and isinstance(change.after, str):
            before, after = urlsplit(change.before).hostname, urlsplit(change.after).hostname
            if before != after:
                yield Note(f"events go to another host: {after} instead of {before}", path="url", impact=Impact.ACCESS)
