"""A ledger as a few text files: a line for each thing that is remembered, with its checksum, sharded by address."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from reconciler.ledger.chain import FORMAT, Row
from reconciler.ledger.model import Entry, Fold, Intent, Ledger, Run
from reconciler.ledger.store import Holder

SHARDS = 64
RUNS = 50
"""Runs in one file: those that have ended stay as they are."""

FORMAT_FILE, HEAD, LOCK, JOURNAL = "format", "head", "lock", "journal"

Files = Mapping[str, bytes]

_UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Torn(Exception):
    """The files are not as they were written; says which and how."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A ledger and who holds it; `tail` is the checksum of its journal, `rows` the journal since the parent commit.

    `taken` says that the lock was taken from its holder and stays until nothing of that run can be under way.
    """

    ledger: Ledger
    tail: bytes
    rows: tuple[Row, ...] = ()
    lock: Holder | None = None
    taken: bool = False


def written(now: Snapshot) -> dict[str, bytes]:
    """The files; the same ledger always gives the same bytes."""
    files: dict[str, bytes] = {}
    for name, lines in _shards(now.ledger).items():
        files[name] = _text(map(_line, lines))
    for n in range(0, len(now.ledger.runs), RUNS):
        files[f"runs-{n // RUNS:04}"] = _text(_line(asdict(run)) for run in now.ledger.runs[n:n + RUNS])
    files[JOURNAL] = _text(f"{sum.hex()} {body.decode()}" for _, body, sum in now.rows)
    if now.lock is not None:
        files[LOCK] = _text([_line({**asdict(now.lock), "taken": now.taken})])
    head = {**Fold.of(now.ledger).head, "serial": now.ledger.serial, "tail": now.tail.hex(),
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}
    return {**files, HEAD: _text([_line(head)]), FORMAT_FILE: f"{FORMAT}\n".encode()}


def read(files: Files) -> Snapshot:
    """What the files say; Torn when a line, or a whole file, is damaged, missing or one too many."""
    head = head_of(files)
    for name in sorted({*head["files"], *files} - {HEAD, FORMAT_FILE}):
        if name not in files:
            raise Torn(f"{name} is missing")
        if name not in head["files"]:
            raise Torn(f"{name} does not belong to it")
    try:
        return _read(files, head)
    except _UNREADABLE as error:
        raise Torn(f"{type(error).__name__}: {error}") from error


def head_of(files: Files) -> dict[str, Any]:
    """Names, lineage, epoch, serial, tail, and the checksum of every other file."""
    found = list(_lines(HEAD, files.get(HEAD, b"")))
    if len(found) != 1 or not isinstance(found[0].get("files"), dict):
        raise Torn("head is missing or is no head")
    return found[0]


def format_of(files: Files) -> int:
    """The format that they are written in."""
    text = files.get(FORMAT_FILE, b"").strip()
    if not text.isdigit() or int(text) == 0:
        raise Torn("format is missing or is no number")
    return int(text)


def rows_of(text: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The body and checksum of each record of a journal file."""
    for number, line in enumerate(text.splitlines(), 1):
        sum, _, body = line.partition(b" ")
        try:
            yield body, bytes.fromhex(sum.decode("ascii"))
        except ValueError as error:
            raise Torn(f"journal line {number} is damaged") from error


# writing


def _shards(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    shards: dict[str, list[dict[str, Any]]] = {}
    for address, entry in sorted(ledger.entries.items()):
        shards.setdefault(_shard(address), []).append(entry.record())
    for _, intent in sorted(ledger.intents.items()):
        shards.setdefault(_shard(intent.address), []).append({**intent.record(), "state": intent.state})
    for (address, digest), (key, at) in sorted(ledger.spent.items()):
        line = {"t": "spent", "address": address, "digest": digest, "key": key, "at": at}
        shards.setdefault(_shard(address), []).append(line)
    for address, id in sorted(ledger.made):
        shards.setdefault(_shard(address), []).append({"t": "made", "address": address, "id": id})
    return shards


def _shard(address: str) -> str:
    return f"{hashlib.sha256(address.encode()).digest()[0] % SHARDS:02}"


def _line(value: Mapping[str, Any]) -> str:
    """Canonical JSON after its checksum."""
    body = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return f"{_sum(body)} {body}"


def _sum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


# reading


def _read(files: Files, head: Mapping[str, Any]) -> Snapshot:
    fold, lock = Fold(), None
    rows: tuple[tuple[bytes, bytes], ...] = ()
    runs: list[Run] = []
    for name in sorted(head["files"]):
        if name == JOURNAL:
            rows = tuple(rows_of(files[name]))
        elif name == LOCK:
            [lock] = _lines(name, files[name])
        elif name.startswith("runs-"):
            runs.extend(_run(line) for line in _lines(name, files[name]))
        else:
            for line in _lines(name, files[name]):
                _take(fold, line)
        if hashlib.sha256(files[name]).hexdigest() != head["files"][name]:
            raise Torn(f"{name} is not as it was written")
    first = head["serial"] - len(rows) + 1
    left = head["left"]
    ledger = Ledger(
        **{name: head[name] for name in ("project", "stack", "lineage", "epoch", "serial")}, entries=fold.entries,
        intents=fold.intents, spent=fold.spent, runs=tuple(runs), made=frozenset(fold.made),
        left=None if left is None else (left[0], left[1]))
    taken = bool(lock and lock.pop("taken"))
    return Snapshot(ledger, bytes.fromhex(head["tail"]), tuple((n, *row) for n, row in enumerate(rows, first)),
                    Holder(**lock) if lock else None, taken)


def _take(fold: Fold, line: dict[str, Any]) -> None:
    match line["t"]:
        case "entry":
            fold.entries[line["address"]] = Entry.of(line)
        case "intent":
            fold.intents[line["op"]] = replace(Intent.of(line), state=line["state"])
        case "spent":
            fold.spent[line["address"], line["digest"]] = (line["key"], line["at"])
        case "made":
            fold.made.add((line["address"], line["id"]))
        case other:
            raise ValueError(f"there is no line of type {other}")


def _run(line: Mapping[str, Any]) -> Run:
    return Run(**{**line, "done": tuple(line["done"]), "begun": tuple(line["begun"])})


def _lines(name: str, text: bytes) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), 1):
        sum, _, body = line.partition(" ")
        if sum != _sum(body):
            raise Torn(f"{name} line {number} is damaged")
        value = json.loads(body)
        if not isinstance(value, dict):
            raise Torn(f"{name} line {number} is no record")
        yield value
