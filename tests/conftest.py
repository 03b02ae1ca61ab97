"""What every test may ask for, and the table of faults below every run that tried some."""

from __future__ import annotations

from typing import Any

import pytest

from tests.canary import Canary
from tests.faults import tally

row = tally.row


@pytest.fixture
def canary() -> Canary:
    """Secrets that leave a trace wherever they are written."""
    return Canary()


def pytest_sessionfinish(session: pytest.Session) -> None:
    tally.sent_home(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    tally.TALLY.add(getattr(node, "workeroutput", {}).get("faults", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tally.shown(terminalreporter)
