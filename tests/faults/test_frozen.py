"""F14: a run that was frozen, unlocked by a person and woken again sends nothing any more."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.sandbox import Request, Response
from tests.faults.crash import Kill, World
from tests.faults.stores import LONG_AFTER, STORES
from tests.faults.tally import Row


@contextmanager
def frozen(world: World, manifest: object) -> Iterator[int]:
    """A process that stands still in its first write, which took effect; it is gone at the end, whatever happens."""
    stopped: list[int] = []
    answer = world.box.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        if request.method != "GET" and not stopped:
            os.kill(pid, signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
            stopped.append(pid)
        return response

    pid = world.start(manifest, Kill(), 0.0)
    world.box.handle = handle  # type: ignore[method-assign]
    try:
        world.exchange.serve(lambda: bool(stopped))
        assert stopped
        yield pid
    finally:
        world.box.handle = answer  # type: ignore[method-assign]
        if pid not in world.exchange.codes:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def by_another(world: World, want: object) -> None:
    """The stack is applied by a second run while the first one stands still."""
    sleeping = dict(world.exchange.ends)
    world.exchange.ends.clear()
    world.run(want, Kill(), 0.0)
    world.exchange.ends.update(sleeping)


def woken(world: World, pid: int) -> int:
    """The exit code of a frozen process that goes on to its own end."""
    os.kill(pid, signal.SIGCONT)
    world.exchange.serve()
    return world.exchange.codes[pid]


def unlocked(world: World, run: str) -> None:
    """The stack is taken from the run that holds it, after its lease and its last request must be over."""
    world.slept.value += 1_000
    with closing(world.opener(world.folder, TestClock(LONG_AFTER))) as store:
        store.force_unlock(run)


@pytest.mark.parametrize("store", STORES)
def test_f14_a_frozen_run_that_wakes_sends_nothing(request: pytest.FixtureRequest, row: Row, quick: Path, store: str) -> None:
    """It is stopped within a write, its stack is unlocked and applied by another; then it wakes: no further write is sent."""
    between: list[Callable[[World, object], object]] = [by_another, lambda *_: None]
    opener = STORES[store].opener(request)
    for one in row.trials(*STORES[store].frozen):
        folder = quick / str(one.seed)
        folder.mkdir()
        world = World(folder, one.seed, opener)
        want = world.side.manifest(one.rng)
        with frozen(world, want) as pid:
            first = world.death.writers[0]
            unlocked(world, f"run{world.moment}")
            one.rng.choice(between)(world, want)
            code = woken(world, pid)
        assert world.death.writers.count(first) == 1, f"{one}: a write under the old epoch"
        assert code == 6, f"{one}: exit {code}"
        for _ in range(2):
            world.run(want, Kill(), 0.0)
        found = world.judged(want)
        assert not found, f"{one}: {found}"
