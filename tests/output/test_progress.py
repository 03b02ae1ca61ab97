"""What is going on is told on stderr, moving on a terminal and quietly elsewhere."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.model import Address
from reconciler.output.progress import Progress

PRO, TEAM = Address("stripe.product", "pro"), Address("stripe.product", "team")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Told:
    """An event as the engine gives it."""

    type: str
    address: Address
    text: str = ""
    seconds: float = 0.0


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def progress(stream: io.StringIO, clock: TestClock, *, quiet: bool = False, moving: bool = True) -> Progress:
    return Progress(stream, clock, quiet=quiet, clean=lambda text: text.replace("hush", "(secret)"), moving=moving)


def test_elsewhere_it_speaks_at_most_every_ten_seconds(clock: TestClock) -> None:
    """A log is not filled with what is going on."""
    stream = io.StringIO()
    with progress(stream, clock) as say:
        for n in range(30):
            say(f"step {n}")
            clock.sleep(1)
    assert stream.getvalue().splitlines() == ["step 0", "step 10", "step 20"]


def test_what_ended_is_a_line_of_its_own(clock: TestClock) -> None:
    """What was done in which time, or what the vendor said; no secret, nothing that moves."""
    stream = io.StringIO()
    with progress(stream, clock) as say:
        say.event(Told("apply_start", PRO, "create"))
        say.event(Told("apply_start", TEAM, "update"))
        say.event(Told("apply_complete", PRO, "", 0.44))
        say.event(Told("apply_errored", TEAM, "no\x1b[2J hush", 1.25))
    assert stream.getvalue().splitlines() == [
        "stripe.product/pro: create: done in 0.4 s",
        "stripe.product/team: update: failed after 1.2 s: no\\x1b[2J (secret)",
    ]


def test_quiet_says_nothing(terminal: Terminal, clock: TestClock) -> None:
    """Neither on a terminal nor elsewhere."""
    for stream in (terminal, io.StringIO()):
        with progress(stream, clock, quiet=True) as say:
            say("reading")
            say.event(Told("apply_start", PRO, "create"))
            say.event(Told("apply_complete", PRO))
        assert stream.getvalue() == ""


def test_on_a_terminal_a_line_moves_and_goes_away(terminal: Terminal, clock: TestClock) -> None:
    """It names what is under way and counts what is done; what failed stays above it; `stop` takes it away till the next."""
    with progress(terminal, clock) as say:
        say("reading [stripe]")
        say.stop()
        say.event(Told("apply_start", PRO, "create"))
        say.event(Told("apply_start", TEAM, "update"))
        say.stop()
        say.event(Told("apply_complete", PRO, "", 0.4))
        say.stop()
        say.event(Told("apply_start", PRO, "update"))
        say.event(Told("apply_errored", TEAM, "no", 0.4))
        say.stop()
        assert terminal.getvalue().endswith("\x1b[2K")
        say("waiting")
    seen = terminal.getvalue()
    assert "reading [stripe]" in seen
    assert "0 done, applying stripe.product/pro (create), stripe.product/team (update)" in seen
    assert "1 done, applying stripe.product/team (update)" in seen
    assert "done in" not in seen
    assert "stripe.product/team: update: failed after 0.4 s: no\n" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", seen)
    assert "waiting" in seen


@dataclass(frozen=True)
class Room:
    """What is left of a rate."""

    free: float
    wait: float = 0.0


def test_each_vendor_has_a_line_with_its_count_and_its_rate(terminal: Terminal, clock: TestClock) -> None:
    """How much is done of how much, what is left of the vendor's rate or how long it waits, and what is under way."""
    policy = Address("vault.policy", "api")
    rooms = {"stripe": Room(0.4), "vault": Room(0.0, 12.2)}
    with progress(terminal, clock) as say:
        say.begin({"vault": 3, "stripe": 22, "posthog": 1}, rooms.get)
        say.event(Told("apply_start", PRO, "create"))
        say.event(Told("apply_start", policy, "update\x1b"))
        say.stop()
        say.event(Told("apply_complete", PRO))
    seen = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", terminal.getvalue()).split("\n")]
    assert any(line.endswith(" 0 of 26 done") for line in seen)
    for wanted in ("  posthog      0/1", "  stripe      0/22  rate 40% free   stripe.product/pro (create)",
                   "  vault        0/3  waits 12 s      vault.policy/api (update\\x1b)", "  stripe      1/22  rate 40% free"):
        assert wanted in seen


def test_a_terminal_that_can_do_nothing_gets_lines(monkeypatch: pytest.MonkeyPatch, clock: TestClock) -> None:
    """With TERM=dumb, and where requests are logged too, nothing moves."""
    monkeypatch.setenv("TERM", "dumb")
    dumb, logged = Terminal(), Terminal()
    with progress(dumb, clock) as say, progress(logged, clock, moving=False) as other:
        say("reading")
        other("reading")
    assert (dumb.getvalue(), logged.getvalue()) == ("reading\n", "reading\n")


def test_rich_is_loaded_for_a_terminal_only() -> None:
    """A plan in CI does not pay for what it can't show."""
    code = ("import io, sys; from reconciler.output.progress import Progress; from reconciler.clock import TestClock\n"
            "with Progress(io.StringIO(), TestClock(), quiet=False, clean=str) as say: say('x')\n"
            "print(any(name.startswith('rich') for name in sys.modules))")
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, text=True, capture_output=True, check=True)
    assert done.stdout == "False\n"


def test_a_signal_in_the_middle_may_stop_it(terminal: Terminal, clock: TestClock) -> None:
    """The handler of Ctrl-C writes while the line is being changed, does not wait for itself, and no thread stays."""
    others = {*threading.enumerate()}
    with progress(terminal, clock) as say:
        before = signal.signal(signal.SIGUSR1, lambda number, frame: say.stop())
        try:
            say("reading")
            with say._lock:
                signal.raise_signal(signal.SIGUSR1)
        finally:
            signal.signal(signal.SIGUSR1, before)
    for thread in {*threading.enumerate()} - others:
        thread.join(10)
        assert not thread.is_alive()
