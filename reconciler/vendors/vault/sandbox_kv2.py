"""kv version 2 in the sandbox: versions, check-and-set, soft deletion, metadata, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.store import Response
from reconciler.vendors.vault.kv_marks import LONGEST, LONGEST_NAME, MOST
from reconciler.vendors.vault.sandbox_kv import secrets
from reconciler.vendors.vault.sandbox_wire import (
    Asked,
    Body,
    done,
    go,
    joined,
    missing,
    names,
    period,
    refused,
    stamp,
    told,
    truth,
    whole,
)

KEPT = 10
"""Versions that are kept where nothing else is said."""

_PATH = ("Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. "
         "If using the OpenBao CLI, use 'bao kv {}' for this operation.")
_BAD = "error converting input for field \"data\": '' expected type 'map[string]interface {}', got unconvertible type "


def version_2(asked: Asked, mount: Body, rest: str) -> Response:
    """`config`, and `data`, `metadata`, `delete`, `undelete`, `destroy` before a path."""
    part, slash, path = rest.partition("/")
    if rest == "config":
        return _config(asked, mount)
    if part not in ("data", "metadata", "delete", "undelete", "destroy"):
        verb = {"write": "put", "list": "list", "delete": "delete"}.get(asked.op, "get")
        return told(asked, warnings=[_PATH.format(verb)], status=404)
    if not slash and asked.op != "list":
        return told(asked, warnings=["Non-listing operations on the root of a K/V v2 mount are not supported."], status=404)
    if path.endswith("/") and asked.op == "write":
        raise refused(400, "cannot write to a path ending in '/'")
    if part in ("data", "metadata"):
        return (_data if part == "data" else _metadata)(asked, mount, path)
    return _versions(asked, mount, path, part)


def fresh(now: float, data: Body | None = None) -> Body:
    """A secret that nobody has written yet, or (after an upgrade) one with its first version."""
    body: Body = {"created": now, "updated": now, "current": 0, "oldest": 0, "noted": 0, "custom_metadata": None,
                  "max_versions": 0, "cas_required": False, "delete_after": 0, "versions": {}}
    if data is not None:
        body |= {"current": 1, "oldest": 1, "versions": {"1": _version(now, 0, data)}}
    return body


def _version(now: float, ends: float, data: Body | None) -> Body:
    return {"created": now, "ends": ends, "destroyed": False, "data": data}


# settings

def settings(asked: Asked, mount: Body) -> Body:
    """What holds for all secrets of a mount."""
    return asked.held("kv/config").setdefault(mount["uuid"], {"max_versions": 0, "cas_required": False, "delete_after": 0})


def _config(asked: Asked, mount: Body) -> Response:
    kept = settings(asked, mount)
    if asked.op == "read":
        return told(asked, {"cas_required": kept["cas_required"], "delete_version_after": go(kept["delete_after"]),
                            "max_versions": kept["max_versions"], "metadata_cas_required": False})
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    kept.update(_said(asked.body, "Field validation failed: "))
    return done()


def _said(body: Mapping[str, Any], words: str = "") -> Body:
    """The settings that a body gives; numbers below zero are unsigned at the server."""
    found: Body = {}
    if body.get("max_versions") is not None:
        found["max_versions"] = whole(body, "max_versions") % 2 ** 32
    if body.get("cas_required") is not None:
        found["cas_required"] = truth(body, "cas_required")
    if body.get("delete_version_after") is not None:
        found["delete_after"] = period(body, "delete_version_after",
                                       f'{words}error converting input for field "delete_version_after": ')
    return found


# values

def _data(asked: Asked, mount: Body, path: str) -> Response:
    held = secrets(asked, mount)
    if asked.op == "read":
        return _read(asked, held.get(path))
    if asked.op == "write":
        return _write(asked, mount, held, path)
    if asked.op == "delete":
        found = held.get(path)
        if found is not None and found["current"]:
            _delete(asked, found, [found["current"]])
        return done()
    raise joined(405, "unsupported operation")


def _read(asked: Asked, found: Body | None) -> Response:
    number = str(int(asked.query.get("version") or 0) or (found or {}).get("current", 0))
    version = (found or {}).get("versions", {}).get(number)
    if found is None or version is None:
        raise missing()
    gone = version["destroyed"] or (version["ends"] and version["ends"] <= asked.now)
    data = {"data": None if gone else version["data"], "metadata": _shown(found, int(number))}
    return told(asked, data, status=404 if gone else 200)


def _shown(found: Body, number: int) -> Body:
    version = found["versions"][str(number)]
    return {"created_time": stamp(version["created"]), "custom_metadata": found["custom_metadata"],
            "deletion_time": stamp(version["ends"]), "destroyed": version["destroyed"], "version": number}


def _write(asked: Asked, mount: Body, held: dict[str, Body], path: str) -> Response:
    body, config = asked.body, settings(asked, mount)
    if "data" not in body:
        raise refused(400, "no data provided")
    if not isinstance(body["data"] if body["data"] is not None else {}, dict):
        raise refused(400, f"{_BAD}'{'string' if isinstance(body['data'], str) else 'list'}'")
    found = held.get(path)
    _unchanged(body.get("options") or {}, (found or {}).get("current", 0),
               required=config["cas_required"] or bool((found or {}).get("cas_required")))
    found = held.setdefault(path, fresh(asked.now)) if found is None else found
    number = found["current"] + 1
    lasts = _lasts(config["delete_after"], found["delete_after"])
    found["versions"][str(number)] = _version(asked.now, asked.now + lasts if lasts else 0, body["data"])
    found.update(current=number, updated=asked.now)
    _forget(found, max(config["max_versions"], found["max_versions"]) or KEPT)
    return told(asked, _shown(found, number))


def _lasts(of_mount: int, of_secret: int) -> int:
    """Seconds until a version deletes itself: the shorter of both, and none where the mount says never."""
    said = [value for value in (of_mount, of_secret) if value > 0]
    return min(said) if said and of_mount >= 0 else 0


def _unchanged(options: Mapping[str, Any], current: int, *, required: bool) -> None:
    if "cas" not in options:
        if required:
            raise refused(400, "check-and-set parameter required for this call")
        return
    if isinstance(options["cas"], bool) or not isinstance(options["cas"], int):
        raise refused(400, "error parsing check-and-set parameter")
    if options["cas"] != current:
        raise refused(400, "check-and-set parameter did not match the current version")


def _forget(found: Body, most: int) -> None:
    """Only the last versions are kept."""
    for number in [int(one) for one in found["versions"]]:
        if number <= found["current"] - most:
            del found["versions"][str(number)]
            found["oldest"] = found["current"] - most + 1


def _delete(asked: Asked, found: Body, numbers: list[int]) -> None:
    for number in numbers:
        version = found["versions"].get(str(number))
        if version is not None and not version["destroyed"] and not 0 < version["ends"] <= asked.now:
            version["ends"] = asked.now


def _versions(asked: Asked, mount: Body, path: str, part: str) -> Response:
    """`delete`, `undelete` and `destroy` of single versions."""
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    numbers = [int(one) for one in asked.body.get("versions") or ()]
    if not numbers:
        raise refused(400, f"{'no' if part == 'destroy' else 'No'} version number provided")
    found = secrets(asked, mount).get(path)
    if found is None:
        return done()
    if part == "delete":
        _delete(asked, found, numbers)
        return done()
    lasts = _lasts(settings(asked, mount)["delete_after"], found["delete_after"])
    for version in [found["versions"][str(number)] for number in numbers if str(number) in found["versions"]]:
        if part == "destroy":
            version.update(destroyed=True, data={})
        elif not version["destroyed"]:
            version["ends"] = asked.now + lasts if lasts else 0
    return done()


# metadata

def _metadata(asked: Asked, mount: Body, path: str) -> Response:
    held = secrets(asked, mount)
    if asked.op == "list":
        return names(asked, held, path)
    if asked.op == "read":
        if path not in held:
            raise missing()
        return told(asked, _metadata_shown(held[path]))
    if asked.op == "delete":
        held.pop(path, None)
        return done()
    if asked.op != "write":
        raise joined(405, "unsupported operation")
    said, custom = _said(asked.body), asked.body.get("custom_metadata")
    if custom is not None:
        custom = {str(name): _text(value) for name, value in custom.items()}
        _fits(custom)
    if not said and "custom_metadata" not in asked.body:
        return done()
    found = held.setdefault(path, fresh(asked.now))
    found.update(said, updated=asked.now, noted=found["noted"] + 1)
    if "custom_metadata" in asked.body:
        found["custom_metadata"] = custom or None
    return done()


def _metadata_shown(found: Body) -> Body:
    versions = {number: {"created_time": stamp(one["created"]), "deletion_time": stamp(one["ends"]),
                         "destroyed": one["destroyed"]} for number, one in found["versions"].items()}
    return {"cas_required": found["cas_required"], "created_time": stamp(found["created"]),
            "current_metadata_version": found["noted"], "current_version": found["current"],
            "custom_metadata": found["custom_metadata"], "delete_version_after": go(found["delete_after"]),
            "max_versions": found["max_versions"], "metadata_cas_required": False, "oldest_version": found["oldest"],
            "updated_time": stamp(found["updated"]), "versions": versions}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _fits(custom: Mapping[str, str]) -> None:
    """The server's limits of names and values."""
    said = "custom_metadata validation failed: "
    if len(custom) > MOST:
        raise joined(400, f"{said}payload must contain at most {MOST} keys, provided {len(custom)}")
    for name, value in custom.items():
        if not 0 < len(name.encode()) <= LONGEST_NAME:
            raise joined(400, f'{said}length of key "{name}" is {len(name.encode())} but must be 0 < len(key) <= '
                              f"{LONGEST_NAME}")
        if not 0 < len(value.encode()) <= LONGEST:
            raise joined(400, f'{said}length of value for key "{name}" is {len(value.encode())} but must be 0 < len(value) '
                              f"<= {LONGEST}")
