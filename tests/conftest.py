"""What every test may ask for, and the table of faults below every run that tried some."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import postgres, s3
from tests.canary import Canary
from tests.faults import tally

row = tally.row
pytest.register_assert_rewrite("tests.ledger.suite")  # here, because tests of other folders import it too


@pytest.fixture
def canary() -> Canary:
    """Secrets that leave a trace wherever they are written."""
    return Canary()


@pytest.fixture
def quick() -> Iterator[Path]:
    """A folder in memory where there is such a place: no power is cut here, and a ledger waits for its disk at every commit."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Database]:
    """One PostgreSQL for all tests."""
    with postgres.running() as found:
        yield found


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.S3]:
    """One S3 for all tests."""
    with s3.running() as found:
        yield found


@pytest.fixture
def buckets(s3_server: s3.S3, monkeypatch: pytest.MonkeyPatch) -> s3.S3:
    """The same without faults; clients are made from one session, because each of its own takes 60 ms to begin."""
    monkeypatch.setattr("boto3.session.Session", lambda: s3_server.session)
    s3_server.faults.clear()
    s3_server.heedless = False
    return s3_server


def pytest_sessionfinish(session: pytest.Session) -> None:
    tally.sent_home(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    tally.TALLY.add(getattr(node, "workeroutput", {}).get("faults", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally.shown(terminalreporter)
