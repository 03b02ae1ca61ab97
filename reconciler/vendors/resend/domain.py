"""resend.domain: where mail is sent from and received. It is made at once, and verified once its DNS records are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from reconciler.contract import Ask, Canonical, Mark, Output, Replace, Scene, Spec
from reconciler.model import Action, Call, Fate, Fields, Impact, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.resend.dns import return_path, shown, zoned
from reconciler.vendors.resend.objects import ResendKind

Switch = Literal["enabled", "disabled"]
RESTING = ("verified", "pending")
"""Statuses in which a verification is not asked for: it would put a verified domain back to pending."""

_LABEL = r"[A-Za-z0-9]+(-+[A-Za-z0-9]+)*"


def lower(value: Any) -> Any:
    """A name as DNS compares it."""
    return value.strip().rstrip(".").lower() if isinstance(value, str) and not has_token(value) else value


def _dotted(value: str | None) -> str | None:
    if value is not None and not has_token(value) and (len(value) > 253 or any(len(part) > 63 for part in value.split("."))):
        raise ValueError("has at most 253 characters, and 63 between two dots")
    return value


class Capabilities(Spec):
    """What a domain is for; at least one of the two is enabled."""

    sending: Annotated[Switch | None, Impact.ACCESS] = "enabled"
    receiving: Annotated[Switch | None, Impact.ACCESS] = "disabled"


class DomainSpec(Spec):
    """The fields of resend.domain."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, Canonical(lower), AfterValidator(_dotted),
                    Field(pattern=rf"^({_LABEL}\.)+{_LABEL}\.?$")] = None
    region: Annotated[Literal["us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1"] | None, Mark.IMMUTABLE] = "us-east-1"
    custom_return_path: Annotated[str | None, Mark.CREATE_ONLY, AfterValidator(_dotted), Field(pattern=rf"^{_LABEL}$")] = "send"
    open_tracking: bool | None = False
    click_tracking: bool | None = False
    tracking_subdomain: Annotated[str | None, Canonical(lower), Field(pattern=rf"^({_LABEL}\.)*{_LABEL}$")] = None
    tls: Annotated[Literal["opportunistic", "enforced"] | None, Mark.WRITE_ONLY] = "opportunistic"
    capabilities: Capabilities | None = Capabilities(sending="enabled", receiving="disabled")


class Domain(ResendKind[DomainSpec]):
    """Where mail is sent from.

    Its DNS records are an output; until they are there it is not verified, which is no difference: Resend looks for 72
    hours after it was asked to, and a later apply asks again. It never asks for a domain that is verified or pending,
    because the question alone puts a verified one back to pending. `tls` and `custom_return_path` are in no answer
    (contract 1.5.0): the first is compared with what was last written, the second is seen in the records.
    """

    name, spec, path = "resend.domain", DomainSpec, "/domains"
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "records": Output(zone=True), "status": Output()}

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every domain; those that are asked for one by one, because records and tracking_subdomain are not in the list."""
        return self.one_by_one(ask, "name")

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, the return path as the records tell it."""
        path = return_path(body)
        return {**super().from_wire(body), **({"custom_return_path": path} if path else {})}

    def outputs_of(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The DNS records, each with its whole name, and how far the domain is."""
        records = {"records": zoned(body)} if body.get("records") is not None else {}
        return {**records, "status": body.get("status") or "not_started"}

    # writing

    def to_wire(self, fields: Fields) -> Fields:
        """A subdomain that is cleared is an empty text: the API has no null for it."""
        cleared = {"tracking_subdomain": ""} if fields.get("tracking_subdomain", ...) is None else {}
        return {**fields, **cleared}

    def replacing(self, live: Live, want: Want[DomainSpec]) -> Replace:
        """A name is there once; only a domain of another name can be made beside the old one."""
        renamed = lower(want.get("name")) != lower(live.fields.get("name"))
        return Replace.CREATE_FIRST if renamed else Replace.DELETE_FIRST

    def after(self, live: Live, want: Want[DomainSpec]) -> Iterable[Call]:
        """One request to look for the records, where nobody is looking."""
        if live.outputs.get("status") not in RESTING:
            yield Call("POST", f"{self.item(live.id)}/verify")

    # judgement

    def fate(self, live: Live) -> Fate:
        """The domain is deleted at once; where it is verified, mail from it stops and its DKIM keys don't come back."""
        if live.outputs.get("status") == "verified":
            return Fate("delete", irreversible=True, why="it is verified: mail from it stops, its DKIM keys are gone, and "
                        "another team may claim the name")
        return Fate()

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """A domain is for something."""
        given = fields.get("capabilities") or {}
        if given.get("sending") == "disabled" and given.get("receiving") in (None, "disabled"):
            yield "capabilities", "sending and receiving can't both be disabled"

    def remarks(self, live: Live, want: Want[DomainSpec]) -> Iterable[Note]:
        """What it waits for, and what it was made with."""
        status = live.outputs.get("status")
        if status != "verified":
            missing = ", ".join(shown(one) for one in live.outputs.get("records") or () if one.get("status") != "verified")
            word = "Resend is looking for" if status == "pending" else "needs DNS:"
            yield Note(f"{status}; {word} {missing or 'its records'}", subject="status")
        asked, held = want.get("custom_return_path"), live.fields.get("custom_return_path")
        if asked is not None and held is not None and lower(asked) != lower(held):
            yield Note(f"stays {held}: it is given at creation alone", subject="custom_return_path", path="custom_return_path")

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What DNS has to do, what sending and receiving mean, and what is lost with a verified domain."""
        if action.op in (Op.CREATE, Op.REPLACE):
            yield Note("its DNS records are an output (`reconciler output --format zone`); until they are there it sends "
                       "nothing, and a later apply asks Resend to look", subject="DNS")
        if action.op is Op.REPLACE and action.effect != "replace" and action.live is not None:
            fate = self.fate(action.live)
            if fate.irreversible:
                yield Note(fate.why, impact=Impact.IRREVERSIBLE, refuse=True)
        for change in action.changes if action.op is Op.UPDATE else ():
            if change.path == "tls" and change.after == "enforced":
                yield Note("mail to servers without TLS is not sent any more", path="tls")
            if change.path == "capabilities.sending" and change.after == "disabled":
                yield Note("no mail is sent from it any more", path="capabilities.sending")
            new = change.path in ("tracking_subdomain", "capabilities.receiving") and change.after not in (None, "disabled")
            if new:
                yield Note("new DNS records are needed", subject="DNS", path=change.path)
