"""vault.identity_group: who belongs together, and what all of them may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator

from reconciler.contract import (
    Ask,
    Canonical,
    Kind,
    Link,
    Mark,
    Output,
    Permissions,
    Spec,
    from_metadata,
    metadata_of,
    without_marks,
)
from reconciler.contract.owner import RESERVED
from reconciler.model import Action, Call, Changes, Fact, Fate, Fields, Impact, Live, Owner, Unseen, Want, has_token
from reconciler.vendors.vault.inside import changed
from reconciler.vendors.vault.permissions import LIST_POLICIES, at
from reconciler.vendors.vault.reading import keys, read_each
from reconciler.vendors.vault.roles import absent
from reconciler.vendors.vault.terms import Text, Texts, names, nested, route

FOLDER = "identity/group/name"
MEMBERS = ("member_entity_ids", "member_group_ids")
"""What an external group refuses to be told, even that there are none (OpenBao 2.7.2)."""


def folded(value: Any) -> Any:
    """A name as the server finds it: case does not count."""
    return value.lower() if isinstance(value, str) and not has_token(value) else value


def _name(value: str | None) -> str | None:
    if value is None or has_token(value):
        return value
    if not value or value != value.strip() or any(char in value for char in "/?#%*") or not value.isprintable():
        raise ValueError("has no / ? # % * and no control characters, and no blanks around it")
    return value


class IdentityGroupSpec(Spec):
    """The fields of vault.identity_group; an external group's members come from a login method."""

    name: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE, AfterValidator(_name), Canonical(folded)] = None
    type: Annotated[Literal["internal", "external"] | None, Mark.IMMUTABLE] = "internal"
    policies: Annotated[list[Annotated[str, Link("vault.policy", "name")]] | None, Canonical(names), Impact.ACCESS] = None
    metadata: Annotated[dict[str, Text] | None, Mark.MERGED] = None
    member_entity_ids: Annotated[Texts, Impact.ACCESS] = None
    member_group_ids: Annotated[list[Annotated[str, Link("vault.identity_group", "id")]] | None, Mark.UNORDERED,
                                Impact.ACCESS] = None


class IdentityGroup(Kind[IdentityGroupSpec]):
    """A group, found by its name, in which case does not count. Its id is the server's, and what other groups refer to.

    Policies are kept in lower case, sorted, each once. Metadata is written whole, so what others have there is sent
    again; our mark stands there.
    """

    name, spec, room, create_impact = "vault.identity_group", IdentityGroupSpec, True, Impact.ACCESS
    permissions = Permissions((*at("identity/group/name/{name}", "read"), *at("identity/group/id/+", "read")),
                              (*at("identity/group/name/{name}", "update"), *at("identity/group/id/+", "update", "delete")),
                              LIST_POLICIES)
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "name": Output(foretold="name")}

    def item(self, id: str) -> str:
        """The path of one group, by its name or by the server's id."""
        return f"/v1/{route(id if id.startswith('identity/') else f'identity/group/id/{id}')}"

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The groups that are asked for by name, one GET each, and those that the ledger knows by id."""
        wanted = [want.get("name") or want.address.name for want in ask.wants]
        ids = [self._by_name(name) for name in wanted if not has_token(name)]
        if ask.everything:
            ids += [self._by_name(name) for name in keys(self.api, f"/v1/{FOLDER}")]
        seen = {str(one.id): one for one in read_each(self.api, {id: self.item(id) for id in dict.fromkeys(ids)}, self.get)}
        yield from seen.values()
        rest = [id for id in sorted(ask.ids) if id not in seen]
        blind = next((one for one in seen.values() if isinstance(one, Unseen)), None)
        if blind is not None:
            yield from (Unseen(blind.reason, id=id) for id in rest)
        else:
            yield from read_each(self.api, {id: self.item(id) for id in rest}, self.get)

    def _by_name(self, name: str) -> str:
        return f"{FOLDER}/{folded(name)}"

    def get(self, id: str) -> Live | None:
        """One group; None at 404."""
        body = self.api.find(self.item(id))
        if body is None:
            return None
        metadata = body.get("metadata")
        fields: Fields = {name: body[name] for name in self.shape.children if name in body}
        fields["metadata"] = without_marks(metadata)
        outputs = {"id": str(body["id"]), "name": str(body["name"])}
        return Live(id=str(body["id"]), fields=fields, outputs=outputs, owner=from_metadata(metadata), raw=body)

    # writing

    def create(self, want: Want[IdentityGroupSpec]) -> Call:
        """One POST by name, which makes no second group."""
        external = want.get("type") == "external"
        body = {name: value for name, value in self._body(want.fields).items() if not (external and name in MEMBERS)}
        metadata = _written(want.get("metadata"), want.owner)
        return Call("POST", self.item(f"{FOLDER}/{want.get('name') or want.address.name}"),
                    {**body, **({"metadata": metadata} if metadata else {})}, safe=True)

    def update(self, live: Live, want: Want[IdentityGroupSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed."""
        paths = {change.path: change.after for change in changes}
        body = self._body({name: want.get(name) for name in changed(changes) if name != "metadata"})
        if nested(paths, "metadata"):
            body["metadata"] = _written(_merged(live, want, paths), want.owner or live.owner)
        yield Call("POST", self.item(live.id), body, safe=True)

    def claim(self, live: Live, want: Want[IdentityGroupSpec]) -> Iterable[Call]:
        """The metadata with our mark."""
        if want.owner is not None and live.owner != want.owner:
            yield self._marked(live, want.owner)

    def release(self, live: Live) -> Iterable[Call]:
        """The metadata without our mark."""
        if live.owner is not None:
            yield self._marked(live, None)

    def _marked(self, live: Live, owner: Owner | None) -> Call:
        return Call("POST", self.item(live.id), {"metadata": _written(live.fields.get("metadata"), owner)}, safe=True)

    def _body(self, fields: Mapping[str, Any]) -> Fields:
        return {name: [] if value is None and self.shape.child(name).kind == "list" else value
                for name, value in sorted(fields.items()) if name not in ("name", "metadata") and not (
                    name == "type" and value is None)}

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    # judgement

    def fate(self, live: Live) -> Fate:
        """Its members lose what it gave them."""
        return Fate("delete", why="its members lose at once what it allowed them")

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """What the server would refuse."""
        try:
            _name(fields.get("name"))
        except ValueError as error:
            yield "name", str(error)
        if fields.get("type") == "external":
            for name in MEMBERS:
                if fields.get(name):
                    yield name, "an external group's members come from its login method"
        for name in fields.get("metadata") or {}:
            if name in RESERVED:
                yield f"metadata.{name}", "is where our own mark stands"

    def look(self, action: Action) -> Iterable[Fact]:
        """Policies that are named and are not there: legal, and worth nothing."""
        return absent(self, action, "policies")


def _written(metadata: Mapping[str, Any] | None, owner: Owner | None) -> dict[str, Any]:
    given = {name: value for name, value in (metadata or {}).items() if value is not None}
    return {**given, **(metadata_of(owner) if owner is not None else {})}


def _merged(live: Live, want: Want[IdentityGroupSpec], paths: Mapping[str, Any]) -> dict[str, Any]:
    """What others have there, with what changed laid over it."""
    cleared = "metadata" in paths and want.get("metadata") is None
    merged = {} if cleared else dict(live.fields.get("metadata") or {})
    merged |= {path.removeprefix("metadata."): value for path, value in paths.items() if path.startswith("metadata.")}
    return merged | (want.get("metadata") or {})
