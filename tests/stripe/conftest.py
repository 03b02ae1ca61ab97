"""Every test of Stripe ends before the referee: its traffic must be as the vendor describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stripe.desk import Desk, judge
from tests.stripe.sdk import opened
from tests.stripe.shop import StripeShop


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A desk whose traffic is judged at the end."""
    desk = Desk()
    yield desk
    judge(desk)


@pytest.fixture
def shop() -> Iterator[StripeShop]:
    """A stack whose traffic is judged at the end."""
    shop = StripeShop()
    yield shop
    judge(shop.desk)


@pytest.fixture(params=["in process", "on a port"])
def client(desk: Desk, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The SDK's client of the desk's account, with and without a socket."""
    with opened(desk, socket=request.param == "on a port") as client:
        yield client
