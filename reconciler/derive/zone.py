"""DNS records among the outputs, as the text of a zone file: for a DNS tool, or to be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reconciler.contract.kind import Kind
from reconciler.derive.code import Outputs
from reconciler.model import Address

TTL = 3600
"""Seconds, where a vendor leaves them to whoever writes the zone (`Auto`)."""

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?({_LABEL}\.)*{_LABEL}\.?")
_CAA = re.compile(r"(\d{1,3}) (\w+) \"?([^\"\\\s]*)\"?")


def zone(outputs: Outputs, kind: Callable[[str], Kind[Any] | None]) -> str:
    """Every record with its whole name, so that it fits below any origin; what is no record is counted and left out."""
    lines, odd = [f"$TTL {TTL}"], 0
    for address in sorted(outputs):
        found = [_line(record) for record in _records(address, outputs[address], kind)]
        lines += [f"; {address}", *(line for line in found if line)] if any(found) else []
        odd += found.count("")
    if odd:
        lines.append(f"; left out, as no zone file can hold them: {odd}")
    return "\n".join(["; Written by `reconciler output`; it is written again, so don't edit it.", *lines]) + "\n"


def _records(address: Address, outputs: Mapping[str, Any],
             kind: Callable[[str], Kind[Any] | None]) -> Iterator[Mapping[str, Any]]:
    found = kind(address.kind)
    for name, meaning in found.outputs.items() if found is not None else ():
        for record in outputs.get(name) or () if meaning.zone else ():
            if isinstance(record, Mapping):
                yield record


def _line(record: Mapping[str, Any]) -> str:
    """One record; empty where it can't be one. Nothing of a vendor's text gets out of its place in the line."""
    host, type, value = str(record.get("host") or ""), str(record.get("type") or ""), str(record.get("value") or "")
    data = _data(type, value, record.get("priority"))
    if not _HOST.fullmatch(host) or not data:
        return ""
    ttl = str(record.get("ttl") or "")
    return f"{_dotted(host)} {ttl + ' ' if ttl.isdecimal() else ''}IN {type} {data}"


def _data(type: str, value: str, priority: Any) -> str:
    if type == "TXT":
        return _text(value)
    if type == "CAA":
        hit = _CAA.fullmatch(value.strip())
        return f'{hit[1]} {hit[2]} "{hit[3]}"' if hit else ""
    if type not in ("MX", "CNAME") or not _HOST.fullmatch(value):
        return ""
    return f"{priority if isinstance(priority, int) else 10} {_dotted(value)}" if type == "MX" else _dotted(value)


def _text(value: str) -> str:
    """A text in strings of at most 255 bytes, each in quotes; a byte that is not plain is written by its number."""
    data = value.encode()
    parts = [data[n:n + 255] for n in range(0, len(data), 255)] or [b""]
    return " ".join('"' + "".join(map(_byte, part)) + '"' for part in parts)


def _byte(byte: int) -> str:
    char = chr(byte)
    if char in '"\\':
        return f"\\{char}"
    return char if 32 <= byte < 127 else f"\\{byte:03d}"


def _dotted(host: str) -> str:
    return host if host.endswith(".") else f"{host}."
