"""The sandbox's segments, topics and contact properties."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.resend.sandbox_collection import Body, Collection, Complaint


class Segments(Collection):
    """Segments of the team. Names are not unique."""

    noun, object = "segments", "segment"
    fields: ClassVar[Mapping[str, Any]] = {"name": "", "filter": None, "audience_id": None}
    changes, required, unlisted = ("name",), ("name",), ("filter",)
    types: ClassVar[Mapping[str, Any]] = {"filter": dict}

    def shown(self, body: Body) -> Body:
        """A segment; what it was not made with is not shown."""
        return {name: value for name, value in super().shown(body).items() if value is not None}


class Topics(Collection):
    """Topics of the team."""

    noun, object = "topics", "topic"
    fields: ClassVar[Mapping[str, Any]] = {"name": "", "description": "", "default_subscription": "", "visibility": "private"}
    changes, required = ("name", "description", "visibility"), ("name", "default_subscription")
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "default_subscription": ("opt_in", "opt_out"), "visibility": ("public", "private")}

    def finished(self, body: Body, before: Body | None) -> None:
        """Texts have their limits."""
        for name, most in (("name", 50), ("description", 200)):
            if len(body[name]) > most:
                raise Complaint(f"The `{name}` has at most {most} characters")


class ContactProperties(Collection):
    """Properties of the team's contacts; a key is taken once."""

    noun, object = "contact-properties", "contact_property"
    fields: ClassVar[Mapping[str, Any]] = {"key": "", "type": "", "fallback_value": None}
    changes, required = ("fallback_value",), ("key", "type")
    types: ClassVar[Mapping[str, Any]] = {"fallback_value": (str, int, float)}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {"type": ("string", "number")}

    def shown(self, body: Body) -> Body:
        """A property; without a fallback there is none."""
        return {name: value for name, value in super().shown(body).items() if value is not None}

    def nullable(self, name: str, value: Any) -> bool:
        """Null takes the fallback away."""
        return name == "fallback_value" and value is None

    def finished(self, body: Body, before: Body | None) -> None:
        """A key of letters, digits and underscores; a fallback of the type."""
        if not re.fullmatch(r"[A-Za-z0-9_]{1,50}", body["key"]):
            raise Complaint("The `key` has at most 50 letters, digits and underscores")
        self.unique(body, before, "key")
        value, wanted = body["fallback_value"], str if body["type"] == "string" else (int, float)
        if value is not None and not isinstance(value, wanted):
            raise Complaint(f"The `fallback_value` must be a {body['type']}")
