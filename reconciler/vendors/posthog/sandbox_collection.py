"""One collection of the sandbox's PostHog: what all of its objects have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.sandbox.store import Complaint as Refusal

if TYPE_CHECKING:
    from reconciler.vendors.posthog.sandbox import PostHogSandbox

Body = dict[str, Any]

SOMEBODY: Body = {
    "id": 1, "uuid": "018f0000-0000-0000-0000-000000000001", "distinct_id": "ada", "first_name": "Ada", "last_name": "",
    "email": "ada@example.com", "is_email_verified": True, "hedgehog_config": {}, "role_at_organization": "engineering"}
"""Whom the personal key belongs to."""


class Complaint(Refusal):
    """A refusal as PostHog writes it; `attr` is the field."""

    def __init__(self, detail: str, *, status: int = 400, code: str = "invalid_input", attr: str | None = None,
                 type: str = "validation_error") -> None:
        super().__init__(status, {"type": type, "code": code, "detail": detail, "attr": attr})


class Collection:
    """Objects of one kind in one project; `fields` are those that a request may give, with their defaults.

    `paged` says that its list comes in pages, and tells how many objects there are.
    An unknown field is ignored, as PostHog ignores it; its type is checked by `kept`.
    """

    noun: ClassVar[str]
    fields: ClassVar[Mapping[str, Any]] = {}
    required: ClassVar[tuple[str, ...]] = ()
    soft: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    paged: ClassVar[bool] = True

    def __init__(self, box: PostHogSandbox, project: str) -> None:
        self.box, self.project = box, project

    def other(self, noun: str) -> Collection:
        """Another collection of the same project."""
        return self.box.collection(noun, self.project)

    def held(self) -> dict[str, Body]:
        """Every object by id, deleted ones too."""
        return self.box.objects.setdefault(f"/api/projects/{self.project}/{self.noun}", {})

    def find(self, id: str) -> Body:
        """One object."""
        found = self.held().get(id)
        if found is None or not self.visible(found):
            raise Complaint("Not found.", status=404, code="not_found", type="invalid_request")
        return found

    def visible(self, body: Body) -> bool:
        """Whether a direct read shows it; PostHog shows flags and cohorts also when they are deleted."""
        return True

    def listed(self, query: Mapping[str, str]) -> list[Body]:
        """What a list shows, the newest first."""
        search = query.get("search", "").lower()
        return [body for body in reversed(self.held().values()) if not body.get("deleted")
                and search in str(body.get("name") or "").lower()]

    def shown(self, body: Body) -> Body:
        """An object as answers show it."""
        return dict(body)

    def brief(self, body: Body) -> Body:
        """An object as pages of a list show it."""
        return self.shown(body)

    def mint(self) -> Any:
        """The id of a new object: a number of its own collection."""
        numbers = self.box.objects.setdefault("/numbers", {}).setdefault(self.noun, {"last": 0})
        numbers["last"] += 1
        return numbers["last"]

    def now(self) -> str:
        """The time as PostHog writes it."""
        return datetime.fromtimestamp(self.box.clock.now(), UTC).isoformat().replace("+00:00", "Z")

    def made(self, given: Body) -> Body:
        """A new object."""
        for name in self.required:
            if given.get(name) in (None, ""):
                raise Complaint("This field is required.", code="required", attr=name)
        body = {name: _copied(value) for name, value in self.fields.items()}
        stamps = {"created_at": self.now(), "created_by": SOMEBODY} if self.dated else {}
        fresh = {"id": 0, **body, **stamps, **self.kept(given, None)}
        fresh["id"] = self.mint()
        self.finished(fresh, None)
        self.held()[str(fresh["id"])] = fresh
        return fresh

    def changed(self, held: Body, given: Body, *, whole: bool) -> None:
        """An object after a PATCH, or a PUT of the whole."""
        asked = {**({name: _copied(value) for name, value in self.fields.items()} if whole else {}), **given}
        before = dict(held)
        held |= self.kept(asked, before)
        try:
            self.finished(held, before)
        except Complaint:
            held.clear()
            held.update(before)
            raise

    def kept(self, given: Body, before: Body | None) -> Body:
        """What of a request is stored, in the form in which PostHog stores it; Complaint when it is refused."""
        return {name: value for name, value in given.items() if name in self.fields}

    def finished(self, body: Body, before: Body | None) -> None:
        """What PostHog works out after a write, or refuses when it sees the whole."""

    def deleted(self, held: Body) -> None:
        """What DELETE does."""
        if self.soft:
            raise self.not_allowed("DELETE")
        del self.held()[str(held["id"])]

    def asked(self, word: str, query: Mapping[str, str]) -> Any:
        """The answer to a question about all objects, which stands where an id would; None where it is an id."""
        return None

    def act(self, held: Body, act: str, method: str, given: Body) -> Any:
        """A call below one object (`launch/`, `archive/`)."""
        raise Complaint("Endpoint not found.", status=404, code="not_found", type="invalid_request")

    @staticmethod
    def not_allowed(method: str) -> Complaint:
        """405."""
        return Complaint(f'Method "{method}" not allowed.', status=405, code="method_not_allowed", type="invalid_request")


def minimal(flag: Body | None) -> Body | None:
    """A flag as other objects show it."""
    return None if flag is None else {"team_id": 1, **{name: flag.get(name) for name in (
        "id", "name", "key", "filters", "deleted", "active", "ensure_experience_continuity", "has_encrypted_payloads",
        "version", "evaluation_runtime")}, "evaluation_tags": []}


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value


def whole(query: Mapping[str, str], name: str, default: int) -> int:
    """A number in a query; nonsense counts as the default, as in PostHog's pages."""
    text = query.get(name, "")
    return int(text) if text.isdigit() else default


def boolean(given: Body, name: str, *, null: bool = False) -> None:
    """Refuse what is no boolean."""
    value = given.get(name, False)
    if not isinstance(value, bool) and not (null and value is None):
        raise Complaint("Must be a valid boolean.", code="invalid", attr=name)


def string(given: Body, name: str, most: int, *, null: bool = False) -> None:
    """Refuse what is no text, or too long."""
    value = given.get(name, "")
    if value is None and null:
        return
    if not isinstance(value, str):
        raise Complaint("Not a valid string.", code="invalid", attr=name)
    if len(value) > most:
        raise Complaint(f"Ensure this field has no more than {most} characters.", code="max_length", attr=name)


def tags(given: Body, box: PostHogSandbox) -> list[str]:
    """Tags as they are kept: trimmed, in lower case, each once, in an order of their own; none without the plan for it."""
    value = given.get("tags") or []
    if not isinstance(value, list) or any(not isinstance(tag, str) for tag in value):
        raise Complaint("Expected a list of items.", code="not_a_list", attr="tags")
    if any(len(tag) > 255 for tag in value):
        raise Complaint("Ensure this field has no more than 255 characters.", code="max_length", attr="tags")
    found = {tag.strip().lower() for tag in value} - {""}
    return sorted(found, key=lambda tag: tag[::-1]) if box.tagging else []
