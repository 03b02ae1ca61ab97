"""What Sentry's kinds have in common: no room for a mark, whole objects, answers in camel case, proof by reading back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from reconciler.contract import Ask, RestKind
from reconciler.contract.kind import S
from reconciler.contract.rest import segment
from reconciler.model import Action, Call, Change, Live, Unseen
from reconciler.vendors.sentry.terms import snaked

if TYPE_CHECKING:
    from reconciler.vendors.sentry.api import SentryApi


class SentryKind(RestKind[S]):
    """An object of an organization, known by its number, written by PUT.

    Sentry takes unknown names without a word: an alert with `detectors` in the place of `detector_ids` is made and
    never fires. So every write is read back. Two seconds after a write a list shows it for certain.
    """

    verified = True
    update_method = "PUT"
    settle = 2.0
    query: ClassVar[Mapping[str, Any]] = {}

    @property
    def sentry(self) -> SentryApi:
        """The client, by its own type."""
        return cast("SentryApi", self.api)

    @property
    def collection(self) -> str:
        """The path of all objects."""
        return self.sentry.below(self.path)

    def item(self, id: str) -> str:
        """The path of one object; Sentry wants the slash at its end."""
        return f"{self.collection}{segment(id)}/"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """Every page."""
        return [self.live(body) for body in self.api.pages(self.collection) if self.counts(body)]

    def counts(self, body: Mapping[str, Any]) -> bool:
        """Whether an object of the list is one of this kind."""
        return True

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE of this object alone; deleting by filter is never asked for, without one it empties the organization."""
        yield Call("DELETE", self.item(live.id), safe=True)


def said(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The fields that a body shows, by their names in snake case."""
    found = snaked(body)
    return {name: found[name] for name in names if name in found}


def tops(changes: Iterable[Change]) -> set[str]:
    """The top-level fields that changed."""
    return {change.path.partition(".")[0].partition("[")[0] for change in changes}


def lowered(action: Action, path: str) -> bool:
    """Whether a number gets smaller, where 0 and nothing mean no limit."""
    for change in action.changes:
        if change.path == path:
            before, after = change.before or float("inf"), change.after or float("inf")
            return isinstance(before, (int, float)) and isinstance(after, (int, float)) and after < before
    return False
