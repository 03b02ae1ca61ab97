"""A YAML file in its one layout: two spaces a level, short maps on one line, comments and order kept, values untouched."""

from __future__ import annotations

import re
from collections import defaultdict

from reconciler import yaml
from reconciler.errors import Invalid
from reconciler.model import Location, Problem
from reconciler.yaml.tree import Comment, Item, Node, Tree, tree

WIDTH = 128
"""A map or list on one line is written in lines where its line would be longer."""

STEP = 2
_BEHIND = re.compile(r"(?<!\\)[ \t]+\Z")
_HEADER = re.compile(r"([|>])([-+]?)[1-9]?([-+]?)(?:[ \t]+(#.*))?\Z")


def laid_out(data: bytes, file: str) -> str:
    """The file's text in its layout; Invalid when it is broken, or when a value or a comment would not survive."""
    before = yaml.parse(data, file)
    text = re.sub(r"\r\n?", "\n", data.decode("utf-8-sig"))
    if re.match(r"(?:[ \t]*(?:#.*)?\n)*%", text):
        raise Invalid([Problem("a file with a % directive can't be laid out", Location(file, 1, 1),
                               help="leave the directive out")])
    grown = tree(text)
    made = _Writer(grown).text()
    try:
        after = yaml.parse(made.encode(), file)
        kept = same(before.value, after.value) and _comments(tree(made)) == _comments(grown)
    except Invalid:
        kept = False
    if not kept:
        raise Invalid([Problem("this file can't be laid out without changing what it says", Location(file, 1, 1),
                               help="it is left as it is; please report it")])
    return made


def same(one: object, other: object) -> bool:
    """Whether two values are equal in type too, at every depth, keys in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def _comments(grown: Tree) -> list[str]:
    return sorted(comment.text for comment in grown.comments)


class _Writer:
    """Writes a tree; comments stand `above` an item, `beside` its value, `behind` its key, or at the `foot` of a block."""

    def __init__(self, grown: Tree) -> None:
        self.tree = grown
        self.above: dict[int, list[Comment]] = defaultdict(list)
        self.beside: dict[int, list[Comment]] = defaultdict(list)
        self.behind: dict[int, list[Comment]] = defaultdict(list)
        self.foot: dict[int, list[Comment]] = defaultdict(list)
        self.commented: set[int] = set()
        self.kept: set[int] = set()
        self._note(grown.root)

    def text(self) -> str:
        """The whole file."""
        root, lines = self.tree.root, list[str]()
        rest = [comment for comment in self.tree.comments if comment.start >= self.tree.head]
        if self.tree.head:
            lines += [comment.text for comment in self.tree.comments if comment.start < self.tree.head] + ["---"]
        if root.items is None:
            lines += [*(comment.text for comment in rest), self.tree.text[root.start:root.end]]
        else:
            for comment in rest:
                (self._own if comment.own else self._trailing)(comment, root)
            flat = self._flat(root) if root.flow else None
            lines += self._block(root, 0) if flat is None or len(flat) > WIDTH else [flat, *self._under(root, 0)]
        return "\n".join(lines).strip("\n") + "\n"

    def _note(self, node: Node) -> None:
        """Blank lines at the end of a text that keeps them are the text's own."""
        if node.style in ("|", ">") and "+" in self.tree.text[node.start:node.start + 3]:
            self.kept.add(node.end)
        for item in node.items or ():
            self._note(item.node)

    # comments

    def _own(self, comment: Comment, node: Node) -> None:
        """Which item a comment on a line of its own stands above: its column says how deep it belongs."""
        items = node.items or []
        if node.flow:
            self.commented.add(id(node))
        before = [item for item in items if item.start < comment.start]
        behind = items[len(before)] if len(before) < len(items) else None
        last = before[-1] if before else None
        inner = last.node if last is not None else node
        if last is not None and comment.start < inner.start:
            self.above[id(inner.items[0] if inner.block and inner.items else last)].append(comment)
        elif last is not None and inner.items is not None and _belongs(comment, inner, node):
            self._own(comment, inner)
        elif behind is not None:
            self.above[id(behind)].append(comment)
        else:
            self.foot[id(node)].append(comment)

    def _trailing(self, comment: Comment, node: Node) -> None:
        """Which item a comment at the end of a line stands beside."""
        if node.flow:
            self.commented.add(id(node))
        before = [item for item in node.items or () if item.start < comment.start]
        if not before:
            items = node.items or []
            (self.above[id(items[0])] if items else self.foot[id(node)]).append(comment)
            return
        item = before[-1]
        inner = item.node
        if inner.items is not None and inner.items and comment.start < inner.start and inner.block:
            self.behind[id(item)].append(comment)
        elif inner.items is not None and (inner.block or comment.start < inner.end) and comment.start > inner.start:
            self._trailing(comment, inner)
        else:
            self.beside[id(item)].append(comment)

    def _spaced(self, at: int) -> bool:
        """Whether an empty line stands above a position's."""
        line = self.tree.line(at)
        return line > 0 and not self.tree.text[self.tree.line(line - 1):line].strip() and line - 1 not in self.kept

    def _above(self, comments: list[Comment], indent: int) -> list[str]:
        lines = []
        for comment in comments:
            lines += [""] if comment.own and self._spaced(comment.start) else []
            lines.append(" " * indent + comment.text)
        return lines

    def _under(self, node: Node, indent: int) -> list[str]:
        return self._above(self.foot[id(node)], indent)

    def _tail(self, comments: list[Comment]) -> str:
        """Comments at the end of a line, at their distance."""
        if not comments:
            return ""
        first = comments[0]
        line = self.tree.text[self.tree.line(first.start):first.start]
        gap = max(2, len(line) - len(line.rstrip())) if not first.own else 2
        texts = [comments[0].text, *(comment.text.lstrip("# ") for comment in comments[1:])]
        return " " * gap + "; ".join(texts) if len(texts) > 1 else " " * gap + texts[0]

    # values

    def _block(self, node: Node, indent: int) -> list[str]:
        lines: list[str] = []
        for item in node.items or ():
            beside = self.beside[id(item)]
            if len(beside) > 1:  # only one comment fits at the end of a line
                self.above[id(item)] += beside[:-1]
                del beside[:-1]
            lines += self._above(self.above[id(item)], indent)
            if (not node.flow and self._spaced(item.start)) and (lines or indent == 0):
                lines.append("")
            head = "-" if item.key is None else self._key(item.key) + ":"
            lines += self._value(item, " " * indent + head, indent)
        return lines + self._under(node, indent)

    def _value(self, item: Item, head: str, indent: int) -> list[str]:
        node, beside = item.node, self._tail(self.beside[id(item)])
        if node.items is None:
            first, *rest = self._scalar(node, indent + STEP)
            lines = [f"{head} {first}" if first else head, *rest]
            lines[-1] += beside
            return lines
        flat = self._flat(node) if not node.block else None
        if flat is not None and (not node.items or len(head) + 1 + len(flat) <= WIDTH):
            return [f"{head} {flat}{beside}"]
        behind = self._tail([*self.behind[id(item)], *self.beside[id(item)]])
        lines = self._block(node, indent + STEP)
        if item.key is None and not behind and lines[0].strip() and not lines[0].lstrip().startswith("#"):
            return [f"{head} {lines[0].lstrip()}", *lines[1:]]
        return [head + behind, *lines]

    def _key(self, key: Node) -> str:
        return self.tree.text[key.start:key.end]

    def _flat(self, node: Node) -> str | None:
        """A map or list on one line; None where it can't be."""
        if id(node) in self.commented or node.block:
            return None
        parts = []
        for item in node.items or ():
            value = self._flat(item.node) if item.node.items is not None else self._line(item.node)
            if value is None:
                return None
            parts.append(f"{self._key(item.key)}: {value or 'null'}" if item.key is not None else value)
        return f"{{{', '.join(parts)}}}" if node.keyed else f"[{', '.join(parts)}]"

    def _line(self, node: Node) -> str | None:
        """A scalar on one line, where its lines only fold."""
        raw = self.tree.text[node.start:node.end]
        if "\n" not in raw:
            return raw
        return None if re.search(r"\n[ \t]*\n|\\\n", raw) else re.sub(r"[ \t]*\n[ \t]*", " ", raw)

    def _scalar(self, node: Node, indent: int) -> list[str]:
        """A scalar's lines; those after the first at their place."""
        raw = self.tree.text[node.start:node.end]
        if node.style in ("|", ">"):
            return self._literal(node, raw, indent)
        first, *rest = raw.split("\n")
        lines = [first, *(" " * indent + line.lstrip(" \t") if line.strip() else "" for line in rest)]
        return [*(_BEHIND.sub("", line) for line in lines[:-1]), lines[-1]]

    def _literal(self, node: Node, raw: str, indent: int) -> list[str]:
        header, *lines = raw.split("\n")
        hit = _HEADER.match(header)
        first = next((line for line in lines if line.strip()), "")
        said = next((line for line in str(node.value).split("\n") if line.strip()), "")
        deep, more = len(first) - len(first.lstrip(" ")), len(said) - len(said.lstrip(" "))
        if hit is not None:
            digit = str(STEP) if more else ""
            header = f"{hit[1]}{digit}{hit[2] or hit[3]}" + (f"  {hit[4]}" if hit[4] else "")
        cut = deep - more
        return [header, *(" " * indent + line[cut:] if line[cut:] else "" for line in lines)]


def _belongs(comment: Comment, inner: Node, outer: Node) -> bool:
    """Whether a comment behind the beginning of an inner map or list is one of its own."""
    if comment.start < inner.end:
        return True
    return inner.block and comment.column >= inner.column > outer.column
