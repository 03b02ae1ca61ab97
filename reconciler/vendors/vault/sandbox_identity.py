"""Groups in the sandbox: one table, found by name without case, and by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    Body,
    done,
    joined,
    missing,
    names,
    refused,
    stamp,
    texts,
    told,
    unsupported,
)


def groups(asked: Asked, rest: str) -> Response:
    """`identity/group…`."""
    held = asked.held("identity/group")
    if rest.strip("/") in ("name", "id"):
        if asked.op != "list":
            raise unsupported(asked)
        return names(asked, [one["name"] for one in held.values()] if rest.startswith("name") else held)
    way, _, key = rest.strip("/").partition("/")
    if way not in ("name", "id", "") or (way and not key):
        raise joined(404, "unsupported path")
    if not way:
        key, way = str(asked.body.get("name") or ""), "name"
    id = key if way == "id" else next((id for id, one in held.items() if one["name"].lower() == key.lower()), None)
    found = held.get(id or "")
    if asked.op == "read":
        if found is None:
            raise missing()
        return told(asked, {**found, "alias": {}, "namespace_id": asked.space or "root",
                            "parent_group_ids": _parents(held, id)})
    if asked.op == "delete":
        held.pop(id or "", None)
        return done()
    if asked.op != "write":
        raise unsupported(asked)
    if found is None and way == "id":
        raise refused(400, "invalid group ID")
    return _written(asked, held, "" if way == "id" else key, found)


def _parents(held: Mapping[str, Body], id: str | None) -> list[str] | None:
    return [one for one, body in held.items() if id in (body["member_group_ids"] or ())] or None


def _written(asked: Asked, held: dict[str, Body], name: str, before: Body | None) -> Response:
    body = asked.body
    kind = str(body.get("type") or (before["type"] if before else "internal"))
    if before is not None and kind != before["type"]:
        raise refused(400, "group type cannot be changed")
    if kind not in ("internal", "external"):
        raise refused(400, f'invalid group type "{kind}"')
    id = before["id"] if before is not None else asked.box.number("group")
    kept = {key: value or None for key, value in (before or {}).items()}
    new: Body = {"creation_time": stamp(asked.now), "member_entity_ids": None, "member_group_ids": None, "metadata": None,
                 "policies": None, "modify_index": 0, **kept, "id": id, "type": kind,
                 "name": str(body.get("name") or name or (before or {})["name"]), "last_update_time": stamp(asked.now)}
    if body.get("policies") is not None:
        new["policies"] = sorted({one.lower() for one in texts(body["policies"])})
    if body.get("metadata") is not None:
        new["metadata"] = {key: str(value) for key, value in body["metadata"].items()}
    if body.get("member_entity_ids") is not None:
        if kind == "external":
            raise refused(400, "member entities can't be set manually for external groups")
        new["member_entity_ids"] = _entities(asked, texts(body["member_entity_ids"]))
    if body.get("member_group_ids") is not None:
        if kind == "external":
            raise refused(400, "member groups can't be set for external groups")
        new["member_group_ids"] = _members(held, id, texts(body["member_group_ids"])) or None
    new["modify_index"] += 1
    held[id] = new
    return told(asked, {"id": id, "name": new["name"]}) if before is None else done()


def _entities(asked: Asked, given: list[str]) -> list[str]:
    for one in given:
        if one not in asked.held("identity/entity"):
            raise joined(500, f'invalid entity ID "{one}"')
    return given


def _members(held: Mapping[str, Body], id: str, given: list[str]) -> list[str]:
    for one in given:
        if one not in held:
            raise joined(500, f'invalid member group ID "{one}"')
        if one == id or _below(held, one, id):
            raise joined(500, f'cyclic relationship detected for member group ID "{one}"')
    return given


def _below(held: Mapping[str, Body], top: str, id: str) -> bool:
    return any(one == id or _below(held, one, id) for one in held.get(top, {}).get("member_group_ids") or ())


def entities(asked: Asked, rest: str) -> Response:
    """`identity/entity` by name, as far as groups need members."""
    held = asked.held("identity/entity")
    name = str(asked.body.get("name") or "") if not rest else rest.removeprefix("name/")
    found: Any = next((one for one in held.values() if one["name"] == name), None)
    if asked.op == "write" and found is None:
        id = asked.box.number("entity")
        held[id] = {"id": id, "name": name, "aliases": None}
        return told(asked, held[id])
    if found is None:
        raise missing()
    return told(asked, found) if asked.op == "read" else done()
