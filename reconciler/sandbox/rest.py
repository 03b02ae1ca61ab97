"""How a regular JSON vendor answers, made from its kinds: defaults filled, and wrong fields refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.contract.rest import RestKind
from reconciler.contract.spec import Mark, shape_of
from reconciler.sandbox.store import Request, Response

if TYPE_CHECKING:
    from reconciler.sandbox.store import Sandbox


def answer(box: Sandbox, request: Request) -> Response:
    """One request; a key that was used before replays its answer, or is refused with other parameters."""
    key = box.key_of(request) if request.method == "POST" else None
    if key is None:
        return _routed(box, request)
    kept = box.objects.setdefault("/idempotency", {})
    print = hashlib.sha256(request.path.encode() + b"\n" + request.body).hexdigest()
    if key not in kept:
        made = _routed(box, request)
        kept[key] = {"print": print, "status": made.status, "body": made.body}
        return made
    if kept[key]["print"] != print:
        raise box.complain(409, "this key was used with other parameters")
    return Response(kept[key]["status"], kept[key]["body"])


def _routed(box: Sandbox, request: Request) -> Response:
    found = box.rest_kind(request.path)
    if found is None:
        raise box.complain(404, f"there is no {request.path}")
    kind, id = found
    held = box.objects.setdefault(kind.path, {})
    if not id:
        if request.method == "GET":
            return Response(200, box.page(request, [box.shown(kind, body) for body in held.values()]))
        if request.method == "POST":
            return Response(201, _created(box, kind, held, box.decode(request)))
        raise box.complain(405, f"{request.method} is not for {request.path}")
    if id not in held:
        raise box.complain(404, f"there is no {id}")
    if request.method == "GET":
        return Response(200, box.shown(kind, held[id]))
    if request.method == "DELETE":
        del held[id]
        return Response(204)
    return Response(200, _updated(box, kind, held, id, box.decode(request)))


def _created(box: Sandbox, kind: type[RestKind[Any]], held: dict[str, Any], body: Any) -> Any:
    shape = shape_of(kind.spec)
    _known(box, kind, body)
    for name, child in shape.children.items():
        if child.required and body.get(name) is None:
            raise box.complain(422, f"{name} is required", name)
    whole = {name: child.default for name, child in shape.children.items()} | dict(body)
    _unique(box, kind, held, whole, "")
    numbers = box.objects.setdefault("/numbers", {}).setdefault(kind.path, {"last": 0})
    numbers["last"] += 1
    id = str(whole.get(kind.id_field) or box.mint(kind, numbers["last"]))
    if id in held:
        raise box.complain(409, f"{id} is taken", kind.id_field)
    held[id] = {**whole, kind.id_field: id}
    return {**box.shown(kind, held[id]), **_once(kind, numbers["last"])}


def _once(kind: type[RestKind[Any]], number: int) -> Mapping[str, str]:
    """Outputs that only the create's answer shows."""
    return {name: f"secret-{number}" for name, output in kind.outputs.items() if output.once}


def _updated(box: Sandbox, kind: type[RestKind[Any]], held: dict[str, Any], id: str, body: Any) -> Any:
    shape = shape_of(kind.spec)
    _known(box, kind, body)
    whole = dict(held[id])
    for name, value in body.items():
        child = shape.child(name)
        if Mark.IMMUTABLE in child.marks and value != whole.get(name):
            raise box.complain(422, f"{name} can't be changed", name)
        if Mark.MERGED in child.marks and isinstance(value, dict):
            joined = {**(whole.get(name) or {}), **value}
            whole[name] = {key: item for key, item in joined.items() if item is not None}
        else:
            whole[name] = value
    _unique(box, kind, held, whole, id)
    held[id] = whole
    return box.shown(kind, whole)


def _known(box: Sandbox, kind: type[RestKind[Any]], body: Any) -> None:
    if not isinstance(body, dict):
        raise box.complain(400, "the body is not an object")
    for name in body:
        if name not in shape_of(kind.spec).children and name != "metadata":
            raise box.complain(422, f"{name} is not known", name)


def _unique(box: Sandbox, kind: type[RestKind[Any]], held: dict[str, Any], whole: Mapping[str, Any], mine: str) -> None:
    """A natural key is taken once."""
    keys = [n for n, s in shape_of(kind.spec).children.items() if s.marks & {Mark.NAMED, Mark.IDENTITY}]
    key = [whole.get(name) for name in keys]
    if not keys or None in key:
        return
    for id, other in held.items():
        if id != mine and json.dumps([other.get(name) for name in keys]) == json.dumps(key):
            raise box.complain(409, f"{keys[0]} is taken", keys[0])
