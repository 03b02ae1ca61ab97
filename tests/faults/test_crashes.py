"""F01 and F04: whatever dies whenever, nothing is doubled and nothing is lost."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.serve import Server
from tests.faults.crash import trial

SEED = int(os.environ.get("SEED", "1"))
TRIALS = int(os.environ.get("CRASH_TRIALS", "200"))
CHUNKS = 8

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are needed")


@pytest.fixture
def server() -> Iterator[Server]:
    """A loopback port for the vendors of the trials."""
    with Server({}) as running:
        yield running


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_killed_apply_doubles_and_loses_nothing(server: Server, tmp_path: Path, chunk: int) -> None:
    """SIGKILL at request and ledger boundaries, in recovery too, 15 % network faults: two clean runs end empty."""
    killed = 0
    for n in range(chunk * TRIALS // CHUNKS, (chunk + 1) * TRIALS // CHUNKS):
        seed = SEED * 1_000_003 + n
        folder = tmp_path / str(n)
        folder.mkdir()
        died, found = trial(server, folder, seed)
        killed += died
        assert not found, f"seed {seed} (SEED={SEED} trial {n}): {found}"
    print(f"SEED={SEED} chunk {chunk}: {killed} processes died")
    assert killed > 0
