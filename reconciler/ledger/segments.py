"""A journal as objects: the head says how far it goes and holds the newest records, segments hold the others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.ledger.chain import FORMAT, Row

SPILL = 65536
"""Bytes of records that the head holds before they go into a segment of their own."""

UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Segment:
    """An object with the records `first` to `last`, a line each."""

    key: str
    first: int
    last: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal ends, under whose token that was written, and where its records are."""

    epoch: int = 0
    serial: int = 0
    sum: bytes = b""
    token: str = ""
    segments: tuple[Segment, ...] = ()
    tail: bytes = b""
    format: int = FORMAT

    def dump(self) -> bytes:
        """As its object holds it."""
        return json.dumps({
            "format": self.format, "epoch": self.epoch, "serial": self.serial, "sum": self.sum.hex(), "token": self.token,
            "segments": [[one.key, one.first, one.last, one.bytes] for one in self.segments],
            "tail": self.tail.decode().splitlines()}, indent=1).encode()

    @classmethod
    def load(cls, data: bytes) -> Head:
        """One of the errors of UNREADABLE for what is no head; of a newer format only that is read."""
        said: dict[str, Any] = json.loads(data)
        if int(said["format"]) > FORMAT:
            return cls(format=int(said["format"]))
        segments = tuple(Segment(str(key), int(first), int(last), int(size)) for key, first, last, size in said["segments"])
        tail = "".join(f"{line}\n" for line in said["tail"]).encode()
        return cls(int(said["epoch"]), int(said["serial"]), bytes.fromhex(said["sum"]), str(said["token"]), segments, tail,
                   int(said["format"]))

    @property
    def first(self) -> int:
        """The serial of the first record in the tail."""
        return self.segments[-1].last + 1 if self.segments else 1

    def grown(self, rows: Sequence[Row], epoch: int, token: str) -> Head:
        """The head with more records in its tail."""
        return replace(self, epoch=epoch, serial=rows[-1][0], sum=rows[-1][2], token=token, tail=self.tail + lines(rows),
                       format=FORMAT)

    def spilling(self) -> tuple[Segment, ...]:
        """The segments that become one with a tail that has grown too long: few and large ones are left, read in few looks."""
        if len(self.tail) < SPILL:
            return ()
        size, n = len(self.tail), len(self.segments)
        while n and self.segments[n - 1].bytes <= size:
            n -= 1
            size += self.segments[n].bytes
        return self.segments[n:]

    def spilled(self, place: str, merged: Sequence[Segment], data: bytes) -> Head:
        """The head with its tail, behind the merged segments, in a segment of its own."""
        kept = self.segments[:len(self.segments) - len(merged)]
        first = kept[-1].last + 1 if kept else 1
        key = f"{place}/journal/{first:010}-{self.serial:010}-{self.sum.hex()[:16]}.jsonl"
        return replace(self, segments=(*kept, Segment(key, first, self.serial, len(data))), tail=b"")


def lines(rows: Iterable[Row]) -> bytes:
    """Records as lines: the checksum, and the record's JSON."""
    return b"".join(sum.hex().encode() + b" " + body + b"\n" for _, body, sum in rows)


def rows(first: int, data: bytes) -> Iterator[Row]:
    """The records of lines, the first of which has this serial; one of UNREADABLE where a line is none."""
    for n, line in enumerate(data.splitlines(), first):
        sum, _, body = line.partition(b" ")
        yield n, body, bytes.fromhex(sum.decode())
