"""A YAML file with other values in it: only what differs is written anew, all the rest stays as its author wrote it."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Any

from reconciler import yaml
from reconciler.errors import Invalid
from reconciler.manifest.layout import same
from reconciler.manifest.write import below, inline
from reconciler.yaml.tree import Item, Node, Tree, tree


class CantEdit(ValueError):
    """The value can't be put there without losing something."""


def edited(data: bytes, value: Any) -> bytes:
    """The file with `value` in it: comments, order, quotes and layout kept, line ends and byte order mark too.

    CantEdit when the result would not read back as exactly this value with every comment in it.
    """
    bom, raw = (b"\xef\xbb\xbf", data[3:]) if data.startswith(b"\xef\xbb\xbf") else (b"", data)
    ends = b"\r\n" if b"\r\n" in raw else b"\n"
    text = raw.decode().replace("\r\n", "\n")
    grown = tree(text)
    made = _Editor(grown).edit(value)
    try:
        back = yaml.parse(made.encode(), "")
    except Invalid as error:
        raise CantEdit(error.problems[0].message) from error
    if not same(_ordered(back.value), _ordered(value)):
        raise CantEdit("it would not read back as itself")
    if Counter(one.text for one in grown.comments) - Counter(one.text for one in tree(made).comments):
        raise CantEdit("a comment would be lost")
    return bom + made.encode().replace(b"\n", ends)


def _ordered(value: Any) -> Any:
    """The value with its keys sorted: where a key stands is its author's business."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


class _Editor:
    def __init__(self, grown: Tree) -> None:
        self.tree, self.text = grown, grown.text
        self.patches: list[tuple[int, int, str]] = []
        self.outer: list[tuple[Item, Node]] = []

    def edit(self, value: Any) -> str:
        """The text with all patches in it."""
        root = self.tree.root
        if root.items is None or type(root.value) is not type(value) or not value:
            raise CantEdit("the file as a whole is another value")
        self._inside(root, value)
        text = self.text
        for _, (start, end, new) in sorted(enumerate(self.patches), key=lambda one: (one[1][0], one[0]), reverse=True):
            text = text[:start] + new + text[end:]
        return text

    # one value

    def _put(self, item: Item, value: Any, parent: Node) -> None:
        """Another value of an item; where both are maps or lists, only what differs inside."""
        node = item.node
        if same(node.value, value):
            return
        if node.items and value and type(node.value) is type(value):
            self.outer.append((item, parent))
            self._inside(node, value)
            self.outer.pop()
            return
        self._replace(item, parent, value)

    def _inside(self, node: Node, value: Any) -> None:
        if node.keyed:
            self._map(node, value)
        else:
            self._list(node, value)

    def _replace(self, item: Item, parent: Node, value: Any) -> None:
        node = item.node
        if parent.flow:
            new = inline(value, node.style)
            self._patch(node.start, node.end, new if node.end > node.start else f" {new}", (item, parent))
            return
        new = below(value, parent.column, node.style, dash=item.key is None)
        if "\n" in new or node.block or node.start == node.end or "\n" in self.text[item.after:node.start]:
            end = self.tree.line_end(node.end) if "\n" in new else node.end
            self._patch(item.after, end, new, (item, parent))
        else:
            self._patch(node.start, node.end, new[1:], (item, parent))

    def _patch(self, start: int, end: int, new: str, at: tuple[Item, Node]) -> None:
        """One replacement; the comments that it takes away stand above the entry from now on."""
        block = next((item for item, parent in (at, *reversed(self.outer)) if not parent.flow and self._leads(item)), None)
        lost = [*self._comments(start, end)]
        self.patches.append((start, end, new))
        if lost and block is None:
            raise CantEdit("a comment would be lost")
        if lost and block is not None:
            indent = block.start - self.tree.line(block.start)
            self._insert(block.start, "".join(f"{text}\n{' ' * indent}" for text in lost))

    def _insert(self, at: int, new: str) -> None:
        """Before what a removal leaves at the same place: patches at one place stand in the order in which they came."""
        self.patches.append((at, at, new))

    def _comments(self, start: int, end: int) -> list[str]:
        inside = [one.text for one in self.tree.inside(start, end)]
        headers = re.findall(r"[|>][-+0-9]*[ \t]+(#[^\n]*)\n", self.text[start:end])
        return [*inside, *(text.rstrip() for text in headers if text.rstrip() not in inside)]

    def _leads(self, item: Item) -> bool:
        """Whether an item is the first on its line."""
        return not self.text[self.tree.line(item.start):item.start].strip()

    # maps

    def _map(self, node: Node, value: dict[str, Any]) -> None:
        assert node.items is not None
        stays = []
        for item in node.items:
            assert item.key is not None
            if item.key.value in value:
                stays.append(item)
                self._put(item, value[item.key.value], node)
        new = {key: one for key, one in value.items() if key not in node.value}
        if not stays:
            self._renew(node, value)
            return
        for key, one in new.items():
            self._append(node, stays[-1], f"{inline(key)}:", one)
        self._remove(node, [item for item in node.items if item not in stays])

    def _append(self, node: Node, here: Item, head: str, value: Any) -> None:
        """A new entry behind another one."""
        end = max(here.node.end, here.after)
        if node.flow:
            self._insert(end, f", {head} {inline(value)}".replace(",  ", ", "))
            return
        self._insert(self.tree.line_end(end), f"\n{' ' * node.column}{head or '-'}{below(value, node.column, dash=not head)}")

    def _renew(self, node: Node, value: Any) -> None:
        """All of a map or list is another."""
        if not self.outer:
            raise CantEdit("nothing of the file would stay")
        self._replace(*self.outer[-1], value)

    # lists

    def _list(self, node: Node, value: list[Any]) -> None:
        assert node.items is not None
        pairs = paired(node.value, value)
        if not any(old is not None and new is not None for old, new in pairs):
            self._renew(node, value)
            return
        here: Item | None = None
        first = next(node.items[old] for old, new in pairs if old is not None and new is not None)
        gone: list[Item] = []
        for old, new in pairs:
            if old is not None and new is not None:
                here = node.items[old]
                self._put(here, value[new], node)
            elif old is not None:
                gone.append(node.items[old])
            elif new is not None and here is not None:
                self._append(node, here, "", value[new])
            elif new is not None:
                self._lead(node, first, value[new])
        self._remove(node, gone)

    def _lead(self, node: Node, first: Item, value: Any) -> None:
        """A new item in front of the first one that stays."""
        new = f"{inline(value)}, " if node.flow else f"-{below(value, node.column, dash=True)}\n{' ' * node.column}"
        self._insert(first.start, new)

    # removing

    def _remove(self, node: Node, gone: list[Item]) -> None:
        for item in gone:
            self._cut(node, item, gone)

    def _cut(self, node: Node, item: Item, gone: list[Item]) -> None:
        assert node.items is not None
        n = node.items.index(item)
        behind = node.items[n + 1] if n + 1 < len(node.items) else None
        end = max(item.node.end, item.after)
        if node.flow or not self._leads(item):
            left = [one for one in node.items[:n] if one not in gone]
            if left:
                before = node.items[n - 1]
                self._patch(max(before.node.end, before.after), end, "", (item, node))
            elif behind is not None:
                self._patch(item.start, behind.start, "", (item, node))
            return
        start, stop = self.tree.line(item.start), self.tree.line_end(end)
        if self._blank_before(start) and self._blank_at(stop + 1):
            start = self.tree.line(start - 1)
        lost = self._comments(start, stop)
        indent = " " * node.column
        self.patches.append((start, min(stop + 1, len(self.text)), "".join(f"{indent}{text}\n" for text in lost)))

    def _blank_before(self, start: int) -> bool:
        return start > 0 and not self.text[self.tree.line(start - 1):start].strip()

    def _blank_at(self, start: int) -> bool:
        return start >= len(self.text) or not self.text[start:self.tree.line_end(start)].strip()


def paired(old: list[Any], new: list[Any]) -> list[tuple[int | None, int | None]]:
    """Which item of a list becomes which, in the new order; None where one goes or comes."""
    before, after = ([repr(_ordered(item)) for item in side] for side in (old, new))
    found: list[tuple[int | None, int | None]] = []
    for word, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if word == "equal":
            found += zip(range(a, b), range(c, d), strict=True)
            continue
        at = a
        for n in range(c, d):
            hit = next((m for m in range(at, b) if _alike(old[m], new[n])), None) if word == "replace" else None
            if hit is None and b - at == d - n > 0:
                hit = at
            if hit is not None:
                found += [(m, None) for m in range(at, hit)]
                at = hit + 1
            found.append((hit, n))
        found += [(m, None) for m in range(at, b)]
    return found


def _alike(one: Any, other: Any) -> bool:
    """Whether two maps look like the same thing: they share a text under the same key."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return any(isinstance(value, str) and other.get(key) == value for key, value in one.items())
