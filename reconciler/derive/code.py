"""Ids and outputs for an application: JSON, and a file of environment variables; secrets are left out."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.derive.values import plain, safe
from reconciler.model import Address
from reconciler.secret import Secret

Outputs = Mapping[Address, Mapping[str, Any]]

_BARE = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_ESCAPED = re.compile(r'[\\"$`]')


def as_json(outputs: Outputs) -> str:
    """Address → output → value; what is not ASCII is escaped, which loses nothing."""
    made = {str(address): {name: plain(value) for name, value in sorted(outputs[address].items())
                           if not isinstance(value, Secret)} for address in sorted(outputs)}
    return json.dumps(made, indent=2) + "\n"


def dotenv(outputs: Outputs, prefix: str = "") -> str:
    """`NAME=value` lines as a POSIX shell and dotenv libraries read them; lists and maps are JSON."""
    lines, hidden, odd = [], 0, 0
    names = _names(outputs, prefix)
    for address, output, value in _pairs(outputs):
        if isinstance(value, Secret):
            hidden += 1
        elif value is not None:
            text = _text(value)
            if safe(text.replace("\n", "").replace("\t", "")) != text.replace("\n", "").replace("\t", ""):
                odd += 1
            else:
                lines.append(f"{names[address, output]}={_quoted(text)}")
    said = ["# Written by `reconciler output`; it is written again, so don't edit it."]
    if hidden:
        said.append(f"# {_counted(hidden, 'secret')} left out.")
    if odd:
        said.append(f"# {_counted(odd, 'value', ' with control or invisible characters')} left out.")
    return "\n".join([*said, *sorted(lines)]) + "\n"


def _counted(count: int, noun: str, more: str = "") -> str:
    return f"1 {noun}{more} is" if count == 1 else f"{count} {noun}s{more} are"


def _pairs(outputs: Outputs) -> Iterator[tuple[Address, str, Any]]:
    for address in sorted(outputs):
        for output in sorted(outputs[address]):
            yield address, output, outputs[address][output]


def _names(outputs: Outputs, prefix: str) -> dict[tuple[Address, str], str]:
    """A name for each output; where two would be the same, both get a mark that the other has no part in.

    A counter would let a new entry take over another one's name.
    """
    names = {(address, output): _name(f"{prefix}{_upper(f'{address}_{output}')}")
             for address, output, _ in _pairs(outputs)}
    held: dict[str, int] = {}
    for name in names.values():
        held[name] = held.get(name, 0) + 1
    return {slot: name if held[name] == 1 else f"{name}_{_mark(*slot)}" for slot, name in names.items()}


def _upper(text: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", text.upper()).strip("_")


def _name(text: str) -> str:
    """A variable's name never begins with a digit."""
    return f"_{text}" if text[0].isdigit() else text


def _mark(address: Address, output: str) -> str:
    return hashlib.sha256(f"{address} {output}".encode()).hexdigest()[:8].upper()


def _text(value: Any) -> str:
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Bare where that is safe, else in single quotes, where nothing has a meaning; else with escapes."""
    if _BARE.fullmatch(text):
        return text
    if "'" not in text and "\\" not in text:
        return f"'{text}'"
    return '"' + _ESCAPED.sub(lambda hit: "\\" + hit[0], text) + '"'
