"""Whole processes in turns A B A B, medians, and a row of the table for each goal."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
HANGS = 900.0
"""Seconds after which a process is ended: nothing here takes that long."""

BUSY = 0.5
"""Share of a core from which the server, not the tool, is what is measured."""


class Failed(Exception):
    """A goal could not be measured; the text says why."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process that has ended: seconds on the clock and of processor, and what it wrote."""

    argv: tuple[str, ...]
    code: int
    wall: float
    cpu: float
    out: str
    err: str

    def checked(self, *codes: int) -> Run:
        """Itself, or Failed with the last thing it said."""
        if self.code not in (codes or (0,)):
            said = (self.err.strip() or self.out.strip() or "nothing was said").splitlines()
            line = next((one for one in said if one.startswith("error")), said[-1])
            raise Failed(f"`{self.shown}` ended with {self.code}: {line[:160].replace(f'{ROOT}{os.sep}', '')}")
        return self

    @property
    def shown(self) -> str:
        """The command without the interpreter."""
        words = [word for word in self.argv[1:6] if word != "-m"]
        return " ".join(words).replace(f"{ROOT}{os.sep}", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `ratio` is what is held against `must` and `aim`, lower being better unless `higher`."""

    goal: str
    figure: str
    yardstick: str
    ratio: float | None = None
    must: float | None = None
    aim: float | None = None
    higher: bool = False
    failed: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """What the figure means."""
        if self.failed:
            return f"failed: {self.failed}"
        if self.ratio is None or self.must is None or self.aim is None:
            return "no goal"
        if self._within(self.aim):
            return f"aim {self._limit(self.aim)} met"
        return f"{'must' if self._within(self.must) else 'MISSED, must be'} {self._limit(self.must)}{self._met()}"

    def _met(self) -> str:
        assert self.must is not None
        return " met" if self._within(self.must) else ""

    def _within(self, limit: float) -> bool:
        assert self.ratio is not None
        return self.ratio >= limit if self.higher else self.ratio <= limit

    def _limit(self, limit: float) -> str:
        return f"{'>=' if self.higher else '<='} {limit:g}"

    def record(self) -> dict[str, Any]:
        """The row as JSON."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True, slots=True)
class Bench:
    """What every goal needs: how often, how large, where."""

    work: Path
    pairs: int = 5
    quick: bool = False
    deep: bool = False

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> Run:
        """Start a process with a bare environment and wait for its end."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            start = time.perf_counter()
            child = subprocess.Popen(argv, cwd=ROOT, env={**_bare(), **(env or {})}, stdin=subprocess.DEVNULL,
                                     stdout=out, stderr=err)
            alarm = threading.Timer(HANGS, child.kill)
            alarm.start()
            try:
                _, status, used = os.wait4(child.pid, 0)
                wall = time.perf_counter() - start
            finally:
                alarm.cancel()
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            return Run(argv, child.returncode, wall, used.ru_utime + used.ru_stime, out.read(), err.read())

    def tool(self, *words: str, env: Mapping[str, str] | None = None) -> Run:
        """Run `reconciler …` as it is installed beside this interpreter, or as a module where it is not."""
        script = Path(sys.executable).parent / "reconciler"
        started = (str(script),) if script.exists() else (sys.executable, "-m", "reconciler")
        return self.run(*started, *words, env=env)

    def python(self, *words: str, env: Mapping[str, str] | None = None) -> Run:
        """Run this interpreter."""
        return self.run(sys.executable, *words, env=env)

    def part(self, *words: str | int) -> dict[str, float]:
        """Run one part of bench/parts.py in a process of its own; what it measured of itself."""
        found: dict[str, float] = json.loads(self.python("-m", "bench.parts", *map(str, words)).checked().out)
        return found

    def turns(self, *sides: Callable[[], float]) -> list[list[float]]:
        """Each side once to warm up, then all of them in turns."""
        found: list[list[float]] = [[] for _ in sides]
        for side in sides:
            side()
        for _ in range(self.pairs):
            for side, kept in zip(sides, found, strict=True):
                kept.append(side())
        return found

    @contextlib.contextmanager
    def server(self, population: Path) -> Iterator[Server]:
        """bench/server.py over a population, until the block ends."""
        argv = [sys.executable, "-m", "bench.server", str(population)]
        with subprocess.Popen(argv, cwd=ROOT, env=_bare(), stdout=subprocess.PIPE, text=True) as child:
            try:
                assert child.stdout is not None
                url = child.stdout.readline().strip()
                if not url:
                    raise Failed("bench/server.py did not start")
                yield Server(url)
            finally:
                child.terminate()


@dataclass(frozen=True, slots=True)
class Server:
    """The server of this run, seen from outside."""

    url: str

    def reset(self, latency: float, rate: float | None = None) -> None:
        """Count from zero, answer this slowly."""
        self._ask(f"/_reset?latency={latency}" + (f"&rate={rate}" if rate is not None else ""))

    def stats(self) -> dict[str, float]:
        """What was asked since; Failed where the server was busier than it may be."""
        found = self._ask("/_stats")
        if found["core"] > BUSY:
            raise Failed(f"the server used {found['core']:.2f} of a core, so its own time was measured")
        return found

    def _ask(self, path: str) -> dict[str, float]:
        with urlopen(self.url + path, timeout=60) as answer:
            found: dict[str, float] = json.load(answer)
            return found


def _bare() -> dict[str, str]:
    """No setting of the caller's, no credential, but a key that only bench/server.py takes."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "STRIPE_API_KEY": "sk_test_bench",
            "VAULT_TOKEN": "bench", "NO_COLOR": "1", "RECONCILER_NO_INPUT": "1"}


def ratio(goal: str, what: str, turns: list[list[float]], against: str, must: float, aim: float, **more: Any) -> Row:
    """The row of two sides that were measured in turns."""
    ours, theirs = median(turns[0]), median(turns[1])
    found = ours / theirs if theirs else float("inf")
    return Row(goal, f"{what}: {seconds(ours)} = {found:.2f}x", f"{against}: {seconds(theirs)}", found, must, aim,
               details={"ours": turns[0], "theirs": turns[1], **more})


def seconds(value: float) -> str:
    """A time as people say it."""
    for limit, factor, unit in ((1e-3, 1e6, "us"), (1.0, 1e3, "ms")):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"
