"""What Resend's kinds have in common: PATCH with what changed, answers that name the id alone, no room for our mark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from reconciler.contract import Ask, Permissions, RestKind
from reconciler.contract.kind import S
from reconciler.errors import Exhausted, Failure
from reconciler.model import Call, Change, Changes, Live, Unseen, Want, has_token

if TYPE_CHECKING:
    from reconciler.contract.http import Api


FULL = "full_access"
"""What a key may be besides `sending_access`, which reads nothing: there is no key that only reads."""


class ResendKind(RestKind[S]):
    """A Resend object. None of them has metadata, tags or a description of its own: the ledger says what is ours.

    Creates and updates are answered with the id, and no more. How soon a list shows a new object is said nowhere:
    `settle` is on the safe side.
    """

    update_method, settle = "PATCH", 5.0
    permissions = Permissions((FULL,))

    def create(self, want: Want[S]) -> Call:
        """One POST with the fields that are not empty: Resend takes nothing empty at creation."""
        given = {name: value for name, value in self.cleared(want.fields).items() if value not in (None, "", [])}
        return Call("POST", self.path, self.to_wire(given))

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One PATCH with what changed; right after a create, what is the vendor's own default needs no request."""
        changes = tuple(change for change in changes if not self.born_so(change))
        if changes:
            yield Call("PATCH", self.item(live.id), self.to_wire(self.cleared(self.changed(want, changes))), safe=True)

    def born_so(self, change: Change) -> bool:
        """Whether a field that follows the create is so by itself."""
        return change.path in self.later and change.before is None and change.after == self.shape.child(change.path).default

    def read(self, answer: Any) -> Live | None:
        """The object's id, with what else an answer shows: all that others need of a new one."""
        if not isinstance(answer, dict) or not answer.get(self.id_field):
            return None
        return self.live(answer)

    # reading one by one

    def asked(self, ask: Ask, body: Mapping[str, Any], key: str) -> bool:
        """Whether an object of a list is one that manifests or ledger are about; `key` is its natural key's field."""
        if ask.everything or str(body["id"]) in ask.ids:
            return True
        names = {self._normal(key, want.get(key)) for want in ask.wants}
        return self._normal(key, body.get(key)) in names

    def _normal(self, key: str, value: Any) -> Any:
        normal = self.shape.child(key).normal
        return normal(value) if normal is not None and value is not None and not has_token(value) else value

    def one_by_one(self, ask: Ask, key: str) -> Iterator[Live | Unseen]:
        """Every object of the list; those that are asked for by a GET of their own, because the list shows less."""
        bodies = list(self.api.pages(self.path))
        wanted = [str(body["id"]) for body in bodies if self.asked(ask, body, key)]
        found = dict(zip(wanted, read_each(self.api, wanted, self.get), strict=True))
        for body in bodies:
            one = found.get(str(body["id"])) if str(body["id"]) in found else self.live(body)
            if one is not None:
                yield one


def read_each(api: Api, ids: list[str], read: Callable[[str], Live | None]) -> Iterator[Live | Unseen | None]:
    """Every object by its id, asked at the same time, in that order; None where it has gone."""
    if not ids:
        return
    with ThreadPoolExecutor(max_workers=min(api.settings.connections, len(ids))) as pool:
        yield from pool.map(lambda id: _one(read, id), ids)


def _one(read: Callable[[str], Live | None], id: str) -> Live | Unseen | None:
    try:
        return read(id)
    except Exhausted:
        raise
    except Failure as error:
        return Unseen(error.message, id=id)
