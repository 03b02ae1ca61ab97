"""YAML text → values with the place of each; own builder over PyYAML's C events, with YAML 1.2 words and caps.

Nothing is raised but Invalid, with every problem that could be found in one reading. A file with nothing odd in it is
read by a shorter way, and its places are found when somebody asks.
"""

from __future__ import annotations

from reconciler.errors import Invalid
from reconciler.model import Location, Problem
from reconciler.yaml.build import Builder
from reconciler.yaml.document import Document, Place
from reconciler.yaml.quick import Odd, quick
from reconciler.yaml.words import CONTROL, MAX_BYTES, MAX_DEPTH, MAX_NODES, plain

__all__ = ["CONTROL", "MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "Document", "Place", "parse", "plain"]


def parse(data: bytes, file: str) -> Document:
    """Read one document; Invalid with what is wrong with it."""
    if not data.strip():
        raise Invalid([Problem("the file is empty", Location(file, 1, 1), help="delete it, or declare something in it")])
    if len(data) > MAX_BYTES:
        raise Invalid([Problem("the file is larger than 1 MB", Location(file, 1, 1), help="split it")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid([Problem("the file is not UTF-8", Location(file, line, 1))]) from error
    try:
        value, heads = quick(text)
    except Odd:
        return _whole(text, file)
    return Document(file, value, heads, lambda: _whole(text, file).places)


def _whole(text: str, file: str) -> Document:
    builder = Builder(file, text)
    value = builder.build()
    if builder.problems:
        raise Invalid(builder.problems)
    return Document(file, value, {}, lambda: builder.places)
