"""Objects with a name inside a mount or a login method: found, listed and written alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from reconciler.contract import Ask, Kind, Mark, Output, Scene
from reconciler.contract.kind import S
from reconciler.contract.spec import Shape
from reconciler.model import Action, Call, Changes, Fields, Live, Note, Op, Unseen, Want, has_token
from reconciler.secret import Secret
from reconciler.vendors.vault.engines import mounts_meant
from reconciler.vendors.vault.policy import lower
from reconciler.vendors.vault.reading import keys, read_each
from reconciler.vendors.vault.terms import duration, network, networks, route, sent

METHODS = "vault.auth_method"


class Inside(Kind[S]):
    """One object of a mount, at `MOUNT/folder/NAME`, which is its id, and what policies name too.

    `types` are the types of mount that have it, `folded` says that the server keeps its name in lower case. The server
    takes a write as it is and leaves alone what is not in it, so a cleared field is sent with its default.
    """

    folder: ClassVar[str]
    types: ClassVar[frozenset[str]]
    folded: ClassVar[bool] = False
    parent = "vault.mount"
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "name": Output(foretold="name")}

    def item(self, id: str) -> str:
        """The path of one object."""
        return f"/v1/{route(id)}"

    @property
    def root(self) -> str:
        """What stands in front of a mount's path."""
        return "auth/" if self.parent == METHODS else ""

    def _mount(self, fields: Mapping[str, Any]) -> Any:
        return fields.get("mount") or self.shape.child("mount").default

    def id_of(self, fields: Mapping[str, Any], name: str) -> str:
        """An object's handle."""
        called = fields.get("name") or name
        return f"{self.root}{self._mount(fields)}/{self.folder}/{lower(called) if self.folded else called}"

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        """The name in its mount; no mount is the usual one."""
        return super().identity({**fields, "mount": self._mount(fields)})

    def foretell(self, want: Want[S]) -> Mapping[str, str]:
        """Its id is its path."""
        id = self.id_of(want.fields, want.address.name)
        return {**super().foretell(want), **({} if has_token(id) else {"id": id})}

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The objects that are asked for, one GET each."""
        ids = [id for want in ask.wants for id in self.candidates(want, ask)]
        ids += [*sorted(ask.ids), *(self.all(ask) if ask.everything else ())]
        return read_each(self.api, {id: self.item(id) for id in dict.fromkeys(ids)}, self.get)

    def candidates(self, want: Want[Any], ask: Ask) -> Iterable[str]:
        """Where a wanted object may be; a mount may be a reference."""
        found = (self.id_of({**want.fields, "mount": one}, want.address.name)
                 for one in mounts_meant(self.api, self._mount(want.fields), ask, self.types))
        return [id for id in found if not has_token(id)]

    def all(self, ask: Ask) -> Iterable[str]:
        """Every object of every fitting mount, by the lists of names that the server has."""
        return [f"{self.root}{one.id}/{self.folder}/{key}" for one in ask.parents if one.fields.get("type") in self.types
                for key in keys(self.api, f"/v1/{self.root}{route(one.id)}/{self.folder}")]

    def get(self, id: str) -> Live | None:
        """One object; None at 404."""
        body = self.api.find(self.item(id))
        return None if body is None else self.shown(id, body)

    def shown(self, id: str, body: Mapping[str, Any]) -> Live:
        """What the server tells of one object, as a manifest says it."""
        mount, _, name = id.removeprefix(self.root).rpartition(f"/{self.folder}/")
        fields = {**self.told(body), "name": name, "mount": mount}
        return Live(id=id, fields=fields, outputs={"id": id, "name": name}, raw=body)

    def told(self, body: Mapping[str, Any]) -> Fields:
        """The fields that an answer names as the manifest does, secrets as such."""
        return {field: hidden(body[field], shape) for field, shape in self.shape.children.items() if field in body}

    # writing

    def create(self, want: Want[S]) -> Call:
        """One POST with what was given."""
        return Call("POST", self.item(self.id_of(want.fields, want.address.name)), self.body(want.fields), safe=True)

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One POST with what changed."""
        yield Call("POST", self.item(live.id), self.body({name: want.get(name) for name in changed(changes)}), safe=True)

    def body(self, fields: Mapping[str, Any]) -> Fields:
        """Fields as they are sent, in the order of their names."""
        return {name: as_sent(value, self.shape.child(name)) for name, value in sorted(fields.items())
                if name not in ("name", "mount")}

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    # judgement

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """A mount of another type would take the write for something else: a kv would keep it as a secret."""
        mount = self._mount(action.want.fields) if action.want is not None else None
        if action.op in (Op.DELETE, Op.FORGET) or not isinstance(mount, str) or has_token(mount):
            return
        for one in scene.live.get(self.kin(self.parent or ""), ()):
            if one.id == mount and one.fields.get("type") not in self.types:
                yield Note(f"{mount} is of the type {one.fields.get('type')}, not {' or '.join(sorted(self.types))}",
                           refuse=True, path="mount")


def changed(changes: Changes) -> list[str]:
    """The top fields that change."""
    return sorted({change.path.partition("[")[0].partition(".")[0] for change in changes})


def hidden(value: Any, shape: Shape) -> Any:
    """A value as it is, or as a secret where it is one."""
    if Mark.SECRET in shape.marks:
        return Secret(str(value)) if value not in (None, "") else None
    return value


def as_sent(value: Any, shape: Shape) -> Any:
    """One value as it is sent: a time as a text, null as the server's default."""
    if shape.normal is duration:
        return sent(value)
    if shape.normal is networks:
        return [network(block) for block in value or ()]
    if value is None:
        return [] if shape.kind == "list" else {} if shape.kind in ("map", "model") else shape.default
    return value
