"""Goals of planning and applying against bench/server.py: G7 to G11, G15."""

from __future__ import annotations

import http.client
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from bench import gen
from bench.measure import ROOT, Bench, Failed, Row, Run, Server, seconds

LATENCY, PAGE, AT_ONCE = 0.05, 100, 10
QUICK_ENOUGH = 1000.0
"""A rate that holds nobody up: what is measured is the shape of the requests, not the vendor's limit."""

LIMIT = 25.0
"""What Stripe allows in test mode, requests a second."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A project, the server that holds what it describes, and how many requests its lists need."""

    folder: Path
    server: Server
    entries: Sequence[gen.Entry]
    population: Mapping[str, Mapping[str, Sequence[gen.Fields]]]

    @property
    def pages(self) -> list[int]:
        """The requests of each list."""
        return [max(1, ceil(len(bodies) / PAGE)) for held in self.population.values() for bodies in held.values()]

    def plan(self, bench: Bench) -> tuple[Run, dict[str, Any], dict[str, float]]:
        """One plan: its process, what it says, what the server saw."""
        self.server.reset(LATENCY)
        run = bench.tool("plan", "-C", str(self.folder), "--format", "json").checked()
        found: dict[str, Any] = json.loads(run.out)
        return run, found, self.server.stats()

    def unchanged(self, bench: Bench) -> tuple[Run, dict[str, float]]:
        """One plan that must find nothing to do."""
        run, found, stats = self.plan(bench)
        if found["actions"] or found["summary"]["noop"] != len(self.entries):
            raise Failed(f"the plan should be empty, and says {found['summary']}")
        return run, stats


@contextmanager
def staged(bench: Bench, entries: Sequence[gen.Entry], *, change: float = 0, made: bool = True,
           tuned: bool = True) -> Iterator[Stage]:
    """Serve what the entries describe (or nothing, when they are still to be made), remembered in the ledger."""
    folder = bench.work / "stage"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    held = gen.population(entries, change)
    if not made:
        held = {name: {path: [] for path in paths} for name, paths in held.items()}
    (folder / "population.json").write_text(json.dumps(held), "utf-8")
    with bench.server(folder / "population.json") as server:
        more = {"requests_per_second": QUICK_ENOUGH} if tuned else {}
        gen.write(folder, entries, {name: gen.stripe(f"{server.url}/{name}", **more) for name in held})
        if made:
            remember(folder)
        yield Stage(folder, server, entries, held)


def remember(folder: Path) -> None:
    """Write the ledger that an apply of everything would have left."""
    from reconciler.ledger import Entry, Holder
    from reconciler.ledger.prints import prints
    from reconciler.model import has_token
    from reconciler.workspace import Options, Workspace

    with Workspace(Options(dir=folder), environ={"STRIPE_API_KEY": "sk_test_bench"}) as workspace:
        resources = workspace.validate()
        ledger = workspace.store.lock(Holder("bench"))
        records = []
        for one in resources:
            connection, _, noun = one.address.kind.partition(".")
            known = {name: value for name, value in one.fields.items() if not has_token(value)}
            entry = Entry(str(one.address), gen.id_of(connection, noun, one.address.name),
                          prints(known, None, ledger.lineage))
            records.append(entry.record())
        workspace.store.commit(records, (ledger.epoch, ledger.serial))
        workspace.store.unlock()


def ten_kinds(n: int) -> list[gen.Entry]:
    """`n` entries in ten kinds: products and prices of five connections."""
    return [entry for k in range(5) for entry in gen.entries(n // 5, "fan-out", fan=1, connection=f"stripe_{k}")]


def plans(bench: Bench) -> Iterator[Row]:
    """G7, G8 and G9, on ten kinds."""
    n = 1_000 if bench.quick else 10_000
    with staged(bench, ten_kinds(n)) as stage:
        stage.unchanged(bench)
        runs = [stage.unchanged(bench) for _ in range(bench.pairs)]
        floor = max(stage.pages) * LATENCY
        bounds = [max(floor, run.cpu) for run, _ in runs]
        walls = [run.wall for run, _ in runs]
        figure = f"plan of {n:,} in 10 kinds, no change: {seconds(median(walls))}"
        found = median(wall / bound for wall, bound in zip(walls, bounds, strict=True))
        against = f"max(list floor {seconds(floor)}, own CPU): {seconds(median(bounds))}"
        yield Row(
            "G7",
            f"{figure} = {found:.2f}x",
            against,
            found,
            1.5,
            1.2,
            details={"wall": walls, "cpu": [run.cpu for run, _ in runs]},
        )
        yield from _counted(f"{n:,} in 10 kinds", stage, [stats for _, stats in runs])
        each = _one_by_one(stage, 200 if bench.quick else 1_000) * n
        times = each / median(walls)
        yield Row("G9", f"{figure} = {times:.1f}x faster", f"one GET each, {AT_ONCE} at a time: {seconds(each)}",
                  times, 20, 50, higher=True, details={"each": each, "wall": walls})


def long_list(bench: Bench) -> Iterator[Row]:
    """G8 where one kind holds nearly everything."""
    n = 1_000 if bench.quick else 10_000
    with staged(bench, gen.entries(n + n // 100)) as stage:
        yield from _counted(f"{n:,} prices in one list", stage, [stage.unchanged(bench)[1]])


def _counted(what: str, stage: Stage, stats: Sequence[Mapping[str, float]]) -> Iterator[Row]:
    floor, asked = sum(stage.pages), [int(one["requests"]) for one in stats]
    yield Row("G8", f"{what}: {max(asked)} requests", f"list floor: {floor}", max(asked) - floor, 1, 0,
              details={"requests": asked, "connections": [int(one["connections"]) for one in stats]})
    writes = max(int(one["writes"]) for one in stats)
    yield Row("G8", f"{what}: {writes} writes", "a plan writes nothing: 0", writes, 0, 0)


def _one_by_one(stage: Stage, sample: int) -> float:
    """Seconds a resource when each is asked for on its own, ten at a time, as Terraform does."""
    paths = [f"/{name}{path}/{body['id']}" for name, held in stage.population.items() for path, bodies in held.items()
             for body in bodies][:sample]
    host = urlsplit(stage.server.url).netloc

    def ask(share: Sequence[str]) -> None:
        connection = http.client.HTTPConnection(host)
        for path in share:
            connection.request("GET", path, headers={"Authorization": "Bearer sk_test_bench"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise Failed(f"GET {path}: {answer.status}")
        connection.close()

    stage.server.reset(LATENCY)
    start = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, [paths[n::AT_ONCE] for n in range(AT_ONCE)]))
    wall = time.perf_counter() - start
    stage.server.stats()
    return wall / len(paths)


def applies(bench: Bench) -> Iterator[Row]:
    """G10, G11: new products, from a server that enforces Stripe's limit."""
    from reconciler.vendors.stripe.api import RATES

    n = 60 if bench.quick else 200
    found = [_applied(bench, n) for _ in range(2 if bench.quick else 3)]
    bounds = [max(asked * LATENCY / AT_ONCE, asked / RATES["test"]) for _, asked, _ in found]
    walls = [run.wall for run, _, _ in found]
    over = median(wall / bound for wall, bound in zip(walls, bounds, strict=True))
    refused = [int(stats["refused"]) for _, _, stats in found]
    yield Row("G10", f"apply of {n}, {LIMIT:g}/s enforced: {max(refused)} answers of 429", "0", max(refused), 0, 0,
              details={"refused": refused})
    yield Row("G11", f"apply of {n} independent changes: {seconds(median(walls))} = {over:.2f}x",
              f"{found[0][1]} requests at {RATES['test']:g}/s: {seconds(median(bounds))}", over, 1.2, 1.05,
              details={"wall": walls, "bound": bounds})


def _applied(bench: Bench, n: int) -> tuple[Run, int, dict[str, float]]:
    """One apply of everything: its process, the requests that the plan foretold, what the server saw."""
    with staged(bench, gen.entries(n, "flat"), made=False, tuned=False) as stage:
        _, plan, _ = stage.plan(bench)
        stage.server.reset(LATENCY, LIMIT)
        run = bench.tool("apply", "-C", str(stage.folder), "--auto-approve").checked()
        stats = stage.server.stats()
        if stats["writes"] - stats["refused"] != n:
            raise Failed(f"{n} products were to be made, and {stats['writes']:g} writes were sent")
        return run, plan["requests"]["read"] + plan["requests"]["write"], stats


def memory(bench: Bench) -> Iterator[Row]:
    """G15: what a plan holds at its peak."""
    n = 1_000 if bench.quick else 10_000
    with staged(bench, ten_kinds(n)) as stage:
        inputs, probe = stage.folder / "inputs.json", bench.work / "probe.json"
        inputs.write_text(json.dumps([entry.fields for entry in stage.entries]), "utf-8")
        plain = bench.part("plain", str(inputs), str(stage.folder / "population.json"))["bytes"]
        bench.python(str(ROOT / "bench/probe.py"), str(probe), "plan", "-C", str(stage.folder)).checked()
        peak = json.loads(probe.read_text("utf-8"))["peak"]
        yield Row("G15", f"plan of {n:,}, peak memory: {peak / 2**20:.0f} MiB = {peak / plain:.1f}x",
                  f"its inputs as plain dicts: {plain / 2**20:.0f} MiB", peak / plain, 3, 2)


def changed(bench: Bench) -> Iterator[Row]:
    """With --deep: what differences cost beside none."""
    for change in (0, 1, 100) if bench.deep else ():
        with staged(bench, ten_kinds(10_000), change=change) as stage:
            runs = [stage.plan(bench)[0] for _ in range(3)]
            cpu, wall = median(run.cpu for run in runs), median(run.wall for run in runs)
            yield Row("-", f"plan of 10,000, {change} % changed: {seconds(wall)}, CPU {seconds(cpu)}", "none",
                      details={"wall": [run.wall for run in runs]})
