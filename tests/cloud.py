"""An invented vendor in memory, with the contract's hard cases: what the engine's tests run against.

project (a mark in its metadata) · key (nested, its secret shown once) · page (several calls) · offer and rate
(`default_rate`, archived, superseded) · flag (written whole, foreign keys in it) · room and seat (delete first, cascade)
· limits (a singleton) · note (no mark, natural key only).
"""
# over 300 lines: one vendor, whose ten kinds are read beside what they meet

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from reconciler.contract import (
    Ask,
    Keyed,
    Kind,
    Link,
    Mark,
    Named,
    Output,
    Replace,
    RestKind,
    Settings,
    Singleton,
    Spec,
    from_metadata,
    metadata_of,
    without_marks,
)
from reconciler.errors import Failure, Missing, Refused, Unsure
from reconciler.model import Call, Fate, Fields, Impact, Live, Owner, Unseen, Want
from reconciler.secret import Secret, reveal


class Cloud:
    """The vendor's side: objects by collection, the requests it got, and faults to come."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {}
        self.sent: list[str] = []
        self.bodies: list[Any] = []
        self.keys: dict[str, Any] = {}
        self.reads = 0
        self.count = 0
        self.faults: dict[int, str] = {}
        self.denied: set[str] = set()
        self.lock = threading.Lock()
        self.watch: list[Any] = []
        self.settings = Settings()

    # what kinds and the engine call

    @contextmanager
    def remember(self) -> Iterator[None]:
        yield

    def pages(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        if path in self.denied:
            raise Refused(f"403 for {path}")
        self.reads += 1
        yield from [dict(o) for o in self.objects.get(path, {}).values()]

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any | None:
        self.reads += 1
        place, _, id = path.rpartition("/")
        found = self.objects.get(place, {}).get(id)
        return None if found is None else dict(found)

    def send(self, call: Call, key: str | None = None, check: Any = None) -> Any:
        with self.lock:
            n = len(self.sent)
            self.sent.append(str(call))
            self.bodies.append(reveal(call.body))
            fault = self.faults.pop(n, "")
            if fault == "refuse":
                raise Refused("no, thank you", status=400)
            if fault == "reset before":
                raise Unsure("connection reset")
            if key is not None and call.method == "POST" and key in self.keys:
                return self.keys[key]
            answer = self._do(call.method, call.path, reveal(call.body))
            if key is not None:
                self.keys[key] = answer
            for look in self.watch:
                look(self)
            if fault == "reset after":
                raise Unsure("connection reset")
            return answer

    def _do(self, method: str, path: str, body: Any) -> Any:
        assert "\x02" not in path + str(body), (path, body)
        place, _, id = path.rpartition("/")
        if place in self.objects and id in self.objects[place]:
            return self._touch(method, self.objects[place], id, body)
        if method == "DELETE":
            raise Missing(f"there is no {path}")
        if method == "PUT" and path == "limits/1":
            self.objects.setdefault("limits", {})["1"] = {"id": "1", **body}
            return body
        if method != "POST":
            raise Missing(f"there is no {path}")
        self.count += 1
        made = {"id": body.get("id") or f"{path.rpartition('/')[2]}_{self.count}", **body}
        for unique in ("slug", "code"):
            held = [o for o in self.objects.get(path, {}).values() if unique in made and o.get(unique) == made[unique]]
            if held and made.get("transfer"):
                for one in held:
                    one[unique] = None
            elif held:
                raise Refused(f"{unique} is taken", status=400)
        made.pop("transfer", None)
        self._whole(made)
        if made["id"] in self.objects.get(path, {}):
            raise Refused("id is taken", status=400)
        if path == "rates":
            made.setdefault("active", True)
        self.objects.setdefault(path, {})[made["id"]] = made
        return {**made, "token": f"tok-{self.count}"} if path == "keys" else dict(made)

    def _touch(self, method: str, place: dict[str, Any], id: str, body: Any) -> Any:
        if method == "DELETE":
            self._free(id)
            return place.pop(id)
        if body.get("active") is False and any(o.get("default_rate") == id for o in self.objects.get("offers", {}).values()):
            raise Refused("it is the default rate", status=400)
        self._whole(body)
        if method == "PUT":
            place[id] = {"id": id, **body}
        else:
            for key, value in body.items():
                if key == "metadata":
                    old = place[id].setdefault("metadata", {})
                    old.update(value)
                    place[id]["metadata"] = {k: v for k, v in old.items() if v is not None}
                else:
                    place[id][key] = value
        return dict(place[id])

    def _whole(self, body: Mapping[str, Any]) -> None:
        """A reference to nothing is refused, as vendors do."""
        for field, place in (("project", "projects"), ("offer", "offers"), ("room", "rooms"), ("default_rate", "rates")):
            if body.get(field) is not None and body[field] not in self.objects.get(place, {}):
                raise Refused(f"there is no {field} {body[field]}", status=400)

    def _free(self, id: str) -> None:
        for place in self.objects.values():
            for one in place.values():
                if id in (one.get("room"), one.get("project")):
                    raise Refused(f"{id} is still in use", status=409)


class Marked(RestKind[Any]):
    room = True

    def owner(self, body: Mapping[str, Any]) -> Owner | None:
        return from_metadata(body.get("metadata"))

    def mark(self, owner: Owner | None) -> Fields:
        return {"metadata": metadata_of(owner)} if owner else {}

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        return {**super().from_wire(body), "metadata": without_marks(body.get("metadata"))}

    def release(self, live: Live) -> Iterable[Call]:
        yield Call("POST", self.item(live.id), {"metadata": dict.fromkeys(metadata_of(live.owner))})


class ProjectSpec(Spec):
    slug: Named = None
    title: Annotated[str | None, Impact.COSMETIC] = None
    metadata: Annotated[dict[str, str | None], Mark.MERGED] = {}
    settings: dict[str, int] = {}


class Project(Marked):
    name, spec, path = "cloud.project", ProjectSpec, "projects"
    outputs = {"id": Output(), "slug": Output(foretold="slug")}


class KeySpec(Spec):
    label: Named = None
    project: Annotated[str, Link("cloud.project"), Mark.IDENTITY, Mark.IMMUTABLE]
    scope: Annotated[str, Mark.IMMUTABLE, Impact.ACCESS] = "read"
    password: Annotated[str | None, Mark.SECRET, Mark.WRITE_ONLY] = None


class Key(RestKind[Any]):
    name, spec, path, parent, replace = "cloud.key", KeySpec, "keys", "cloud.project", Replace.CREATE_FIRST
    outputs = {"id": Output(), "token": Output(secret=True, once=True)}
    create_impact = Impact.ACCESS

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        return super().identity(fields)

    def outputs_of(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"token": Secret(body["token"])} if "token" in body else {}

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        return {k: v for k, v in super().from_wire(body).items() if k != "password"}


class PageSpec(Spec):
    path: Named = None
    html: str
    published: bool = False
    tags: Annotated[list[str], Mark.UNORDERED] = []


class Page(RestKind[Any]):
    name, spec, path, later = "cloud.page", PageSpec, "pages", ("published", "tags")

    def update(self, live: Live, want: Want[Any], changes: Any) -> Iterable[Call]:
        for change in changes:
            yield Call("POST", self.item(live.id), {change.path.partition("[")[0]: want.get(change.path.partition("[")[0])})


class OfferSpec(Spec):
    id: Annotated[str | None, Mark.NAMED, Mark.IMMUTABLE] = None
    title: str
    default_rate: Annotated[str | None, Link("cloud.rate"), Mark.DEFERRED] = None
    metadata: Annotated[dict[str, str | None], Mark.MERGED] = {}


class Offer(Marked):
    name, spec, path = "cloud.offer", OfferSpec, "offers"
    outputs = {"id": Output(foretold="id")}


class RateSpec(Spec):
    code: Named = None
    offer: Annotated[str, Link("cloud.offer"), Mark.IMMUTABLE]
    amount: Annotated[int, Mark.IMMUTABLE, Impact.MONEY]
    label: Annotated[str | None, Impact.COSMETIC] = None
    metadata: Annotated[dict[str, str | None], Mark.MERGED] = {}


class Rate(Marked):
    name, spec, path, replace, create_impact = "cloud.rate", RateSpec, "rates", Replace.CREATE_FIRST, Impact.MONEY

    def to_wire(self, fields: Fields) -> Fields:
        return {**fields, "transfer": True} if "amount" in fields else fields

    def archived(self, body: Mapping[str, Any]) -> bool:
        return body.get("active") is False

    def delete(self, live: Live) -> Iterable[Call]:
        yield Call("POST", self.item(live.id), {"active": False})

    def fate(self, live: Live) -> Fate:
        return Fate("archive")

    def revivable(self, live: Live, want: Want[Any]) -> bool:
        return live.fields.get("amount") == want.get("amount")

    def revive(self, live: Live, want: Want[Any], changes: Any) -> Iterable[Call]:
        yield Call("POST", self.item(live.id), {**self.changed(want, changes), "active": True})


class Variant(Spec):
    key: str
    share: int = 0


class FlagSpec(Spec):
    key: Named = None
    groups: list[Variant] = []
    variants: Annotated[list[Variant], Keyed("key")] = []
    active: bool = True


class Flag(RestKind[Any]):
    name, spec, path, update_method, whole = "cloud.flag", FlagSpec, "flags", "PUT", True

    def from_wire(self, body: Mapping[str, Any]) -> Fields:
        return {k: v for k, v in body.items() if k != "id"}


class RoomSpec(Spec):
    name: Named = None
    size: Annotated[int, Mark.IMMUTABLE] = 1


class Room(RestKind[Any]):
    name, spec, path = "cloud.room", RoomSpec, "rooms"


class SeatSpec(Spec):
    name: Named = None
    room: Annotated[str, Link("cloud.room"), Mark.IMMUTABLE]


class Seat(RestKind[Any]):
    name, spec, path = "cloud.seat", SeatSpec, "seats"


class LimitsSpec(Spec):
    seats: int = 5
    mode: str = "soft"


class Limits(Singleton[Any]):
    name, spec = "cloud.limits", LimitsSpec

    def identity(self, fields: Fields) -> tuple[Any, ...] | None:
        return ("limits",)

    def list(self, ask: Ask) -> Iterable[Live | Unseen]:
        yield self._live(self.api.find("limits/1") or {})

    def get(self, id: str) -> Live | None:
        return self._live(self.api.find("limits/1") or {})

    def _live(self, body: Mapping[str, Any]) -> Live:
        return Live("1", {"seats": body.get("seats", 5), "mode": body.get("mode", "soft")}, {"id": "1"})

    def update(self, live: Live, want: Want[Any], changes: Any) -> Iterable[Call]:
        yield Call("PUT", "limits/1", {**live.fields, **want.fields})


class NoteSpec(Spec):
    title: Named = None
    text: str = ""
    project: Annotated[str | None, Link("cloud.project")] = None


class Memo(RestKind[Any]):
    name, spec, path = "cloud.note", NoteSpec, "notes"


KINDS: tuple[type[Kind[Any]], ...] = (Project, Key, Page, Offer, Rate, Flag, Room, Seat, Limits, Memo)


def kinds(cloud: Cloud) -> dict[str, Kind[Any]]:
    return {kind.name: kind(cloud, "cloud") for kind in KINDS}  # type: ignore[arg-type]


__all__ = ["KINDS", "Cloud", "Failure", "kinds"]
