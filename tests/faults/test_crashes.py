"""F01, F04, F06, F08, F09 and F26: whatever dies whenever, in whatever weather, nothing is doubled and nothing is lost."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.serve import Server
from tests.faults.crash import trial

SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("CRASH_TRIALS", "200"))
CHUNKS = 8
MEMORY = Path("/dev/shm")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are needed")


@pytest.fixture
def server() -> Iterator[Server]:
    """A loopback port for the vendors of the trials."""
    with Server({}) as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the ledgers lie: in memory where there is such a place, because no power is cut here."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_killed_apply_doubles_and_loses_nothing(server: Server, folder: Path, chunk: int) -> None:
    """SIGKILL at requests and ledger writes, recovery killed too, 15 % network faults: two clean runs end empty."""
    killed = 0
    for n in range(chunk * TRIALS // CHUNKS, (chunk + 1) * TRIALS // CHUNKS):
        seed = SEED + n
        ledgers = folder / str(n)
        ledgers.mkdir()
        died, found = trial(server, ledgers, seed)
        killed += died
        assert not found, f"`make faults SEED={seed} TRIALS=1` replays it: {found}"
    print(f"SEED={SEED} chunk {chunk}: {killed} processes died")
    assert killed > 0 or TRIALS < CHUNKS
