"""Secrets that are recognised wherever they turn up: in any output, file or log, whole, in part or in another coding."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

MARK = "C4n4ryQx"
"""Stands in every secret of a test, several times in long ones, and nowhere else."""


class Canary:
    """The secrets of one test. `secret` makes one; `seen_in` says where a trace of any was found."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def secret(self, name: str, before: str = "", after: str = "") -> str:
        """A secret of that name, between what its sort begins and ends with."""
        self.made[name] = f"{before}{MARK}{len(self.made)}{after}"
        return self.made[name]

    def awkward(self, name: str) -> str:
        """A secret of several lines, with what quoting and escaping change."""
        return self.secret(name, after=f"'\"\\ %/+&=ü<b>$HOME\n{MARK}-second line\n")

    @staticmethod
    def seen_in(texts: Mapping[str, str | bytes]) -> Iterator[str]:
        """The names of the texts in which a trace is found, with what stands around it."""
        for name, text in texts.items():
            content = text.encode() if isinstance(text, str) else text
            for trace in TRACES:
                at = content.find(trace)
                if at >= 0:
                    yield f"{name}: …{content[max(at - 60, 0):at + 30]!r}"

    @staticmethod
    def files(folder: Path, *but: str) -> dict[str, bytes]:
        """Every file below a folder, except in those parts of it that are the vendor itself."""
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                if path.is_file() and not any(path.is_relative_to(folder / part) for part in but)}


def _traces() -> tuple[bytes, ...]:
    """The mark as it is, backwards, in hexadecimal digits, and in base64 wherever it begins."""
    plain = MARK.encode()
    coded = []
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + plain)
        coded.append(whole[4 if shift else 0:len(whole) - 4])
    return (plain, plain[::-1], plain.hex().encode(), *coded)


TRACES = _traces()
