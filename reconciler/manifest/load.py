"""A project's manifests → checked resources; Invalid with every mistake in them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import Invalid
from reconciler.manifest.deliveries import delivering, unheard
from reconciler.manifest.entries import Catalogue, Entry, entries, overlaid
from reconciler.manifest.meant import waiting
from reconciler.manifest.resolve import Names
from reconciler.manifest.validate import circles, doubles, resource, unknown
from reconciler.model import Address, Location, Problem, Resource
from reconciler.suggest import did_you_mean

MANIFESTS, OVERLAYS = "manifests", "overlays"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The resources of one stack, in the order of their files, and in sentences what the stack leaves out."""

    resources: tuple[Resource, ...]
    warnings: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()


@contextmanager
def _without_gc() -> Iterator[None]:
    """Nothing that is loaded goes away before the run ends, so the collector has nothing to find in it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()


def load(root: Path, stack: str, stacks: Collection[str], catalogue: Catalogue, *, variables: Mapping[str, Any],
         secrets: Collection[str], variable: Callable[[str], Any], prefix: str = "") -> Loaded:
    """Read `manifests/` and the stack's overlay below `root`, and check them whole.

    `variable` gives a variable's value, `secrets` are the names that reconciler.yaml declares, `prefix` stands
    before the names of files in messages. Nothing is sent, and no credential is read.
    """
    problems: list[Problem] = []
    with _without_gc():
        found, left_out, gone = _entries(root, stack, stacks, problems, prefix)
        here = {a: e for a, e in found.items() if a.connection not in catalogue.absent}
        names = Names(catalogue, variables, secrets, here.keys(), (found.keys() - here.keys()) | gone, variable)
        resources = _resources(here, names, problems)
        kinds = {one.address.kind: kind for one in resources if (kind := catalogue.kind(one.address.kind)) is not None}
        problems.extend(doubles(resources, kinds, here))
        problems.extend(unheard(resources, kinds, here))
        resources = delivering(resources, catalogue, here, problems)
        resources = waiting(resources, kinds)
        problems.extend(circles(resources, kinds))
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise Invalid(sorted(problems, key=_order))
    return Loaded(tuple(resources), tuple(problems), tuple(_said(found, here, stack, left_out)))


def _entries(root: Path, stack: str, stacks: Collection[str], problems: list[Problem],
             prefix: str) -> tuple[dict[Address, Entry], int, set[Address]]:
    folder = root / MANIFESTS
    if not folder.is_dir():
        problems.append(
            Problem(f"there is no folder {prefix}{MANIFESTS}/", help="put what should exist there, one file a subject")
        )
        return {}, 0, set()
    base = entries(folder, problems, f"{prefix}{MANIFESTS}")
    over: dict[Address, Entry | None] = {}
    if (root / OVERLAYS).is_dir():
        for inner in sorted((root / OVERLAYS).iterdir()):
            shown = f"{prefix}{OVERLAYS}/{inner.name}"
            if inner.is_dir() and inner.name not in stacks:
                problems.append(
                    Problem(
                        f"{shown}/ matches no stack",
                        Location(shown, 1, 1),
                        hint=did_you_mean(inner.name, stacks),
                        help=f"the stacks are: {', '.join(stacks)}",
                    )
                )
        mine = root / OVERLAYS / stack
        over = entries(mine, problems, f"{prefix}{OVERLAYS}/{stack}", overlay=True) if mine.is_dir() else {}
    found, left_out = overlaid(base, over)
    return found, left_out, {address for address, entry in over.items() if entry is None}


def _resources(here: Mapping[Address, Entry], names: Names, problems: list[Problem]) -> list[Resource]:
    found: list[Resource] = []
    told: set[tuple[str, Location | None]] = set()
    for address, entry in here.items():
        kind = names.catalogue.kind(address.kind)
        if kind is None:
            problem = unknown(entry, names.catalogue)
            if (problem.message, problem.at) not in told:
                told.add((problem.message, problem.at))
                problems.append(problem)
            continue
        one = resource(entry, kind, names, problems)
        if one is not None:
            found.append(one)
    return found


def _said(found: Mapping[Address, Entry], here: Mapping[Address, Entry], stack: str, left_out: int) -> Iterator[str]:
    by_connection: dict[str, int] = {}
    for address in found.keys() - here.keys():
        by_connection[address.connection] = by_connection.get(address.connection, 0) + 1
    for connection, count in sorted(by_connection.items()):
        yield f"{_entries_word(count)} of {connection} {'is' if count == 1 else 'are'} left out: {stack} has no {connection}."
    if left_out:
        yield f"{_entries_word(left_out)} {'is' if left_out == 1 else 'are'} left out by overlays/{stack}/."


def _entries_word(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _order(problem: Problem) -> tuple[str, int, int]:
    return (problem.at.file, problem.at.line, problem.at.column) if problem.at else ("", 0, 0)
