"""Entries → the text of a manifest, as a person would write it: block maps, short leaves on one line, texts as blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml as pyyaml

from reconciler.hidden import hidden
from reconciler.model import Address, Fields
from reconciler.yaml import CONTROL, plain

WIDTH = 110
NOWHERE = 1_000_000
"""Wider than any line: in a file that somebody wrote, a line is never broken where its author did not break it."""

SCHEMA = "# yaml-language-server: $schema={}\n"


def text(entries: Mapping[Address, Fields], *, schema: str | None = None) -> str:
    """One manifest, kinds and entries in the order given; `schema` is where the JSON Schema lies, seen from the file.

    ValueError when a value can't stand in a manifest (a control character, which YAML can't carry as it is).
    """
    tree: dict[str, dict[str, Fields]] = {}
    for address, fields in entries.items():
        tree.setdefault(address.kind, _Block())[address.name] = _Block(fields)
    parts = [_dumped(_Block({kind: named}), _Dumper, sort_keys=False, width=WIDTH, indent=2,
                     default_flow_style=None) for kind, named in tree.items()]
    return (SCHEMA.format(schema) if schema else "") + "\n".join(parts)


def inline(value: Any, style: str = "") -> str:
    """A value on one line, in the quotes that stood there before where it can wear them."""
    if isinstance(value, str) and style in ("'", '"'):
        return _dumped([value], _Flow, default_style='"' if _hides(value) else style, width=NOWHERE).strip()[1:-1]
    return _dumped([value], _Flow, width=NOWHERE).strip()[1:-1]


def below(value: Any, column: int, style: str = "", *, dash: bool = False) -> str:
    """What stands behind a colon or dash at `column`: a blank and a value, or lines below it."""
    if isinstance(value, str) and style in ("'", '"') and "\n" not in value:
        return f" {inline(value, style)}"
    outer: Any = _Items([value]) if dash else _Block({"k": value})
    lines = _dumped(outer, _Dumper, width=NOWHERE, sort_keys=False, indent=2,
                    default_flow_style=None).rstrip("\n").split("\n")
    lines[0] = lines[0].removeprefix("-" if dash else "k:")
    return "\n".join([lines[0], *(" " * column + line if line else "" for line in lines[1:])])


def _dumped(value: Any, dumper: type[pyyaml.SafeDumper], **more: Any) -> str:
    """YAML in which every character can be seen; one that can't stands escaped, in the double quotes that its text got."""
    made = str(pyyaml.dump(value, Dumper=dumper, allow_unicode=True, **more))
    if made.isascii():
        return made
    return "".join(f"\\U{ord(one):08x}" if one != "\n" and hidden(one) else one for one in made)


def _hides(text: str) -> bool:
    """Whether a text holds what can't be seen, line ends apart."""
    return not text.isascii() and any(hidden(one) for one in text if one != "\n")


def unwritable(value: Any) -> bool:
    """Whether a value holds characters that a manifest can't carry."""
    if isinstance(value, str):
        return CONTROL.search(value) is not None
    if isinstance(value, Mapping):
        return any(unwritable(item) for pair in value.items() for item in pair)
    return isinstance(value, (list, tuple)) and any(unwritable(item) for item in value)


class _Block(dict[str, Any]):
    """A map that is always written in lines: kinds, entries."""


class _Items(list[Any]):
    """A list that is always written in lines."""


class _Dumper(pyyaml.SafeDumper):
    """Block maps down to the leaves; an empty line of thought is never a tag or an anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        """Values are written out, as often as they come."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """A list stands deeper than the key that holds it."""
        super().increase_indent(flow, False)

    def represent_text(self, data: str) -> pyyaml.Node:
        """A text in the plainest style that reads back as itself."""
        if _hides(data):
            return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')
        if "\n" in data and not re.search(r"[ \t]+\n|^\s|\n\n\Z|\t|\r|[^\x20-\x7e\n\u00a0-\ud7ff\ue000-\ufffd]", data):
            return self.represent_scalar("tag:yaml.org,2002:str", data, style="|")
        style = None if isinstance(plain(data), str) and "\n" not in data else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def represent_fields(self, data: Mapping[str, Any]) -> pyyaml.Node:
        """A map; on one line only where it is short and holds nothing that is better read in lines."""
        node = self.represent_mapping("tag:yaml.org,2002:map", data.items())
        node.flow_style = _short(data) and not (data and isinstance(data, _Block))
        return node

    def represent_items(self, data: list[Any]) -> pyyaml.Node:
        """A list, likewise."""
        node = self.represent_sequence("tag:yaml.org,2002:seq", data)
        node.flow_style = _short(data) and not isinstance(data, _Items)
        return node


def _short(value: Any) -> bool:
    """Whether a collection reads well on one line."""
    leaves = list(value.values()) if isinstance(value, Mapping) else list(value)
    if not leaves:
        return True
    if any(isinstance(one, (dict, list)) and not (_short(one) and len(str(one)) <= 40) for one in leaves):
        return False
    return "\n" not in str(leaves) and "\\n" not in repr(leaves) and len(str(value)) <= 80


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.add_representer(dict, _Dumper.represent_fields)
_Dumper.add_representer(_Block, _Dumper.represent_fields)
_Dumper.add_representer(list, _Dumper.represent_items)
_Dumper.add_representer(_Items, _Dumper.represent_items)


class _Flow(_Dumper):
    """Everything on one line."""

    def represent_fields(self, data: Mapping[str, Any]) -> pyyaml.Node:
        """A map in braces."""
        return self.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True)

    def represent_items(self, data: list[Any]) -> pyyaml.Node:
        """A list in brackets."""
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)


_Flow.add_representer(dict, _Flow.represent_fields)
_Flow.add_representer(list, _Flow.represent_items)
