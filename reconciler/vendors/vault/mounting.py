"""What secret engines and login methods share: a path, a description with our mark, settings that are tuned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from reconciler.contract import Ask, Canonical, Kind, Mark, Output, Scene, Shape, Spec, described, from_description
from reconciler.contract.compare import covers, empty
from reconciler.contract.kind import S
from reconciler.errors import Unreadable
from reconciler.model import Action, Call, Changes, Fields, Impact, Live, Note, Op, Owner, Unseen, Want, has_token
from reconciler.vendors.vault.engines import declared
from reconciler.vendors.vault.terms import Path, Text, bare, duration, nested, route, sent

BUILT_IN_TYPES = frozenset({"system", "identity", "cubbyhole", "token", "agent_registry", "ns_system", "ns_identity",
                            "ns_cubbyhole", "ns_token"})
LOCKOUT = {"lockout_threshold": "user_lockout_threshold", "lockout_duration": "user_lockout_duration",
           "lockout_counter_reset_duration": "user_lockout_counter_reset_duration",
           "lockout_disable": "user_lockout_disable"}
"""Each name in a request is another one in the answer; ours is the request's."""

MOVES = "to keep what is in it, move it by hand first (`bao secrets move`): the next plan finds our mark there"


def _type(value: str) -> str:
    if not has_token(value) and (value != value.strip() or not value):
        raise ValueError("is the name of a plugin such as kv, transit or approle")
    return value


class Mounted(Spec):
    """What secret engines and login methods have in common."""

    path: Annotated[Path | None, Mark.NAMED, Mark.IMMUTABLE, Canonical(bare)] = None
    type: Annotated[str, AfterValidator(_type), Mark.IMMUTABLE]
    description: Annotated[str | None, Impact.COSMETIC] = None
    options: dict[str, Text] | None = None
    local: Annotated[bool | None, Mark.IMMUTABLE] = False
    seal_wrap: Annotated[bool | None, Mark.IMMUTABLE] = False
    external_entropy_access: Annotated[bool | None, Mark.IMMUTABLE] = False


class Mounting(Kind[S]):
    """A thing mounted at a path: its description carries our mark, its options are never sent unless they change."""

    room = True
    root: ClassVar[str]
    built_in: ClassVar[frozenset[str]]
    outputs: ClassVar[Mapping[str, Output]] = {
        "id": Output(foretold="path"), "path": Output(foretold="path"), "accessor": Output()}

    def item(self, id: str) -> str:
        """The path of one mount."""
        return f"{self.root}/{route(id)}"

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        """All of them from one read, without those that the server brings along."""
        declared(self.api).update({str(want.address): want["path"] for want in ask.wants if want.get("path")})
        for path, body in self._read().items():
            if body.get("type") not in BUILT_IN_TYPES and path not in self.built_in:
                yield self._live(path, body)

    def get(self, id: str) -> Live | None:
        """One of them, from a fresh list: the server answers 400 for a mount that is not there."""
        body = self._read().get(id)
        return None if body is None else self._live(id, body)

    def _read(self) -> dict[str, dict[str, Any]]:
        found = self.api.get(self.root)
        whole = isinstance(found, dict) and found and all(isinstance(body, dict) and "type" in body for body in found.values())
        if not whole:  # some are always there
            raise Unreadable(f"{self.root.removeprefix('/v1/')}: the answer is not a map of mounts", "try again")
        return {bare(path): body for path, body in found.items()}

    def _live(self, path: str, body: Mapping[str, Any]) -> Live:
        text, owner = from_description(body.get("description"))
        fields: Fields = {"path": path, "type": body.get("type"), "description": text,
                          "options": dict(body.get("options") or {}), "config": self._config(body)}
        fields |= {name: bool(body.get(name)) for name in ("local", "seal_wrap", "external_entropy_access")}
        outputs = {"id": path, "path": path, "accessor": body.get("accessor")}
        return Live(id=path, fields=fields, outputs=outputs, owner=owner, raw=body)

    def _config(self, body: Mapping[str, Any]) -> Fields:
        """What is tuned, as a manifest writes it; what is at its default is left out."""
        said = {**(body.get("config") or {}), "plugin_version": body.get("plugin_version")}
        lockout = said.get("user_lockout_config") or {}
        said["user_lockout_config"] = {ours: lockout.get(theirs) for ours, theirs in LOCKOUT.items()}
        return _set(said, self.shape.child("config"))

    # writing

    def create(self, want: Want[S]) -> Call:
        """One POST, refused where the path is in use."""
        body = {name: want[name] for name in ("type", "options", "local", "seal_wrap", "external_entropy_access")
                if want.get(name) is not None}
        body["description"] = described(want.get("description"), want.owner)
        if want.get("config"):
            body["config"] = tuned(want["config"], self.shape.child("config"))
        return Call("POST", self.item(want.get("path") or want.address.name), body)

    def update(self, live: Live, want: Want[S], changes: Changes) -> Iterable[Call]:
        """One POST to `tune` with what changed."""
        paths = {change.path: change.after for change in changes}
        body: Fields = {}
        if "description" in paths:
            body["description"] = described(want.get("description"), want.owner or live.owner)
        if nested(paths, "config"):
            shape, given = self.shape.child("config"), want.get("config")
            names = {*(live.fields.get("config") or {})} if given is None else {
                name for name in given if "config" in paths or nested(paths, f"config.{name}")}
            body |= tuned({name: (given or {}).get(name) for name in names}, shape)
        options = {path.removeprefix("options."): text for path, text in paths.items() if path.startswith("options.")}
        if "options" in paths:
            options = {**dict.fromkeys(live.fields.get("options") or {}), **(want.get("options") or {})}
        if options:
            body["options"] = {name: text or "" for name, text in options.items()}
        if body:
            yield self._tune(live, body)

    def _tune(self, live: Live, body: Fields) -> Call:
        return Call("POST", f"{self.item(live.id)}/tune", body, safe=True)

    def claim(self, live: Live, want: Want[S]) -> Iterable[Call]:
        """The description with our mark."""
        if want.owner is not None and live.owner != want.owner:
            yield self._marked(live, want.owner)

    def release(self, live: Live) -> Iterable[Call]:
        """The description without our mark."""
        if live.owner is not None:
            yield self._marked(live, None)

    def _marked(self, live: Live, owner: Owner | None) -> Call:
        return self._tune(live, {"description": described(live.fields.get("description"), owner)})

    def delete(self, live: Live) -> Iterable[Call]:
        """One DELETE; what is gone already answers the same."""
        yield Call("DELETE", self.item(live.id), safe=True)

    # judgement

    def check(self, fields: Fields) -> Iterable[tuple[str, str]]:
        """The server's own mounts, and lease times that contradict."""
        first = str(fields.get("path") or "").partition("/")[0]
        if first in self.built_in or fields.get("type") in BUILT_IN_TYPES:
            yield "path", f"{first or fields.get('type')} is the server's own and can't be declared"
        config = fields.get("config") or {}
        if config.get("plugin_version", "") is None:
            yield "config.plugin_version", "can't be cleared, only changed: name a version or leave it out"
        least, most = duration(config.get("default_lease_ttl")), duration(config.get("max_lease_ttl"))
        if isinstance(least, int) and isinstance(most, int) and least > most > 0:
            yield "config.default_lease_ttl", "is longer than max_lease_ttl"

    def review(self, action: Action, scene: Scene) -> Iterable[Note]:
        """How a new path can be had without losing what is there."""
        if action.op is Op.REPLACE and any(change.path == "path" for change in action.changes):
            yield Note(MOVES, path="path")


def tuned(config: Mapping[str, Any], shape: Shape) -> Fields:
    """Tune fields as they are sent: null as the server's own default, lists as lists, durations as texts."""
    body: Fields = {}
    for name, value in config.items():
        child = shape.child(name)
        if child.kind == "model":
            body[name] = tuned(value or dict.fromkeys(child.children), child)
        elif child.normal is duration:
            body[name] = sent(value)
        elif name == "lockout_threshold":
            body[name] = str(value or 0)
        else:
            body[name] = value if value is not None else child.default if child.default is not None else (
                [] if child.kind == "list" else "")
    return body


def _set(said: Mapping[str, Any], shape: Shape) -> Fields:
    found: Fields = {}
    for name, child in shape.children.items():
        value = said.get(name)
        value = _set(value or {}, child) if child.kind == "model" else value
        if not empty(value) and not covers(value, None, child):
            found[name] = value
    return found

