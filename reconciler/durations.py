"""Durations as people write them: `30m`, `7d`, `1h30m`, or seconds."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:s|m|h|d|w))+\Z")
_PART = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")


def seconds(text: str | float) -> float:
    """A duration in seconds; ValueError when it is none."""
    if isinstance(text, (int, float)):
        return float(text)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not _WHOLE.match(text):
        raise ValueError(f"{text!r} is not a duration such as 30m, 7d or 90")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
