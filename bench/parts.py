"""Single parts of the tool and their yardsticks; each runs in a process of its own and prints what it measured.

    python -m bench.parts diff 10000
"""

from __future__ import annotations

import argparse
import gc
import graphlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

Figures = dict[str, float]
CHUNK = 1000


def _timed(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> Figures:
    start = clock()
    work()
    return {"seconds": clock() - start}


# loading


def yaml_ours(folder: str) -> Figures:
    """Every manifest as values with places."""
    from reconciler import yaml

    texts = _texts(folder)
    gc.disable()  # as the loader does
    return _timed(lambda: [yaml.parse(text, "x.yaml") for text in texts])


def yaml_theirs(folder: str) -> Figures:
    """The same with PyYAML's C loader, without places."""
    import yaml

    texts = _texts(folder)
    gc.disable()
    return _timed(lambda: [yaml.load(text, yaml.CSafeLoader) for text in texts])


def _texts(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((Path(folder) / "manifests").glob("*.yaml"))]


def validate(folder: str, warm: str) -> Figures:
    """Load and check a project; `warm` is a small one that builds the models first."""
    from reconciler.workspace import Options, Workspace

    def checked(path: str) -> int:
        with Workspace(Options(dir=Path(path)), environ=os.environ) as workspace:
            return len(workspace.validate())

    checked(warm)
    found = 0

    def work() -> None:
        nonlocal found
        found = checked(folder)

    return {**_timed(work), "resources": found}


def plain(*files: str) -> Figures:
    """Bytes that the parsed inputs need as plain maps and lists."""
    texts = [Path(file).read_text("utf-8") for file in files]
    before = _resident()
    kept = [json.loads(text) for text in texts]
    return {"bytes": _resident() - before, "files": len(kept)}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()


# the ledger


def ledger_ours(file: str, start: int, count: int) -> Figures:
    """One durable commit a change, on a ledger that holds `start` entries."""
    from reconciler.engine.journal import Journal
    from reconciler.ledger import Holder
    from reconciler.ledger.sqlite import SqliteStore

    store = SqliteStore(Path(file), "bench", "default")
    journal = Journal(store, store.lock(Holder("bench")))
    for first in range(0, start, CHUNK):
        journal.write(*(_entry(n) for n in range(first, min(first + CHUNK, start))))
    before = _written()

    def work() -> None:
        for n in range(start, start + count):
            journal.write(_entry(n))

    found = _timed(work, time.perf_counter)
    found["bytes"] = (_written() - before) / count
    store.unlock()
    store.close()
    return found


def ledger_theirs(file: str, count: int) -> Figures:
    """The same records as lines of a file, each made durable."""
    def work() -> None:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for n in range(count):
            os.write(handle, json.dumps(_entry(n)).encode() + b"\n")
            os.fdatasync(handle)
        os.close(handle)

    before = _written()
    found = _timed(work, time.perf_counter)
    return {**found, "bytes": (_written() - before) / count}


def _entry(n: int) -> dict[str, Any]:
    from reconciler.ledger.model import Entry

    prints = dict.fromkeys(("name", "description", "unit_label", "metadata.tier"), f"sha256:{n:032x}")
    return Entry(f"stripe.product/product_{n}", f"stripe_{n}", prints).record()


def _written() -> int:
    """Bytes that this process has sent to disks."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


# diff and graph


def diff(count: int) -> Figures:
    """The one diff over unchanged prices, and a loop of == over the same values."""
    from bench.gen import entries, population
    from reconciler.contract.spec import shape_of
    from reconciler.engine.diff import diff as differ
    from reconciler.vendors.stripe.price import Price

    found = entries(count + count // 100, "fan-out")
    bodies = population(found)["stripe"]["/v1/prices"][:count]
    prices = [entry for entry in found if entry.kind == "stripe.price"][:count]
    kind, shape = Price(cast("Any", None)), shape_of(Price.spec)
    lives = [kind.from_wire(body) for body in bodies]
    wants = [{**entry.fields, "product": live["product"], "lookup_key": entry.name}
             for entry, live in zip(prices, lives, strict=True)]
    twins = json.loads(json.dumps(wants))  # equal, and not the same objects
    for want, live in zip(wants, lives, strict=True):
        assert differ(want, live, shape) == (), (want, live)
    gc.collect()
    gc.freeze()
    ours = _timed(lambda: [differ(want, live, shape) for want, live in zip(wants, lives, strict=True)])
    theirs = _timed(lambda: [want == twin for want, twin in zip(wants, twins, strict=True)])
    return {"ours": ours["seconds"], "theirs": theirs["seconds"]}


def graph(count: int) -> Figures:
    """The engine's order of entries with three needs each, and graphlib alone over the same edges."""
    from reconciler.contract import Spec
    from reconciler.engine.plan import World, in_order
    from reconciler.model import Address, Location, Ref, Resource

    kind = SimpleNamespace(spec=Spec)
    world = cast("World", SimpleNamespace(kinds={"bench.node": kind}))
    at = Location("x.yaml", 1, 1)
    addresses = [Address("bench.node", f"n{n}") for n in range(count)]
    edges = {n: {n // 2, n // 3, max(n - 7, 0)} - {n} for n in range(count)}
    nodes = [Resource(addresses[n], {"name": f"node {n}", "amount": n, **{f"need_{i}": Ref.to(addresses[need])
                                                                       for i, need in enumerate(sorted(edges[n]))}}, at)
             for n in range(count)]
    plain = {addresses[n]: {addresses[need] for need in needs} for n, needs in edges.items()}
    gc.collect()
    gc.freeze()
    ours = _timed(lambda: in_order(world, nodes))
    theirs = _timed(lambda: list(graphlib.TopologicalSorter(plain).static_order()))
    return {"ours": ours["seconds"], "theirs": theirs["seconds"]}


PARTS: dict[str, Callable[..., Figures]] = {
    one.__name__: one for one in (yaml_ours, yaml_theirs, validate, plain, ledger_ours, ledger_theirs, diff, graph)}


def main() -> None:
    """Run one part."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("part", choices=sorted(PARTS))
    asked.add_argument("words", nargs="*")
    given = asked.parse_args()
    words = [int(word) if word.isdigit() else word for word in given.words]
    sys.stdout.write(json.dumps(PARTS[given.part](*words)) + "\n")


if __name__ == "__main__":
    main()
