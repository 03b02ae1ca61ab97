"""vault.kv_secret: secrets that are written into a kv engine.

A secret's `data` holds only the keys that its entry names: what others keep beside them stays as it is, in every
write and also when the entry is removed. Which keys are ours stands in the secret's own metadata (version 2), beside
our mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from reconciler.contract import Ask, Canonical, Kind, Link, Mark, Output, Permissions, Replace, Scene, Spec, from_metadata
from reconciler.errors import Denied
from reconciler.model import (
    Action,
    Call,
    Change,
    Changes,
    Fate,
    Fields,
    Impact,
    Live,
    Note,
    Op,
    Unseen,
    Want,
    has_token,
)
from reconciler.secret import Secret
from reconciler.vendors.vault.engines import KV, Engine, engine_at, mounts_meant, removed
from reconciler.vendors.vault.kv_config import BESIDE, beside, find_engine, named_engine, unfit
from reconciler.vendors.vault.kv_marks import held, marked, theirs, wrong
from reconciler.vendors.vault.permissions import at
from reconciler.vendors.vault.reading import read_each
from reconciler.vendors.vault.store import Kept, one, read, write
from reconciler.vendors.vault.terms import Duration, Path, Text, bare, nested, route


class KvSecretSpec(Spec):
    """The fields of vault.kv_secret; with `write_once` a key that is there is never compared nor written again."""

    path: Annotated[Path | None, Mark.NAMED, Mark.IMMUTABLE, Canonical(bare)] = None
    mount: Annotated[Path, Mark.IDENTITY, Mark.IMMUTABLE, Link("vault.mount", "path"), Canonical(bare)]
    data: Annotated[dict[str, str | None], Field(min_length=1), Mark.SECRET, Mark.MERGED, Impact.ACCESS]
    write_once: Annotated[bool | None, Mark.CREATE_ONLY] = False
    custom_metadata: Annotated[dict[str, Text] | None, Mark.MERGED, Impact.COSMETIC] = None
    max_versions: Annotated[int | None, Field(ge=0)] = 0
    cas_required: bool | None = False
    delete_version_after: Duration = 0

    @model_validator(mode="before")
    @classmethod
    def _described(cls, raw: Any) -> Any:
        """Metadata is always written, because our mark is in it."""
        return {"custom_metadata": {}, **raw} if isinstance(raw, dict) else raw


class WrittenOnce(Secret):
    """A value that equals whatever is asked for, known or not, because it is not ours to change any more."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) or has_token(other)

    def __hash__(self) -> int:
        return super().__hash__()


class KvSecret(Kind[KvSecretSpec]):
    """Keys of one secret. Every write is a new version with all that others keep in it, on the version that was seen.

    A deletion is a soft one: the versions stay until they are destroyed. Version 1 of kv has neither versions nor
    metadata, so there a removed entry lets its secret go.
    """

    name, spec, parent, room = "vault.kv_secret", KvSecretSpec, "vault.mount", True
    terraform = (("vault_kv_secret_v2", "{path}"), ("vault_kv_secret", "{path}"), ("vault_generic_secret", "{path}"))
    permissions = Permissions(
        (*at("{mount}/data/{path}", "read"), *at("{mount}/metadata/{path}", "read")),
        (*at("{mount}/data/{path}", "create", "update", "delete"), *at("{mount}/metadata/{path}", "update")))
    create_impact, replace = Impact.ACCESS, Replace.CREATE_FIRST
    later = ("custom_metadata", *BESIDE)
    outputs: ClassVar[Mapping[str, Output]] = {"id": Output(), "version": Output()}

    def engine(self, fields: Mapping[str, Any]) -> Engine:
        """The engine of a secret's mount; an unknown one is taken for version 2, and `review` refuses it."""
        return named_engine(self, fields["mount"]) or Engine(fields["mount"], 2)

    def needed(self, want: Want[KvSecretSpec]) -> Permissions:
        """In version 1 of kv a secret has one path, without metadata beside it."""
        mount, path = want.get("mount"), want.get("path") or want.address.name
        if has_token(mount) or (found := find_engine(self, mount)) is None or found.version == 2:
            return super().needed(want)
        return Permissions(at(f"{mount}/{path}", "read"), at(f"{mount}/{path}", "create", "update", "delete"))

    def foretell(self, want: Want[KvSecretSpec]) -> Mapping[str, str]:
        """Its id is the path it is read at."""
        id = self.engine(want.fields).handle(want.get("path") or want.address.name)
        return {} if has_token(id) else {"id": id}

    # reading

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """The secrets that are asked for, one GET each; never any other, also where everything is asked for."""
        asked_for: dict[str, tuple[bool, bool]] = {}
        for want in ask.wants:
            for mount in mounts_meant(self.api, want.get("mount"), ask, KV):
                id = self._where(mount).handle(want.get("path") or want.address.name)
                if not has_token(id):
                    once, beside = asked_for.get(id, (False, False))
                    more = any(name in want.fields for name in BESIDE)
                    asked_for[id] = (once or bool(want.get("write_once")), beside or more)
        ids = dict.fromkeys([*asked_for, *sorted(ask.ids)])
        moved = (False, any(beside for _, beside in asked_for.values()))  # an entry that has another path now
        return read_each(self.api, {id: f"/v1/{route(id)}" for id in ids},
                         lambda id: self._read(id, *asked_for.get(id, moved)))

    def _where(self, mount: str) -> Engine:
        """The engine to look into; one that the server tells nothing of is taken for version 2, and reading fails."""
        try:
            return find_engine(self, mount) or Engine(mount, 2)
        except Denied:
            return Engine(mount, 2)

    def get(self, id: str) -> Live | None:
        """One secret, with what is kept beside it where we may read that."""
        try:
            return self._read(id, False, True)
        except Denied:
            return self._read(id, False, False)

    def _read(self, id: str, once: bool, whole: bool) -> Live | None:
        engine = engine_at(self.api, id)
        path = engine.inner(id)
        kept = read(self.api, engine, path) if engine.version else None
        removed(self.api).pop(id, None)
        if kept is None:
            return None
        if kept.removed:
            removed(self.api)[id] = kept.version
        values = {key: one(value) for key, value in kept.data.items()}
        if once:
            values = {key: WrittenOnce(value.reveal()) for key, value in values.items()}
        fields: Fields = {"path": path, "mount": engine.mount, "data": values,
                          "custom_metadata": theirs(kept.custom_metadata)}
        if whole and engine.version == 2:
            body = self.api.find(engine.metadata(path)) or {}
            fields |= {name: body[name] for name in BESIDE if name in body}
        outputs = {"id": id, **({"version": kept.version} if engine.version == 2 else {})}
        return Live(id=id, fields=fields, outputs=outputs, owner=from_metadata(kept.custom_metadata),
                    archived=kept.removed, raw=kept)

    # writing

    def create(self, want: Want[KvSecretSpec]) -> Call:
        """One POST that is refused where there is a version already that is not deleted (version 2)."""
        data = {key: value for key, value in want["data"].items() if value is not None}
        engine, path = self.engine(want.fields), want.get("path") or want.address.name
        return write(engine, path, data, removed(self.api).get(engine.handle(path), 0))

    def update(self, live: Live, want: Want[KvSecretSpec], changes: Changes) -> Iterable[Call]:
        """A new version with our changed keys in all that is there; then what is kept beside it, where that changed."""
        paths = {change.path: change.after for change in changes}
        engine, kept = self.engine(live.fields), _kept(live)
        path = live.fields.get("path") or want.address.name
        if nested(paths, "data"):
            changed = want["data"] if "data" in paths else {
                name.removeprefix("data."): value for name, value in paths.items() if name.startswith("data.")}
            whole = {**kept.data, **changed}
            yield write(engine, path, {key: value for key, value in whole.items() if value is not None}, kept.version)
        if engine.version == 2:
            yield from self._beside(live, want, paths)

    def _beside(self, live: Live, want: Want[KvSecretSpec], paths: Mapping[str, Any]) -> Iterable[Call]:
        engine, kept, keys = self.engine(live.fields), _kept(live), written(want)
        body = beside({name: want.get(name) for name in BESIDE if name in paths})
        owner = want.owner or live.owner
        if nested(paths, "custom_metadata") or (nested(paths, "data") and held(kept.custom_metadata) != keys):
            cleared = "custom_metadata" in paths and want.get("custom_metadata") is None
            custom = {} if cleared else theirs(kept.custom_metadata)
            custom |= {name.removeprefix("custom_metadata."): value for name, value in paths.items()
                       if name.startswith("custom_metadata.")} | (want.get("custom_metadata") or {})
            custom = {name: value for name, value in custom.items() if value is not None}
            body["custom_metadata"] = marked(custom, owner, keys)
        if body:
            yield Call("POST", engine.metadata(live.fields.get("path") or want.address.name), body, safe=True)

    def revive(self, live: Live, want: Want[KvSecretSpec], changes: Changes) -> Iterable[Call]:
        """A new version after the deleted one, with our keys alone: what others had in it stays deleted."""
        both = (Change("data", None, want["data"]), Change("custom_metadata", None, want.get("custom_metadata")))
        return self.update(replace(live, raw=replace(_kept(live), data={})), want, (*changes, *both))

    def claim(self, live: Live, want: Want[KvSecretSpec]) -> Iterable[Call]:
        """The metadata with our mark."""
        engine, kept = self.engine(live.fields), _kept(live)
        custom = marked(kept.custom_metadata, want.owner, written(want))
        if engine.version == 2 and want.owner is not None and custom != kept.custom_metadata:
            yield self._remark(live, custom)

    def release(self, live: Live) -> Iterable[Call]:
        """The metadata without our mark."""
        kept = _kept(live)
        if self.engine(live.fields).version == 2 and theirs(kept.custom_metadata) != kept.custom_metadata:
            yield self._remark(live, theirs(kept.custom_metadata))

    def _remark(self, live: Live, custom: Mapping[str, Any]) -> Call:
        path = self.engine(live.fields).metadata(live.fields["path"])
        return Call("POST", path, {"custom_metadata": dict(custom)}, safe=True)

    def delete(self, live: Live) -> Iterable[Call]:
        """A new version without our keys; where none are left, the soft deletion of what is there."""
        engine, left = self.engine(live.fields), self._left(live)
        if left is None:
            return
        if left:
            yield write(engine, live.fields["path"], left, _kept(live).version)
        else:
            yield Call("DELETE", engine.data(live.fields["path"]), safe=True)
        yield from self.release(live)

    def _left(self, live: Live) -> dict[str, Any] | None:
        """The values that are not ours; None where it is not recorded which are."""
        kept = _kept(live)
        mine = held(kept.custom_metadata) if self.engine(live.fields).version == 2 else None
        return None if mine is None else {key: value for key, value in kept.data.items() if key not in mine}

    # judgement

    def fate(self, live: Live) -> Fate:
        """Only our own keys go, in a new version; where no others are left it is softly deleted."""
        left = self._left(live)
        if left is None:
            return Fate("release", why="it is not recorded which of its keys are ours" + (
                "" if self.engine(live.fields).version == 2 else ": kv version 1 has no metadata"))
        if left:
            stay = f"{', '.join(sorted(left))} {'stays' if len(left) == 1 else 'stay'}"
            return Fate("delete", why=f"a new version without our keys; {stay}", keeps_key=True)
        return Fate("delete", why="a soft deletion: its versions stay until they are destroyed", keeps_key=True)

    def revivable(self, live: Live, want: Want[KvSecretSpec]) -> bool:
        """A path is another entry's only once nothing of anybody is left there."""
        return live.archived or not self._left(live)

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """Names that the server would refuse, and values that say nothing."""
        data = fields.get("data") or {}
        for key, value in data.items():
            if not key or value == "":
                yield f"data.{key}", "has a name and a value: null removes a key"
        if data and all(value is None for value in data.values()):
            yield "data", "an entry without any value of its own: remove the entry instead"
        yield from wrong(fields.get("custom_metadata"), data)

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """What a restored secret holds, and mounts that can't hold one."""
        yield from unfit(self, action, (1, 2), "is no kv engine")
        engine = named_engine(self, str(action.want.get("mount"))) if action.want is not None else None
        if engine is not None and engine.version == 1 and action.want is not None and action.op is not Op.DELETE:
            for name in ("custom_metadata", *BESIDE):
                if action.want.get(name):
                    yield Note("kv version 1 keeps nothing beside a secret", refuse=True, path=name)
        if action.effect == "restore":
            yield Note("a new version with our keys alone; the deleted ones can be undeleted by hand")


def _kept(live: Live) -> Kept:
    """What was read; nothing for a secret that is just being made."""
    return live.raw if isinstance(live.raw, Kept) else Kept()


def written(want: Want[KvSecretSpec]) -> frozenset[str]:
    """The keys that an entry writes."""
    return frozenset(key for key, value in (want.get("data") or {}).items() if value is not None)
