"""Where exported entries go: new files, one for each kind, never over another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reconciler.manifest.load import MANIFESTS
from reconciler.manifest.write import text
from reconciler.model import Address, Fields

SCHEMA = Path("schemas", "manifest.json")


def files(root: Path, entries: Mapping[Address, Fields]) -> dict[Path, dict[Address, Fields]]:
    """The entries of each new file by its path."""
    by_kind: dict[str, dict[Address, Fields]] = {}
    for address, fields in entries.items():
        by_kind.setdefault(address.kind, {})[address] = fields
    return {_free(root / MANIFESTS, kind): found for kind, found in by_kind.items()}


def written(root: Path, path: Path, entries: Mapping[Address, Fields], *, always: bool = False) -> str:
    """The text of a file; its first line leads editors to the JSON Schema, where the project has one or (`always`) gets one."""
    return text(entries, schema=_schema(root, path) if always or (root / SCHEMA).exists() else None)


def _free(folder: Path, kind: str) -> Path:
    connection, _, noun = kind.partition(".")
    number = 1
    while True:
        path = folder / connection / (f"{noun}.yaml" if number == 1 else f"{noun}-{number}.yaml")
        if not path.exists():
            return path
        number += 1


def _schema(root: Path, path: Path) -> str:
    """The JSON Schema as seen from a file."""
    return "/".join([".."] * (len(path.relative_to(root).parts) - 1)) + "/" + SCHEMA.as_posix()
