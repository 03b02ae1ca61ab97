"""Hands a value that is shown only once to its sink, in memory."""

from __future__ import annotations

from typing import Any, Protocol

from reconciler.errors import Refused
from reconciler.model import Delivery
from reconciler.secret import Secret


class Sink(Protocol):
    """A place that takes a secret: `check` says before anything is made whether it would, `put` returns a receipt."""

    def check(self, delivery: Delivery) -> None:
        """Raise when it would not take it."""

    def put(self, delivery: Delivery, value: Secret) -> str:
        """Take it; the receipt."""


def hand_over(sink: Sink, delivery: Delivery, value: Any) -> str:
    """Give the value to the sink; the receipt says where it is, not what it is."""
    if not isinstance(value, Secret):
        raise Refused("the vendor's answer did not show it")
    return sink.put(delivery, value)
