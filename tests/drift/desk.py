"""A conformance stack whose manifests lie in a folder, as somebody wrote them: comments, quotes, defaults, files, overlays."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reconciler import manifest
from reconciler.conformance.case import ENTRY, Manifest
from reconciler.conformance.stack import STACK, Stack
from reconciler.engine.drift import drift
from reconciler.engine.plan import World, plan
from reconciler.manifest.entries import indirect
from reconciler.model import Drift, Plan, Resource
from reconciler.workspace.drifting import Taken, take
from reconciler.yaml.tree import tree

MOST = 60
"""A map or list that takes more characters is written in lines."""


class Writer:
    """Writes values as people do, each time in another way, and puts comments where there is room for one."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)
        self.comments: list[str] = []

    def comment(self) -> str:
        self.comments.append(f"# why {len(self.comments)}")
        return self.comments[-1]

    def text(self, value: dict[str, Any]) -> str:
        return "\n".join(["# the whole", *self.lines(value, 0)]) + "\n"

    def lines(self, value: Any, indent: int) -> Iterator[str]:
        """A map or list in lines."""
        pad = " " * indent
        for key, item in value.items() if isinstance(value, dict) else ((None, item) for item in value):
            if self.any.random() < 0.15:
                yield f"{pad}{self.comment()}"
            head = f"{pad}{self.flat(key)}:" if key is not None else f"{pad}-"
            beside = f"   {self.comment()}" if self.any.random() < 0.3 else ""
            if isinstance(item, (dict, list)) and item and (len(json.dumps(item)) > MOST or self.any.random() < 0.3) \
                    and not indirect(item):
                inner = [*self.lines(item, indent + 2)]
                compact = key is None and isinstance(item, dict) and not beside and not inner[0].lstrip().startswith("#")
                yield f"{head} {inner[0].lstrip()}" if compact else f"{head}{beside}"
                yield from inner[1:] if compact else inner
            elif isinstance(item, str) and item.endswith("\n") and item.strip() and not item.startswith((" ", "\n")) \
                    and not item.endswith("\n\n"):
                yield f"{head} |"
                yield from (f"{pad}  {line}" if line else "" for line in item.splitlines())
            else:
                yield f"{head} {self.flat(item)}{beside}"

    def flat(self, value: Any) -> str:
        """A value on one line."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.flat(key)}: {self.flat(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.flat, value)) + "]"
        if isinstance(value, str):
            plain = value.replace("_", "").isalpha() and value not in ("true", "false", "null", "inf") and len(value) > 3
            if plain and self.any.random() < 0.7:
                return value
            return "'" + value.replace("'", "''") + "'" if value.isprintable() and self.any.random() < 0.4 else json.dumps(
                value, ensure_ascii=False)
        return json.dumps(value)


@dataclass
class Desk:
    """The stack's entries in files below `root`."""

    stack: Stack
    root: Path
    writer: Writer

    def write(self, declared: Manifest) -> None:
        """Parts of the entry come from `_defaults`, from the overlay and from text files, as chance wills."""
        any, kind = self.writer.any, self.stack.address.kind
        declared = json.loads(json.dumps(declared))
        one, alone = declared[kind][ENTRY], len(declared[kind]) == 1
        over: dict[str, Any] = {}
        weak: dict[str, Any] = {}
        for name, value in list(one.items()):
            chance = any.random()
            if name == "lifecycle":
                continue
            if chance < 0.15:
                over[name] = one.pop(name)
            elif chance < 0.3 and alone:
                weak[name] = one.pop(name)
            elif chance < 0.6 and isinstance(value, str) and len(value) > 15 and self.stack.kind.shape.child(name).link is None:
                self._file(f"texts/{name}.txt", value)
                one[name] = {"file": f"texts/{name}.txt"}
        if weak:
            declared[kind] = {"_defaults": weak, **declared[kind]}
        self._file("case.yaml", self.writer.text(declared))
        if over:
            self._file(f"../overlays/{STACK}/case.yaml", self.writer.text({kind: {ENTRY: over}}))

    def _file(self, name: str, text: str) -> None:
        path = self.root / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def manifests(self, connections: Any, folder: Path | None = None) -> manifest.Loaded:
        return manifest.load(folder or self.root, STACK, (STACK,), connections, variables={},
                             secrets=self.stack.case.said.secrets, variable=str)

    def load(self) -> tuple[Resource, ...]:
        return self.manifests(self.stack.catalogue).resources

    def world(self, declared: Manifest) -> World:
        """What is live, and the entries as the files say them."""
        return replace(self.stack.world(declared), resources=self.load())

    def drift(self, world: World) -> Drift:
        return drift(world, plan(world))

    def take(self, world: World, found: Drift) -> Taken:
        resources = self.load()
        workspace: Any = SimpleNamespace(
            settled=SimpleNamespace(root=self.root, prefix="", manifests=self.manifests), connections=self.stack.catalogue,
            validate=lambda: resources, project=SimpleNamespace(stacks=(STACK,)), stack=SimpleNamespace(name=STACK))
        return take(workspace, replace(world, resources=resources), found)

    def again(self, world: World) -> Plan:
        """The plan of the files as they are now, over the same live objects."""
        return plan(replace(world, resources=self.load()))

    def comments(self) -> list[str]:
        """Every comment in every file."""
        files = self.root.rglob("*.yaml")
        return sorted(one.text for path in files for one in tree(path.read_text("utf-8")).comments)
