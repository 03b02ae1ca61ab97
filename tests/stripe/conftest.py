"""Every test of Stripe ends before the referee: all traffic at the sandbox must be as the vendor describes it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stripe.desk import CONTRACT, Desk, judge


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk whose traffic is checked at the end, where the vendor's description is at hand."""
    desk = Desk()
    yield desk
    for recorded in desk.sandbox.requests if CONTRACT.exists() else ():
        judge(recorded)
