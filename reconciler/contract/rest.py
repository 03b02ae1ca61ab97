"""A regular REST kind: one collection path, JSON or form bodies, one id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from reconciler.contract.compare import overlay
from reconciler.contract.kind import Ask, Kind, S
from reconciler.contract.spec import Mark, Shape
from reconciler.model import Call, Changes, Fields, Live, Owner, Unseen, Want, has_token


def segment(value: str) -> str:
    """A path segment, percent-encoded; a token is left for the engine, which encodes what it fills in."""
    return value if has_token(value) else quote(value, safe="")


class RestKind(Kind[S]):
    """All of a kind from its `path`; the small hooks say what the vendor does differently.

    `whole` vendors take the complete object on update: what is wanted is then laid over the live fields.
    """

    path: ClassVar[str]
    query: ClassVar[Mapping[str, Any]] = {}
    id_field: ClassVar[str] = "id"
    update_method: ClassVar[str] = "POST"
    whole: ClassVar[bool] = False

    # hooks

    def item(self, id: str) -> str:
        """The path of one object."""
        return f"{self.path}/{segment(id)}"

    def to_wire(self, fields: Fields) -> Fields:
        """Fields as the API takes them."""
        return dict(fields)

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The API's object in the manifest's terms; by default the spec's fields as they are."""
        return {name: body[name] for name in self.shape.children if name in body}

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        """The mark that the object carries."""
        return None

    def mark(self, owner: Owner | None) -> Fields:
        """The wire fields that carry our mark."""
        return {}

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether the object is archived or soft-deleted."""
        return False

    def outputs_of(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs that the object shows."""
        return {name: body[name] for name in self.outputs if name in body}

    # the contract

    def live(self, body: Mapping[str, Any]) -> Live:
        """A body as a live object."""
        if body[self.id_field] in (None, ""):
            raise LookupError(f"{self.bound}: an object without an id")
        outputs = {"id": body[self.id_field], **self.outputs_of(body)}
        return Live(id=str(body[self.id_field]), fields=self.from_wire(body), outputs=outputs, owner=self.owner(body),
                    archived=self.archived(body), raw=body)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every page of the collection."""
        for body in self.api.pages(self.path, dict(self.query)):
            yield self.live(body)

    def get(self, id: str) -> Live | None:
        """One object; None at 404."""
        body = self.api.find(self.item(id), dict(self.query_one()))
        return None if body is None else self.live(body)

    def query_one(self) -> Mapping[str, Any]:
        """Parameters of a read of one object (expansions)."""
        return {}

    def create(self, want: Want[S]) -> Call:
        """One POST with all fields and the mark."""
        return Call("POST", self.path, self._merge(self.to_wire(self.cleared(want.fields)), self.mark(want.owner)))

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One request with what changed (or the whole object, where the vendor wants it)."""
        fields = overlay(live.fields, want.fields, self.shape) if self.whole else self.changed(want, changes)
        yield Call(self.update_method, self.item(live.id), self.to_wire(self.cleared(fields)))

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE."""
        yield Call("DELETE", self.item(live.id))

    def claim(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """One request with the mark alone."""
        mark = self.mark(want.owner)
        if mark:
            yield Call(self.update_method, self.item(live.id), mark)

    def read(self, answer: Any) -> Live | None:
        """The object, when the answer is it."""
        return self.live(answer) if isinstance(answer, dict) and answer.get(self.id_field) not in (None, "") else None

    # pieces

    def changed(self, want: Want[S], changes: Changes) -> Fields:
        """The top-level fields that changed; of merged maps only the keys that changed, None where one goes."""
        fields: Fields = {}
        for change in changes:
            top, _, rest = _split(change.path)
            if Mark.MERGED in self.shape.child(top).marks and rest:
                fields.setdefault(top, {})[rest] = change.after
            else:
                fields[top] = want.get(top)
        return fields

    def cleared(self, fields: Fields) -> Fields:
        """Null as the vendor's default, where the field has one."""
        return {name: _default(value, self.shape.child(name)) for name, value in fields.items()}

    @staticmethod
    def _merge(body: Fields, mark: Fields) -> Fields:
        """The mark laid into the body; maps are joined key by key."""
        joined = dict(body)
        for key, value in mark.items():
            joined[key] = {**(body.get(key) or {}), **value} if isinstance(value, dict) else value
        return joined


def _default(value: Any, shape: Shape) -> Any:
    if value is None:
        return shape.default
    if isinstance(value, dict) and shape.kind == "model":
        return {key: _default(item, shape.child(key)) for key, item in value.items()}
    return value


def _split(path: str) -> tuple[str, str, str]:
    """`metadata.team` → (metadata, ., team); `tiers[0].up_to` → (tiers, [, 0].up_to)."""
    for n, char in enumerate(path):
        if char in ".[":
            return path[:n], char, path[n + 1:]
    return path, "", ""
