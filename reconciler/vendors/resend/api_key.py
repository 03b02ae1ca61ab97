"""resend.api_key: a key of the team. Its token is shown once, by the create alone, and goes where somebody waits for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from reconciler.contract import Link, Mark, Named, Output, Replace, Scene, Spec
from reconciler.model import Action, Fate, Fields, Impact, Live, Note, Op
from reconciler.secret import Secret
from reconciler.vendors.resend.objects import ResendKind

TOKEN = "token"  # noqa: S105 - the name of an output
RECENT = 7 * 86400.0
"""Seconds in which a key that was used counts as in use."""


class ApiKeySpec(Spec):
    """The fields of resend.api_key; `domain` limits a key of `sending_access` to one domain."""

    name: Annotated[Named, Field(min_length=1, max_length=50), Impact.COSMETIC] = None
    permission: Annotated[Literal["full_access", "sending_access"] | None, Mark.IMMUTABLE, Mark.WRITE_ONLY,
                          Impact.ACCESS] = "full_access"
    domain: Annotated[str | None, Link("resend.domain"), Mark.IMMUTABLE, Mark.WRITE_ONLY, Impact.ACCESS] = None


class ApiKey(ResendKind[ApiKeySpec]):
    """A key of the team.

    Nothing reads one key, and the list tells neither permission nor domain (contract 1.5.0): a change of them is seen
    against what was last written. Names are not unique, so the ledger goes before the name. A new key is made and
    delivered before the old one is removed; `keep_old` leaves that to a later plan, which waits until nobody uses it.
    """

    name, spec, path, replace = "resend.api_key", ApiKeySpec, "/api-keys", Replace.CREATE_FIRST
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), TOKEN: Output(secret=True, once=True, awaited=True)}
    create_impact = Impact.ACCESS

    # reading

    def get(self, id: str) -> Live | None:
        """One key out of the whole list."""
        return next((self.live(body) for body in self.api.pages(self.path) if body["id"] == id), None)

    def live(self, body: Mapping[str, Any]) -> Live:
        """A body as a live object; the token of a new one is an output and nothing else."""
        live = super().live({key: value for key, value in body.items() if key != TOKEN})
        return replace(live, outputs={**live.outputs, TOKEN: Secret(body[TOKEN])}) if body.get(TOKEN) else live

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """The domain as the API calls it."""
        wire = {name: value for name, value in fields.items() if name != "domain"}
        return {**wire, "domain_id": fields["domain"]} if fields.get("domain") is not None else wire

    # judgement

    def fate(self, live: Live) -> Fate:
        """The key is deleted; what still sends with it stops, and its token can't be brought back."""
        used = self._used(live)
        if used:
            return Fate("delete", irreversible=True, why=f"it was used {used}, and what sends with it stops")
        return Fate()

    def _used(self, live: Live) -> str:
        """When it was last used, if that is recent; empty when nobody uses it."""
        last = live.raw.get("last_used_at") if isinstance(live.raw, Mapping) else None
        if not last:
            return ""
        ago = max(self.api.clock.now() - _seconds(str(last)), 0.0)
        days, hours = int(ago // 86400), int(ago // 3600)
        return "" if ago >= RECENT else f"{days} d ago" if days else f"{hours} h ago" if hours else "within the hour"

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Only a key that may do no more than send is bound to a domain."""
        if fields.get("domain") is not None and fields.get("permission") != "sending_access":
            yield "domain", "only a key with permission: sending_access is limited to a domain"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What a new key means for those that send with the old one; refused: taking a key away that is in use."""
        if any(change.replaces for change in action.changes) and action.op is Op.REPLACE:
            yield Note("live permission and domain can't be read: the manifest differs from what was last written",
                       subject="rotate")
        if action.op is not Op.REPLACE or action.live is None:
            return
        used = self._used(action.live)
        if action.drop and used:
            yield Note(f"the old key was used {used}, and what sends with it stops: `rotate` with `keep_old: 7d` leaves it "
                       "until nobody does", subject="old", impact=Impact.IRREVERSIBLE, refuse=True)


def _seconds(text: str) -> float:
    """A time as Resend writes it (`2023-10-06 23:47:56.678+00`), in seconds since the epoch; nonsense is now."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return float("inf")
