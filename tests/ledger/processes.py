"""Starts processes that work on a ledger (hold.py), and talks with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def helper(*args: object) -> Iterator[subprocess.Popen[str]]:
    """Another process on the same ledger."""
    process = subprocess.Popen([sys.executable, "-m", "tests.ledger.hold", *map(str, args)], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> list[object]:
    """What it says next."""
    assert process.stdout is not None
    said: list[object] = json.loads(process.stdout.readline())
    return said


def tell(process: subprocess.Popen[str]) -> None:
    """Let it go on."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
