"""YAML 1.2's words and numbers, and the caps on one file."""

from __future__ import annotations

import re
from typing import Any

import yaml as pyyaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 200_000
MAX_DIGITS = 400

LOADER: Any = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)
INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
OTHER_INT = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
         "null": None, "Null": None, "NULL": None, "~": None, "": None}
SPECIAL = frozenset(["", "~", *"tTfFnN", *"-+.0123456789"])
"""How an unquoted word begins (or nothing) that may be no text."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ud800-\udfff]")


def plain(text: str) -> Any:
    """What an unquoted word means: null, true, false, a number, or itself."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    if INT.match(text):
        return int(text)
    if OTHER_INT.match(text):
        return int(text, 0)
    if FLOAT.match(text) and not re.fullmatch(r"[-+]?0[0-9]+", text):
        return float(text)
    return text
