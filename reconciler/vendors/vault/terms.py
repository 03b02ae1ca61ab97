"""Vault's ways to write one value in several forms: durations, networks, sets of policies, paths; and their normal forms."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.contract import Canonical
from reconciler.model import has_token

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d)")


MOST = 2 ** 63 // 10 ** 9
"""Seconds in the longest duration that Go can hold, 292 years."""


def seconds(value: Any) -> float:
    """A Go duration (`1h30m`, `-1s`), a number, or a text of one, in seconds; ValueError when it is none."""
    found = _seconds(value)
    if not abs(found) <= MOST:
        raise ValueError("a duration of more than 292 years is none that Vault can keep")
    return float(found)


def _seconds(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        sign, digits = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
        if re.fullmatch(r"\d+(\.\d+)?", digits):
            return sign * float(digits)
        parts = _PART.findall(digits)
        if parts and "".join(number + unit for number, unit in parts) == digits:
            return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)
    raise ValueError(f"{value!r} is not a duration such as 30m, 1h30m or 90")


def duration(value: Any) -> Any:
    """The normal form of a duration: whole seconds where it is one, else the value as it is."""
    try:
        found = seconds(value)
    except ValueError:
        return value
    return int(found) if found == int(found) else found


def sent(value: Any) -> Any:
    """A duration as it is sent: a text, as the API document types it, never a bare number."""
    found = duration(0 if value is None else value)
    return f"{found}s" if isinstance(found, (int, float)) else found


def _whole(value: Any) -> Any:
    if value is None or has_token(value):
        return value
    found = seconds(value)
    if found != int(found):
        raise ValueError("Vault keeps whole seconds only")
    return value


def _positive(value: Any) -> Any:
    if value is not None and not has_token(value) and seconds(value) < 0:
        raise ValueError("can't be negative")
    return value


Signed = Annotated[str | int | None, AfterValidator(_whole), Canonical(duration)]
"""A duration that may be negative."""

Duration = Annotated[str | int | None, AfterValidator(_whole), AfterValidator(_positive), Canonical(duration)]
"""A duration: `1h`, `90m` and 3600 are what Vault reads back as seconds; null is 0, the server's default."""


def network(value: Any) -> Any:
    """One address block in normal form: a single host with or without its suffix is the same."""
    try:
        return str(ipaddress.ip_network(str(value), strict=False))
    except ValueError:
        return value


def networks(value: Any) -> Any:
    """A set of address blocks in normal form: order and doubles don't count."""
    return sorted({str(network(item)) for item in value}) if isinstance(value, list) else value


def _block(value: str) -> str:
    if not has_token(value):
        try:
            ipaddress.ip_network(value, strict=False)
        except ValueError as error:
            raise ValueError(f"not an address or block such as 10.0.0.0/8: {error}") from None
    return value


Networks = Annotated[list[Annotated[str, AfterValidator(_block)]] | None, Canonical(networks)]
"""Address blocks, as a set: Vault reads `1.2.3.4/32` back as it was written in one field and as `1.2.3.4` in another."""


def names(value: Any) -> Any:
    """A set of names that count without case: order, doubles and case are not kept by every server version."""
    return sorted({str(item).strip().lower() for item in value}) if isinstance(value, list) else value


def unordered(value: Any) -> Any:
    """A set of texts."""
    return sorted({str(item) for item in value}) if isinstance(value, list) else value


Texts = Annotated[list[str] | None, Canonical(unordered)]
"""Texts as a set."""


def text(value: Any) -> Any:
    """Numbers and booleans as the texts that Vault keeps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


Text = Annotated[str | None, BeforeValidator(text), Canonical(text)]
"""A text; a number or a boolean is written as one."""


def _path(value: str | None) -> str | None:
    if value is None or has_token(value):
        return value
    if value != value.strip("/") or not value:
        raise ValueError(f"has no slash at its ends: write {value.strip('/')!r}" if value.strip("/") else "can't be empty")
    if "//" in value or any(part in (".", "..") for part in value.split("/")):
        raise ValueError("has no empty, . or .. parts")
    if value != value.strip() or any(ord(char) < 32 or char in "*+?#" for char in value):
        raise ValueError("has no * + ? # or control characters, and no blanks at its ends")
    return value


Path = Annotated[str, AfterValidator(_path), Field(max_length=1024)]
"""A path at the server, without slashes at its ends."""


def bare(value: Any) -> Any:
    """A path without the slashes at its ends."""
    return value.strip("/") if isinstance(value, str) else value


def route(path: str) -> str:
    """A path as part of a request's path; a token is left for the engine."""
    return path if has_token(path) else quote(path, safe="/")


def nested(changes: Mapping[str, Any], name: str) -> bool:
    """Whether a map of changed paths touches a field or anything below it."""
    return any(path == name or path.startswith((name + ".", name + "[")) for path in changes)
