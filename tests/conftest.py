"""What every test may ask for."""

from __future__ import annotations

import pytest

from tests.canary import Canary


@pytest.fixture
def canary() -> Canary:
    """Secrets that leave a trace wherever they are written."""
    return Canary()
