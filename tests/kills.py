"""A kill in the middle of an apply, without a process: the ledger as it was at that moment, and no answer after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import httpx

from reconciler.model import Plan
from reconciler.sandbox.store import Sandbox
from tests.world import Shop


def killed(shop: Shop, sandbox: Sandbox, made: Plan, nth: int, *, done: bool) -> bool:
    """An apply that is gone at its nth write, which the vendor has `done` or not; whether it came that far."""
    kept: list[list[Any]] = []
    count = 0

    def fault(request: Any, number: int) -> Any:
        nonlocal count
        if kept:
            return httpx.ConnectError("it is gone")
        count += request.method != "GET"
        if request.method == "GET" or count < nth:
            return None
        kept.append(list(shop.store.records))
        return None if done else httpx.ConnectError("it is gone")

    sandbox.faults.append(fault)
    shop.run(made)
    sandbox.faults.clear()
    if kept:
        shop.store.records = kept[0]
    return bool(kept)


def each_write(trial: Callable[[int], bool]) -> int:
    """A trial at every other write, by seed, until an apply comes to its end; with CONFORMANCE=whole at every one."""
    step = 1 if os.environ.get("CONFORMANCE") == "whole" else 2
    nth = 1 + int(os.environ.get("SEED", "1")) % step
    print(f"SEED={os.environ.get('SEED', '1')}, from write {nth}")
    while trial(nth):
        nth += step
    return nth
