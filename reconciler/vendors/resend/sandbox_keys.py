"""The sandbox's keys and webhooks: a token is shown once, a signing secret to whoever asks for its webhook."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.resend.sandbox_collection import Body, Collection, Complaint


def _secret(prefix: str, id: str) -> str:
    return f"{prefix}_{hashlib.sha256(f'sandbox {id}'.encode()).hexdigest()[:24]}"


class ApiKeys(Collection):
    """Keys of the team. Names are not unique, and nothing reads one key."""

    noun, object = "api-keys", "api_key"
    fields: ClassVar[Mapping[str, Any]] = {"name": "", "permission": "full_access", "domain_id": None}
    changes, required = ("name",), ("name",)
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"permission": ("full_access", "sending_access")}
    readable = False

    def listed(self, body: Body) -> Body:
        """A key without what it may do."""
        return {name: body[name] for name in ("id", "name", "created_at", "last_used_at")}

    def created(self, body: Body) -> Body:
        """The id and the token."""
        return {"id": body["id"], "token": _secret("re", body["id"])}

    def finished(self, body: Body, before: Body | None) -> None:
        """A key that is bound to a domain may only send."""
        if len(body["name"]) > 50:
            raise Complaint("The `name` has at most 50 characters")
        if body["domain_id"] is not None:
            if body["permission"] != "sending_access":
                raise Complaint("The `domain_id` is only used with sending_access")
            self.other("domains").find(body["domain_id"])
        body.setdefault("last_used_at", None)


class Webhooks(Collection):
    """Webhooks of the team. Endpoints are not unique."""

    noun, object = "webhooks", "webhook"
    fields: ClassVar[Mapping[str, Any]] = {"endpoint": "", "events": []}
    changes, required = ("endpoint", "events", "status"), ("endpoint", "events")
    types: ClassVar[Mapping[str, Any]] = {"events": list}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"status": ("enabled", "disabled")}
    unlisted = ("signing_secret",)

    def shown(self, body: Body) -> Body:
        """A webhook with its secret."""
        return {**super().shown(body), "signing_secret": _secret("whsec", body["id"])}

    def created(self, body: Body) -> Body:
        """The id and the secret."""
        return {**self.named(body), "signing_secret": _secret("whsec", body["id"])}

    def finished(self, body: Body, before: Body | None) -> None:
        """An endpoint is a url, and events are named."""
        if not re.match(r"https?://[^/]", body["endpoint"]):
            raise Complaint("The `endpoint` must be a valid URL")
        if not body["events"] or any(not re.fullmatch(r"[a-z]+(\.[a-z_]+)+", str(event)) for event in body["events"]):
            raise Complaint("The `events` must name at least one event")
        body.setdefault("status", "enabled")
