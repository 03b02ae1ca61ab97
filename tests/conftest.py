"""What every test may ask for, and the table of faults below every run that tried some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import postgres
from tests.canary import Canary
from tests.faults import tally

row = tally.row


@pytest.fixture
def canary() -> Canary:
    """Secrets that leave a trace wherever they are written."""
    return Canary()


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Database]:
    """One PostgreSQL for all tests."""
    with postgres.running() as found:
        yield found


def pytest_sessionfinish(session: pytest.Session) -> None:
    tally.sent_home(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    tally.TALLY.add(getattr(node, "workeroutput", {}).get("faults", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally.shown(terminalreporter)
