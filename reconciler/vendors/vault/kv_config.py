"""vault.kv_config: what a versioned kv does with the versions of its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from reconciler.contract import Ask, Canonical, Kind, Link, Mark, Permissions, Scene, Singleton, Spec
from reconciler.model import Action, Call, Changes, Fields, Live, Note, Op, Unseen, Want, has_token
from reconciler.vendors.vault.engines import Engine, asked, known, mounts_meant
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.reading import read_each
from reconciler.vendors.vault.terms import Duration, Path, bare, route, sent

VERSIONED = frozenset({"kv"})
BESIDE = ("max_versions", "cas_required", "delete_version_after")
"""What can be said of all secrets of a mount, and of a single one."""


def named_engine(kind: Kind[Any], mount: str) -> Engine | None:
    """The engine of exactly this mount, as far as it is known without asking."""
    return known(kind.api).get(mount)


def find_engine(kind: Kind[Any], mount: str) -> Engine | None:
    """The same, asked of the server where it is not known: None for no such mount, Denied where it tells nothing."""
    found = named_engine(kind, mount) or asked(kind.api, mount)
    if found.mount != mount:
        return None
    known(kind.api)[mount] = found
    return found


def unfit(kind: Kind[Any], action: Action, versions: tuple[int, ...], text: str) -> Iterable[Note]:
    """Refuses to write below a mount that is not what the entry takes it for."""
    mount = action.want.get("mount") if action.want is not None else None
    if action.op in (Op.DELETE, Op.FORGET) or not isinstance(mount, str) or has_token(mount):
        return
    engine = named_engine(kind, mount)
    if engine is None:
        yield Note(f"no mount {mount} is declared or can be seen", refuse=True, path="mount")
    elif engine.version not in versions:
        yield Note(f"{mount} {text}", refuse=True, path="mount")


class KvConfigSpec(Spec):
    """The fields of vault.kv_config; max_versions 0 is the server's own 10."""

    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    max_versions: Annotated[int | None, Field(ge=0)] = 0
    cas_required: bool | None = False
    delete_version_after: Duration = 0


class KvConfig(Singleton[KvConfigSpec]):
    """What a versioned kv does with versions where a secret says nothing else."""

    name, spec, parent = "vault.kv_config", KvConfigSpec, "vault.mount"
    permissions = Permissions(at("{mount}/config", "read"), at("{mount}/config", "update"))

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The settings of every mount that is asked for, one GET each."""
        mounts = [mount for want in ask.wants for mount in mounts_meant(self.api, want.get("mount"), ask, VERSIONED)]
        mounts += [id.removesuffix("/config") for id in sorted(ask.ids)]
        if ask.everything:
            mounts += [parent.id for parent in ask.parents if Engine.of("", parent.fields.get("type"),
                                                                        parent.fields.get("options")).version == 2]
        ids = dict.fromkeys(f"{mount}/config" for mount in mounts if not has_token(mount))
        return read_each(self.api, {id: f"/v1/{route(id)}" for id in ids}, self.get)

    def get(self, id: str) -> Live | None:
        """The settings of one mount; None where there is no versioned kv."""
        mount = id.removesuffix("/config")
        engine = find_engine(self, mount)
        body = self.api.find(engine.config()) if engine is not None and engine.version == 2 else None
        if body is None:
            return None
        fields = {"mount": mount, **{name: body[name] for name in BESIDE if name in body}}
        return Live(id=id, fields=fields, outputs={"id": id}, raw=body)

    def foretell(self, want: Want[KvConfigSpec]) -> Mapping[str, str]:
        """Its id is its path."""
        mount = want.get("mount")
        return {} if mount is None or has_token(mount) else {"id": f"{mount}/config"}

    def create(self, want: Want[KvConfigSpec]) -> Call:
        """The settings of a mount that is made in the same run."""
        return self._write(f"{want['mount']}/config", want.fields)

    def update(self, live: Live, want: Want[KvConfigSpec], changes: Changes) -> Iterable[Call]:
        """One POST with what changed."""
        yield self._write(live.id, {change.path: want.get(change.path) for change in changes})

    def _write(self, id: str, fields: Mapping[str, Any]) -> Call:
        return Call("POST", f"/v1/{route(id)}", beside(fields), safe=True)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """Only a versioned kv has settings: in another engine this would be a secret called config."""
        yield from unfit(self, action, (2,), "is no versioned kv, and has no settings")


def beside(fields: Mapping[str, Any]) -> Fields:
    """Version settings as they are sent: null as the server's default."""
    defaults = {"max_versions": 0, "cas_required": False}
    return {name: sent(fields[name]) if name == "delete_version_after" else
            defaults[name] if fields[name] is None else fields[name] for name in BESIDE if name in fields}
