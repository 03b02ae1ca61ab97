"""One collection of the sandbox's Resend: what all of its objects have in common."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.sandbox.store import Complaint as Refusal

if TYPE_CHECKING:
    from reconciler.vendors.resend.sandbox import ResendSandbox

Body = dict[str, Any]


class Complaint(Refusal):
    """A refusal as Resend writes it; the field stands in backticks."""

    def __init__(self, message: str, *, status: int = 422, name: str = "validation_error",
                 headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, {"statusCode": status, "name": name, "message": message})
        self.headers = dict(headers or {})


class Collection:
    """Objects of one kind.

    `fields` are what a create takes, with their defaults, `changes` what an update takes, `types` what a value must be.
    Names that begin with an underscore are kept and never shown.
    """

    noun: ClassVar[str]
    object: ClassVar[str]
    fields: ClassVar[Mapping[str, Any]] = {}
    changes: ClassVar[tuple[str, ...]] = ()
    types: ClassVar[Mapping[str, Any]] = {}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    required: ClassVar[tuple[str, ...]] = ()
    unlisted: ClassVar[tuple[str, ...]] = ()
    acts: ClassVar[tuple[str, ...]] = ()
    readable: ClassVar[bool] = True
    changeable: ClassVar[bool] = True

    def __init__(self, box: ResendSandbox) -> None:
        self.box = box

    def other(self, noun: str) -> Collection:
        """Another collection of the same team."""
        return self.box.collection(noun)

    def held(self) -> dict[str, Body]:
        """Every object by id."""
        return self.box.objects.setdefault(f"/{self.noun}", {})

    def find(self, id: str) -> Body:
        """One object."""
        found = self.held().get(id)
        if found is None:
            raise Complaint(f"{self.object.replace('_', ' ').capitalize()} not found", status=404, name="not_found")
        return found

    # what is shown

    def shown(self, body: Body) -> Body:
        """An object as a GET of it shows it."""
        return {"object": self.object, **{name: value for name, value in body.items() if not name.startswith("_")}}

    def listed(self, body: Body) -> Body:
        """An object as the list shows it."""
        return {name: value for name, value in self.shown(body).items() if name not in (*self.unlisted, "object")}

    def named(self, body: Body) -> Body:
        """The answer to a write."""
        return {"object": self.object, "id": body["id"]}

    def created(self, body: Body) -> Body:
        """The answer to a create."""
        return self.named(body)

    # what is done

    def mint(self) -> str:
        """The id of a new object, the same in every run."""
        numbers = self.box.objects.setdefault("/numbers", {}).setdefault(self.noun, {"last": 0})
        numbers["last"] += 1
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"resend/{self.noun}/{numbers['last']}"))

    def now(self) -> str:
        """The time as Resend writes it."""
        return self.at(self.box.clock.now())

    @staticmethod
    def at(seconds: float) -> str:
        """A time as Resend writes it."""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f") + "+00"

    def made(self, given: Body) -> Body:
        """A new object."""
        for name in self.required:
            if given.get(name) in (None, "", []):
                raise Complaint(f"Missing `{name}` field.", name="missing_required_field")
        self.typed(given, tuple(self.fields))
        body = {"id": "", "created_at": self.now(), **{name: _copied(value) for name, value in self.fields.items()}}
        body |= {name: value for name, value in given.items() if value is not None}
        self.finished(body, None)
        body["id"] = self.mint()
        self.held()[body["id"]] = body
        return body

    def changed(self, held: Body, given: Body) -> None:
        """An object after a PATCH; the SDK sends the id along."""
        given = {name: value for name, value in given.items() if name not in ("id", f"{self.object}_id")}
        self.typed(given, self.changes)
        after = {**held, **given}
        self.finished(after, held)
        held.clear()
        held.update(after)

    def typed(self, given: Body, known: tuple[str, ...]) -> None:
        """Refuse fields that are not known, of another type, or not one of their choices."""
        for name, value in given.items():
            if name not in known:
                raise Complaint(f"Unrecognized key: `{name}`")
            wanted = self.types.get(name, str)
            fits = isinstance(value, wanted) and isinstance(value, bool) == (wanted is bool)
            if not fits and not self.nullable(name, value):
                raise Complaint(f"The `{name}` field has the wrong type")
            if name in self.choices and value not in self.choices[name]:
                raise Complaint(f"The `{name}` field must be one of {', '.join(self.choices[name])}")

    def nullable(self, name: str, value: Any) -> bool:
        """Whether a field takes this null."""
        return False

    def finished(self, body: Body, before: Body | None) -> None:
        """What Resend works out before it keeps an object, or refuses when it sees the whole."""

    def deleted(self, held: Body) -> None:
        """What DELETE does."""
        del self.held()[held["id"]]

    def act(self, held: Body, act: str) -> None:
        """A call below one object (`publish`, `verify`)."""

    def unique(self, body: Body, before: Body | None, name: str, *, status: int = 422) -> None:
        """Refuse a second object with the same value."""
        for other in self.held().values():
            if (before is None or other["id"] != before["id"]) and body.get(name) and other.get(name) == body[name]:
                raise Complaint(f"The `{name}` {body[name]} is taken already", status=status)


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, (dict, list)) else value
