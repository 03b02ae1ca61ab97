"""resend.webhook: where Resend sends events. Its signing secret can be read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from reconciler.contract import Ask, Canonical, Mark, Output, Replace, Scene, Spec
from reconciler.model import Action, Fields, Impact, Live, Note, Op, Unseen, has_token
from reconciler.secret import Secret
from reconciler.vendors.resend.objects import ResendKind

SECRET = "signing_secret"  # noqa: S105 - the name of an output


def events(value: Any) -> Any:
    """Event names as the set that they are."""
    return sorted(set(value), key=str) if isinstance(value, list) else value


class WebhookSpec(Spec):
    """The fields of resend.webhook; events are named as `email.bounced`."""

    endpoint: Annotated[str, Field(pattern="^https?://"), Mark.IDENTITY, Impact.ACCESS]
    events: Annotated[list[Annotated[str, Field(pattern=r"^[a-z]+(\.[a-z_]+)+$")]], Field(min_length=1), Canonical(events),
                      Mark.UNORDERED]
    status: Literal["enabled", "disabled"] | None = "enabled"


class Webhook(ResendKind[WebhookSpec]):
    """Where events go. Two webhooks may have one endpoint: then the ledger tells ours, or nobody does.

    The signing secret is in the answer to the create and in a GET of one webhook (contract 1.5.0), not in the list; a
    changed `rotate` makes a webhook beside the old one, delivers its secret, and removes the old one.
    """

    name, spec, path, replace = "resend.webhook", WebhookSpec, "/webhooks", Replace.CREATE_FIRST
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), SECRET: Output(secret=True)}
    later = ("status",)

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every webhook; one by one only where somebody refers to a secret."""
        if SECRET in ask.outputs:
            return self.one_by_one(ask, "endpoint")
        return (self.live(body) for body in self.api.pages(self.path))

    def live(self, body: Mapping[str, Any]) -> Live:
        """A body as a live object; its secret is an output and nothing else."""
        live = super().live({key: value for key, value in body.items() if key != SECRET})
        secret = {SECRET: Secret(body[SECRET])} if body.get(SECRET) else {}
        return replace(live, outputs={**live.outputs, **secret})

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields; events may read as null, and then nobody can say what they are."""
        return {name: value for name, value in super().from_wire(body).items() if name != "events" or value}

    # judgement

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Where events go from now on, and who learns the secret."""
        for change in action.changes:
            if change.path == "endpoint" and isinstance(change.before, str) and isinstance(change.after, str):
                before, after = urlsplit(change.before).hostname, urlsplit(change.after).hostname
                if before != after:
                    yield Note(f"events go to another host: {after} instead of {before}", path="endpoint", impact=Impact.ACCESS)
            if change.path == "status" and change.after == "disabled":
                yield Note("no event is sent while it is off", path="status")
        if action.op is Op.CREATE and not scene.heard(action, SECRET):
            yield Note(f"its signing secret goes nowhere: `lifecycle: {{deliver: {{{SECRET}: …}}}}`", subject=SECRET)
        if action.op is Op.DELETE:
            yield Note("no event is sent any more, and its secret can't be brought back")
        if action.op is Op.REPLACE:
            yield Note("a new signing secret: until consumers know it they refuse the new webhook's events", subject=SECRET,
                       impact=Impact.ACCESS)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """An endpoint has a host."""
        endpoint = fields.get("endpoint") or ""
        if not has_token(endpoint) and not urlsplit(endpoint).hostname:
            yield "endpoint", "has no host"
