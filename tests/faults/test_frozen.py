"""F14: a run that was frozen, unlocked by a person and woken again sends nothing any more."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.ledger.sqlite import SqliteStore
from reconciler.sandbox import Request, Response
from reconciler.sandbox.serve import Server
from tests.faults.crash import Kill, World
from tests.faults.test_crashes import SEED

TRIALS = int(os.environ.get("TRIALS", "10"))
LONG_AFTER = 2e9

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@contextmanager
def frozen(world: World, manifest: object) -> Iterator[int]:
    """A process that stands still in its first write, which took effect; it is gone at the end, whatever happens."""
    stopped, answer = threading.Event(), world.box.handle

    def handle(request: Request) -> Response:
        response = answer(request)
        if request.method != "GET" and not stopped.is_set():
            os.kill(pid, signal.SIGSTOP)
            os.waitpid(pid, os.WUNTRACED)
            stopped.set()
        return response

    gate, go = os.pipe()
    world.moment += 1
    pid = world.start(manifest, Kill(), 0.0, gate)
    world.box.handle = handle  # type: ignore[method-assign]
    try:
        os.write(go, b"x")
        assert stopped.wait(60)
        yield pid
    finally:
        world.box.handle = answer  # type: ignore[method-assign]
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(gate)
        os.close(go)


def woken(pid: int) -> int:
    """The exit code of a frozen process that goes on to its own end."""
    os.kill(pid, signal.SIGCONT)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def unlocked(world: World) -> None:
    """The stack is taken from the run that holds it, after its lease and its last request must be over."""
    with closing(SqliteStore(world.folder / "ledger.db", "shop", "test", clock=TestClock(LONG_AFTER))) as store:
        store.force_unlock(f"run{world.moment}")


def test_a_frozen_run_that_wakes_sends_nothing(tmp_path: Path) -> None:
    """It is stopped within a write, its stack is unlocked and applied by another; then it wakes: no further write is sent."""
    between: list[Callable[[World, object], object]] = [lambda world, want: world.run(want, Kill(), 0.0), lambda *_: None]
    with Server({}) as server:
        for n in range(TRIALS):
            rng = random.Random(f"{SEED} frozen {n}")
            folder = tmp_path / str(n)
            folder.mkdir()
            world = World(server, folder, SEED + n)
            want = world.side.manifest(rng)
            with frozen(world, want) as pid:
                first = world.death.writers[0]
                unlocked(world)
                rng.choice(between)(world, want)
                code = woken(pid)
            assert world.death.writers.count(first) == 1, f"SEED={SEED} frozen {n}: a write under the old epoch"
            assert code == 6, f"SEED={SEED} frozen {n}: exit {code}"
            for _ in range(2):
                world.run(want, Kill(), 0.0)
            found = world.judged(want)
            assert not found, f"SEED={SEED} frozen {n}: {found}"
            world.close()
