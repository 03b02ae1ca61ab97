"""One kv secret as it is kept, in either version of the engine: read, and written on the version that was seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.errors import Missing
from reconciler.model import Call
from reconciler.secret import Secret, reveal
from reconciler.vendors.vault.engines import Engine, Removed

if TYPE_CHECKING:
    from reconciler.contract.http import Api


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret's values, and what version 2 says of them; `removed` when its last version is deleted or destroyed."""

    data: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    custom_metadata: Mapping[str, str] = field(default_factory=dict)
    removed: bool = False


def read(api: Api, engine: Engine, path: str) -> Kept | None:
    """The secret at a path of the engine; None where there never was one, or nothing of it is left."""
    try:
        body = api.get(engine.data(path))
    except Removed as error:
        metadata = error.metadata
        return Kept({}, int(metadata.get("version") or 0), metadata.get("custom_metadata") or {}, removed=True)
    except Missing:
        return None
    if engine.version != 2:
        return Kept(hidden(body))
    said = body.get("metadata") or {}
    return Kept(hidden(body.get("data") or {}), int(said.get("version") or 0), said.get("custom_metadata") or {})


def write(engine: Engine, path: str, data: Mapping[str, Any], version: int) -> Call:
    """One POST of all values; version 2 refuses it when somebody has written since."""
    if engine.version != 2:
        return Call("POST", engine.data(path), dict(data), safe=True)
    return Call("POST", engine.data(path), {"data": dict(data), "options": {"cas": version}})


def hidden(value: Any) -> Any:
    """A value with every text in it as a Secret, so that none is ever printed; its shape stays."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        return {key: hidden(item) for key, item in value.items()}
    return [hidden(item) for item in value] if isinstance(value, list) else value


def one(value: Any) -> Secret:
    """One kept value as a text: what is no text is told as JSON."""
    return value if isinstance(value, Secret) else Secret(json.dumps(reveal(value), sort_keys=True))

