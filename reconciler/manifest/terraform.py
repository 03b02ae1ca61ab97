"""What `terraform show -json` says of managed resources: their names and ids, for objects that move over from there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

from reconciler.errors import Usage

SHOW = "terraform show -json > terraform.json"


@dataclass(frozen=True, slots=True)
class Stated:
    """One managed resource: its address in Terraform, its type, a name for an entry of ours, and its values."""

    address: str
    type: str
    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def glob(self, pattern: str) -> str | None:
        """A kind's glob with this resource's values in it; None where one is missing."""
        parts = []
        for text, name, _, _ in Formatter().parse(pattern):
            parts.append(text)
            if name is not None:
                value = self.values.get(name)
                if value in (None, "") or not isinstance(value, str | int):
                    return None
                parts.append(str(value).strip("/").replace("[", "[[]").replace("*", "[*]").replace("?", "[?]"))
        return "".join(parts)


def stated(path: Path) -> tuple[Stated, ...]:
    """The managed resources of a state or a plan, in its order; Usage when the file is something else."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Usage(f"{path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise Usage(f"{path} is not JSON", f"write it with `{SHOW}`") from error
    try:
        return tuple(_named(_resources(_root(document, path), ())))
    except (AttributeError, KeyError, TypeError) as error:
        raise Usage(f"{path} has not the shape of `terraform show -json`", f"write it anew with `{SHOW}`") from error


def _root(document: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(document, dict) or "format_version" not in document:
        hint = " is Terraform's own state file" if isinstance(document, dict) and "lineage" in document else ""
        raise Usage(f"{path}{hint or ' is not the output of `terraform show -json`'}", f"write it with `{SHOW}`")
    state = document.get("values") or (document.get("prior_state") or {}).get("values") or {}
    root: Mapping[str, Any] = state.get("root_module") or {}
    return root


def _resources(module: Mapping[str, Any], inside: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Stated]]:
    for one in module.get("resources", ()):
        if one.get("mode") == "managed":
            index = one.get("index")
            name = f"{one['name']}" + ("" if index is None else f"-{index}")
            yield inside, Stated(str(one["address"]), str(one["type"]), _clean(name), dict(one.get("values") or {}))
    for child in module.get("child_modules", ()):
        yield from _resources(child, (*inside, str(child["address"]).rpartition("module.")[2]))


def _clean(name: str) -> str:
    base = re.sub(r"[^A-Za-z0-9_.@-]+", "-", name).strip("-") or "entry"
    return base if base[0].isalnum() else f"x{base}"


def _named(found: Iterator[tuple[tuple[str, ...], Stated]]) -> Iterator[Stated]:
    """Each name once in its type: of several, all but the first get their module's name in front, or a number behind."""
    taken: set[tuple[str, str]] = set()
    for inside, one in found:
        names = (one.name, _clean(".".join((*inside, one.name))), *(f"{one.name}-{n}" for n in range(2, len(taken) + 3)))
        name = next(name for name in names if (one.type, name) not in taken)
        taken.add((one.type, name))
        yield Stated(one.address, one.type, name, one.values)
