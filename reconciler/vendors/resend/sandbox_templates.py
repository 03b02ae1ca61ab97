"""The sandbox's templates: a draft that is edited, and the published version that mail is sent from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from reconciler.vendors.resend.sandbox_collection import Body, Collection, Complaint

RESERVED = ("FIRST_NAME", "LAST_NAME", "EMAIL", "UNSUBSCRIBE_URL", "RESEND_UNSUBSCRIBE_URL", "contact", "this")
_USED = re.compile(r"\{\{\{\s*([A-Za-z_][A-Za-z0-9_]*)[^{}]*\}\}\}")
_TAG = re.compile(r"<(style|head)\b.*?</\1>|<[^>]+>", re.DOTALL)


class Templates(Collection):
    """Templates of the team; the path takes an id or an alias."""

    noun, object = "templates", "template"
    fields: ClassVar[Mapping[str, Any]] = {
        "name": "", "alias": "", "from": "", "subject": "", "reply_to": None, "html": "", "text": None, "variables": []}
    changes = ("name", "alias", "from", "subject", "reply_to", "html", "text", "variables")
    types: ClassVar[Mapping[str, Any]] = {"reply_to": (list, str), "variables": list}
    required, acts = ("name", "html"), ("publish",)

    def find(self, id: str) -> Body:
        """One template by its id or its alias."""
        return next((one for one in self.held().values() if one["alias"] == id), None) or super().find(id)

    def listed(self, body: Body) -> Body:
        """A template without what mail is made of."""
        shown = self.shown(body)
        return {name: shown[name] for name in ("id", "name", "status", "published_at", "created_at", "updated_at", "alias")}

    def shown(self, body: Body) -> Body:
        """A template's draft."""
        return {**super().shown(body), "text": _plain(body["html"]) if body["text"] is None else body["text"]}

    def finished(self, body: Body, before: Body | None) -> None:
        """Variables are declared, addresses are a list; an edited draft waits to be published."""
        self.unique(body, before, "alias")
        body["reply_to"] = [body["reply_to"]] if isinstance(body["reply_to"], str) else body["reply_to"]
        held = before["variables"] if before is not None else []
        if body["variables"] is not held:
            body["variables"] = self._variables(body["variables"], held)
        declared = {one["key"] for one in body["variables"]}
        for name in ("html", "subject", "text"):
            for used in _USED.findall(body[name] or ""):
                if used not in declared and used not in RESERVED:
                    raise Complaint(f"Variable `{used}` is used in the template but not defined in the variables list")
        body.setdefault("status", "draft")
        body.setdefault("published_at", None)
        body["updated_at"], body["has_unpublished_versions"] = self.now(), True
        body["current_version_id"] = self._version()

    def _version(self) -> str:
        numbers = self.box.objects.setdefault("/numbers", {}).setdefault("versions", {"last": 0})
        numbers["last"] += 1
        return f"version-{numbers['last']}"

    def _variables(self, given: list[Any], before: list[Body]) -> list[Body]:
        if len(given) > 50:
            raise Complaint("A template may have up to 50 `variables`")
        held = {one["key"]: one for one in before}
        found: dict[str, Body] = {}
        for one in given:
            if not isinstance(one, dict) or one.keys() - {"key", "type", "fallback_value"} or one.get("type") not in (
                    "string", "number"):
                raise Complaint("Each of the `variables` has a key and a type, which is string or number")
            if one["key"] in RESERVED or one["key"] in found:
                raise Complaint(f"The variable `{one['key']}` is reserved or declared twice")
            value = one.get("fallback_value")
            wanted = str if one["type"] == "string" else (int, float)
            if "fallback_value" in one and (not isinstance(value, wanted) or isinstance(value, bool)):
                raise Complaint(f"The fallback of `{one['key']}` must be a {one['type']}")
            stamps = {"id": f"variable-{one['key']}", "created_at": self.now()}
            found[one["key"]] = {**(held[one["key"]] if held.get(one["key"], {}).get("type") == one["type"] else stamps),
                                 "updated_at": self.now(), **one}
            if "fallback_value" not in one:
                found[one["key"]].pop("fallback_value", None)
        return list(found.values())

    def act(self, held: Body, act: str) -> None:
        """The draft is what mail is sent from."""
        if not held["html"]:
            raise Complaint("Template HTML is required to publish")
        held |= {"status": "published", "published_at": self.now(), "has_unpublished_versions": False,
                 "_published": {name: held[name] for name in self.changes}}


def _plain(html: str) -> str:
    return " ".join(_TAG.sub(" ", html).split())
