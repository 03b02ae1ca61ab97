"""The sandbox's domains: their DNS records, and a verification that is asked for and then waited for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.resend.sandbox_collection import Body, Collection, Complaint

REGIONS = ("us-east-1", "eu-west-1", "sa-east-1", "ap-northeast-1")
_NAME = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]+")
_KEY = "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ" + "C7" * 80 + "wIDAQAB"


class Domains(Collection):
    """Domains of the team. A name is taken once, whoever has it."""

    noun, object = "domains", "domain"
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "region": "us-east-1", "custom_return_path": "send", "open_tracking": False, "click_tracking": False,
        "tls": "opportunistic", "tracking_subdomain": "", "capabilities": {}}
    changes = ("open_tracking", "click_tracking", "tls", "capabilities", "tracking_subdomain")
    types: ClassVar[Mapping[str, Any]] = {"open_tracking": bool, "click_tracking": bool, "capabilities": dict}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"tls": ("opportunistic", "enforced")}
    required, unlisted, acts = ("name",), ("records", "tracking_subdomain"), ("verify",)

    def shown(self, body: Body) -> Body:
        """A domain with its records; how it was made and how it is sent is shown nowhere."""
        shown = {k: v for k, v in super().shown(body).items() if k not in ("tls", "custom_return_path")}
        subdomain = {} if body["tracking_subdomain"] else {"tracking_subdomain"}
        return {**{k: v for k, v in shown.items() if k not in subdomain}, "records": _records(body)}

    def created(self, body: Body) -> Body:
        """The whole domain."""
        return {name: value for name, value in self.shown(body).items() if name != "object"}

    def finished(self, body: Body, before: Body | None) -> None:
        """Names in lower case, known regions, something to be for."""
        body["name"] = body["name"].lower().rstrip(".")
        if not _NAME.fullmatch(body["name"]):
            raise Complaint("The `name` field must be a valid domain")
        if body["region"] not in REGIONS:
            raise Complaint(f"The `region` must be one of {', '.join(REGIONS)}", name="invalid_region")
        self.unique(body, before, "name", status=403)
        held = before["capabilities"] if before is not None else {"sending": "enabled", "receiving": "disabled"}
        body["capabilities"] = {**held, **body["capabilities"]}
        words = set(body["capabilities"].values())
        if set(body["capabilities"]) != {"sending", "receiving"} or not words <= {"enabled", "disabled"}:
            raise Complaint("The `capabilities` are sending and receiving, enabled or disabled")
        if "enabled" not in words:
            raise Complaint("At least one of the `capabilities` must be enabled")
        body.setdefault("status", "not_started")

    def act(self, held: Body, act: str) -> None:
        """A verification begins, and the domain is pending whatever it was."""
        held["status"] = "pending"


def _records(body: Body) -> list[Body]:
    """The records of a domain, named from its registered part on."""
    name, region = body["name"], body["region"]
    below = ".".join(name.split(".")[:-2])
    rest = f".{below}" if below else ""
    path = f"{body['custom_return_path']}{rest}"
    found: list[Body] = []
    if body["capabilities"]["sending"] == "enabled":
        found += [_record("SPF", path, "MX", f"feedback-smtp.{region}.amazonses.com", body, priority=10),
                  _record("SPF", path, "TXT", "v=spf1 include:amazonses.com ~all", body)]
    found.append(_record("DKIM", f"resend._domainkey{rest}", "TXT", _KEY, body))
    if body["capabilities"]["receiving"] == "enabled":
        found.append(_record("Receiving", below or "@", "MX", f"inbound-smtp.{region}.amazonaws.com", body, priority=10))
    if body["tracking_subdomain"]:
        at = f"{body['tracking_subdomain']}{rest}"
        found += [_record("Tracking", at, "CNAME", f"links.{region}.resend-dns.com", body),
                  _record("TrackingCAA", at, "CAA", '0 issue "amazon.com"', body)]
    return found


def _record(record: str, name: str, type: str, value: str, body: Body, **more: Any) -> Body:
    status = {"partially_verified": "pending", "partially_failed": "failed"}.get(body["status"], body["status"])
    return {"record": record, "name": name, "type": type, "ttl": "Auto", "status": status, "value": value, **more}
