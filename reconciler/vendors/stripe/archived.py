"""What all of Stripe's kinds have in common, and what those have that are archived instead of deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from reconciler.contract import Ask, RestKind, from_metadata, metadata_of, overlay, without_marks
from reconciler.contract.compare import empty
from reconciler.contract.kind import S
from reconciler.contract.owner import RESERVED
from reconciler.model import Call, Change, Changes, Fate, Fields, Impact, Live, Note, Owner, Unseen, Want
from reconciler.vendors.stripe.metadata import removal


class StripeKind(RestKind[S]):
    """A Stripe object that carries metadata: our mark lies in it, updates send what changed and nothing else.

    `expand` names the fields that Stripe shows only when it is asked to; they are asked for in every read and
    in every write whose answer is read.
    """

    room = True
    expand: ClassVar[tuple[str, ...]] = ()

    @property
    def query_list(self) -> Fields:
        """What every list of this kind asks for."""
        return {**self.query, **({"expand": [f"data.{name}" for name in self.expand]} if self.expand else {})}

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every page, with what Stripe shows on demand."""
        for body in self.api.pages(self.path, self.query_list):
            yield self.live(body)

    def query_one(self) -> Mapping[str, Any]:
        """The expansions of one object."""
        return {"expand": list(self.expand)} if self.expand else {}

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        """The spec's fields, metadata without our mark."""
        fields = super().from_wire(body)
        if "metadata" in self.shape.children:
            fields["metadata"] = without_marks(body.get("metadata"))
        return fields

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        """The mark in its metadata."""
        return from_metadata(body.get("metadata"))

    def mark(self, owner: Owner | None) -> Fields:
        """Our mark as metadata."""
        return {"metadata": metadata_of(owner)} if owner is not None else {}

    def get(self, id: str) -> Live | None:
        """One object; None at 404, and where Stripe says that it was deleted."""
        body = self.api.find(self.item(id), dict(self.query_one()))
        return None if body is None or body.get("deleted") else self.live(body)

    def read(self, answer: Any) -> Live | None:
        """The object, when the answer shows it with all that has to be asked for."""
        if not isinstance(answer, dict) or answer.get("deleted"):
            return None
        if not all(shows(answer, name) for name in self.expand):
            return None
        return super().read(answer)

    def create(self, want: Want[S]) -> Call:
        """One POST; what is to be empty is left out, as Stripe takes nothing empty at creation."""
        given = {name: value for name, value in self.cleared(want.fields).items() if value is not None}
        body = self._merge(without_empty(self.to_wire(given)), self.mark(want.owner))
        return Call("POST", self.path, {**body, **self.query_one()})

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One POST with what changed; of a nested model the whole, with what is live below what is wanted.

        Right after a create, what is the vendor's own default needs no request.
        """
        changes = tuple(change for change in changes if not self._born_so(change))
        fields = self.cleared(self.changed(want, changes))
        for name, value in fields.items():
            if self.shape.child(name).kind == "model" and isinstance(value, dict):
                fields[name] = overlay(without_empty(live.fields.get(name)), value, self.shape.child(name))
        if fields.get("metadata", ...) is None:
            fields["metadata"] = removal(live.fields.get("metadata"))
        body = self.to_wire({name: value for name, value in fields.items() if name != "metadata" or value})
        if body:
            yield Call("POST", self.item(live.id), {**body, **self.query_one()})

    def _born_so(self, change: Change) -> bool:
        default = self.shape.child(change.path).default
        return change.path in self.later and change.before is None and change.after == default

    def release(self, live: Live) -> Iterable[Call]:
        """One POST that takes our keys out of the metadata."""
        if live.owner is not None:
            yield Call("POST", self.item(live.id), {"metadata": removal(dict.fromkeys(sorted(RESERVED)))})


class Archived(StripeKind[S]):
    """A Stripe object that is never deleted, only switched off: `active: false`."""

    def archived(self, body: Mapping[str, Any]) -> bool:
        """Whether it is switched off."""
        return not body.get("active", True)

    def rests(self, want: Want[S]) -> bool:
        """Whether the manifest itself asks for it to be off."""
        return want.get("active") is False

    def fate(self, live: Live) -> Fate:
        """It is archived."""
        return Fate("archive")

    def delete(self, live: Live) -> Iterable[Call]:
        """One POST that switches it off."""
        if not live.archived:
            yield Call("POST", self.item(live.id), {"active": False})

    def revive(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One POST that switches it on again, with what else changed, and our mark."""
        on = () if any(change.path == "active" for change in changes) else (Change("active", False, True),)
        want = replace(want, fields={**want.fields, "active": True})
        calls = list(self.update(live, want, (*changes, *on)))
        mark = self.mark(want.owner) if live.owner != want.owner else {}
        return [replace(calls[0], body=self._merge(calls[0].body, mark)), *calls[1:]]

    @staticmethod
    def switched_off(changes: Changes) -> bool:
        """Whether these changes archive the object."""
        return any(change.path == "active" and change.before is True and change.after is False for change in changes)

    def said_of_switch(self, changes: Changes, text: str) -> Iterable[Note]:
        """That to switch an object off is to remove it."""
        if self.switched_off(changes):
            yield Note(text, path="active", impact=Impact.DELETE)


def shows(answer: Any, path: str) -> bool:
    """Whether an answer shows what was asked for on demand; below a null there is nothing to show."""
    for name in path.split("."):
        if answer is None:
            return True
        if not isinstance(answer, dict) or name not in answer:
            return False
        answer = answer[name]
    return True


def without_empty(value: Any) -> Any:
    """Maps without their empty values, at every depth."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if not empty(item)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
