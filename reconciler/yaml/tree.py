"""YAML text → a tree that knows where everything in it stands, comments too: for what is changed in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml as pyyaml

from reconciler.yaml.words import LOADER, plain

_VALUES = (pyyaml.ScalarEvent, pyyaml.MappingStartEvent, pyyaml.SequenceStartEvent)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment from its `#` to the end of its line; `own` says that nothing stands in front of it there."""

    text: str
    start: int
    column: int
    own: bool

    @property
    def end(self) -> int:
        """Where its line ends."""
        return self.start + len(self.text)


@dataclass(slots=True)
class Node:
    """A value with its span in the text; `items` of a map or list, `style` of a scalar as YAML's events name it.

    A block ends with its last value, without the blank lines behind it. `whole` is the end as the parser sees it.
    """

    start: int
    end: int
    column: int
    value: Any = None
    style: str = ""
    flow: bool = False
    items: list[Item] | None = None
    keyed: bool = False
    whole: int = 0

    @property
    def block(self) -> bool:
        """Whether it is a map or list that is written in lines."""
        return self.items is not None and not self.flow


@dataclass(slots=True)
class Item:
    """One entry of a map or list: where it begins (its key or its dash), and where its colon or dash ends."""

    start: int
    after: int
    node: Node
    key: Node | None = None


@dataclass(slots=True)
class Tree:
    """A document: its root, its comments in their order, and where its `---` ends (0 without one)."""

    text: str
    root: Node
    comments: list[Comment] = field(default_factory=list)
    head: int = 0

    def line(self, at: int) -> int:
        """Where the line of a position begins."""
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Where the line of a position ends, without its newline."""
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found

    def inside(self, start: int, end: int) -> Iterator[Comment]:
        """The comments that begin in a span."""
        return (one for one in self.comments if start <= one.start < end)


def tree(text: str) -> Tree:
    """The tree of a text that `parse` has accepted; without a byte order mark, lines end in newlines."""
    return _Grower(text).grow()


class _Grower:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.made = Tree(text, Node(0, 0, 0))
        self.loader = LOADER(text)

    def grow(self) -> Tree:
        try:
            while self.loader.check_event():
                event = self.loader.get_event()
                kind = event.__class__
                if kind is pyyaml.DocumentStartEvent and event.explicit:
                    self._gap(event.start_mark.index)
                    self.at = self.made.head = event.end_mark.index
                elif kind in _VALUES:
                    self._gap(event.start_mark.index)
                    self.made.root = self._node(event)
                    self._gap(len(self.text))
        finally:
            self.loader.dispose()
        return self.made

    def _gap(self, end: int) -> str:
        """What stands between two values, its comments taken out and noted."""
        start, kept = self.at, ""
        while start < end:
            at = self.text.find("#", start, end)
            if at < 0:
                break
            stop = self.made.line_end(at)
            line = self.made.line(at)
            own = not self.text[line:at].strip()
            self.made.comments.append(Comment(self.text[at:stop].rstrip(), at, at - line, own))
            kept += self.text[start:at] + " " * (stop - at)
            start = stop
        self.at = max(self.at, end)
        return kept + self.text[start:end]

    def _node(self, event: Any) -> Node:
        self._gap(event.start_mark.index)
        mark, kind = event.start_mark, event.__class__
        if kind is pyyaml.ScalarEvent:
            value = event.value if event.style or event.tag == "!" else plain(event.value)
            node = Node(mark.index, event.end_mark.index, mark.column, value, event.style or "")
            node.whole = self.at = node.end
            if node.style in ("|", ">"):
                self._trim(node)
            return node
        node = Node(mark.index, mark.index, mark.column, flow=bool(event.flow_style), items=[],
                    keyed=kind is pyyaml.MappingStartEvent)
        if node.flow and self.text[mark.index:mark.index + 1] in ("{", "["):
            self.at += 1
        (self._map if node.keyed else self._list)(node)
        return node

    def _trim(self, node: Node) -> None:
        """A block of text ends with its last line that is not blank, unless the blank ones are its own."""
        raw = self.text[node.start:node.end]
        header = raw.partition("\n")[0].partition("#")[0]
        node.end = node.start + len(raw.removesuffix("\n") if "+" in header else raw.rstrip())

    def _map(self, node: Node) -> None:
        assert node.items is not None
        node.value = {}
        while (event := self.loader.get_event()).__class__ is not pyyaml.MappingEndEvent:
            key = self._node(event)
            key.value = key.value if isinstance(key.value, str) else event.value
            event = self.loader.get_event()
            before = self.at
            gap = self._gap(event.start_mark.index)
            colon = gap.find(":")
            value = self._node(event)
            node.value[key.value] = value.value
            node.items.append(Item(key.start, before if colon < 0 else before + colon + 1, value, key))
        self._ends(node, event)

    def _list(self, node: Node) -> None:
        assert node.items is not None
        node.value = []
        while (event := self.loader.get_event()).__class__ is not pyyaml.SequenceEndEvent:
            before = self.at
            gap = self._gap(event.start_mark.index)
            value = self._node(event)
            start = value.start if node.flow else before + gap.rfind("-")
            node.value.append(value.value)
            node.items.append(Item(start, start if node.flow else start + 1, value))
        self._ends(node, event)

    def _ends(self, node: Node, event: Any) -> None:
        if node.flow and event.end_mark.index > event.start_mark.index:
            self._gap(event.start_mark.index)
            node.end = node.whole = self.at = event.end_mark.index
        elif node.items:
            last = node.items[-1]
            node.end, node.whole = max(last.node.end, last.after), max(last.node.whole, last.after)
            node.start = min(node.start, node.items[0].start)
