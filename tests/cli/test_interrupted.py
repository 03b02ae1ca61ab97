"""Ctrl-C and SIGTERM, in real processes over a real socket: what is under way is finished, recorded, and the lock is free."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from reconciler.sandbox.store import Request, Response
from tests.cli.project import PRO, ROOT, Account, Project, ended


class Slow:
    """A vendor whose nth write takes as long as a person needs; `reached` says that it is under way."""

    def __init__(self, account: Account, nth: int = 0) -> None:
        self.reached, self.go = threading.Event(), threading.Event()
        self.account, self.nth, self.seen = account, nth, 0
        account.sandbox.faults.append(self)

    def __call__(self, request: Request, number: int) -> Response | Exception | None:
        if request.method == "POST":
            self.seen += 1
            if self.seen == self.nth + 1:
                self.reached.set()
                self.go.wait(20)
        return None


def heard(process: subprocess.Popen[str], word: str) -> str:
    """Everything on stderr until a word."""
    assert process.stderr is not None
    said = ""
    while word not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_finishes_what_is_under_way(shop: Project, stripe: Account, sent: signal.Signals, code: int) -> None:
    """The request under way is recorded, nothing more is started, the lock is free, and the next run does the rest."""
    slow = Slow(stripe)
    process = shop.start("apply", "--auto-approve", "--allow", "money")
    assert slow.reached.wait(20)
    process.send_signal(sent)
    heard(process, "finishing the requests under way")
    slow.go.set()
    done = ended(process)
    assert done.code == code, done
    assert "Traceback" not in done.said
    assert "Interrupted:" in done.out
    assert (len(stripe.products()), len(stripe.prices())) == (1, 0)
    assert shop.ok("ledger", "list").out.split() == ["stripe.product/pro", "pro"]
    [run] = json.loads(shop.ok("ledger", "log", "--format", "json").out)
    assert (run["outcome"]["done"], run["outcome"]["not started"]) == (1, 1)
    shop.apply()
    assert (len(stripe.products()), len(stripe.prices())) == (1, 1)


def test_the_second_signal_stops_at_once(shop: Project, stripe: Account) -> None:
    """What was under way is unknown then: the lock is free, the next run finds it by reading and doubles nothing."""
    slow = Slow(stripe, nth=1)
    process = shop.start("apply", "--auto-approve", "--allow", "money")
    assert slow.reached.wait(20)
    process.send_signal(signal.SIGINT)
    heard(process, "finishing the requests under way")
    done = ended(process, signal.SIGINT)
    assert done.code == 130
    assert "Traceback" not in done.said
    slow.go.set()
    stripe.sandbox.faults.clear()
    shop.apply()
    assert (len(stripe.products()), len(stripe.prices())) == (1, 1)
    assert shop.ops() == {}


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_signal_while_reading_stops_with_nothing_done(shop: Project, stripe: Account, command: str, sent: signal.Signals,
                                                       code: int) -> None:
    """Before the first write there is nothing to finish."""
    reached, go = threading.Event(), threading.Event()

    def slow(request: Request, number: int) -> Response | Exception | None:
        reached.set()
        go.wait(1)
        return None

    stripe.sandbox.faults.append(slow)
    process = shop.start(command, *(["--auto-approve", "--allow", "money"] if command == "apply" else []))
    assert reached.wait(20)
    process.send_signal(sent)
    go.set()
    done = ended(process)
    assert done.code == code, done
    assert "Traceback" not in done.said
    assert stripe.written == []


def test_a_reader_that_went_away_ends_it_quietly(shop: Project) -> None:
    """`| head` closes stdout: no traceback, nothing on stderr about it."""
    shop.manifest(PRO + "".join(f"  p{n}: {{product: {{ref: pro}}, unit_amount: {n}}}\n" for n in range(400)))
    environ = {"PATH": os.environ["PATH"], "HOME": str(shop.dir), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", f"'{sys.executable}' -m reconciler plan --sandbox | head -1"], cwd=shop.dir,
                          env=environ, text=True, capture_output=True, check=False)
    assert "stripe.price" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr
