"""`sandbox`: all vendors as one local, stateful server."""

from __future__ import annotations

import signal
import threading
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, SANDBOX, flags, options
from reconciler.cli.session import opened
from reconciler.contract import registry
from reconciler.contract.vendor import load
from reconciler.errors import Usage
from reconciler.project import CONFIG
from reconciler.sandbox import Sandbox
from reconciler.sandbox.serve import Server


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="The port on 127.0.0.1.")
@flags([flag for flag in COMMON if flag not in SANDBOX])
@click.pass_obj
def command(console: Console, /, *, port: int, **given: Any) -> int:
    """Serve the sandbox's objects on loopback until Ctrl-C; prints a line `vendor base-URL` each.

    The objects are the same that --sandbox uses; without a reconciler.yaml every vendor is served, in memory.
    """
    given["sandbox"] = True
    chosen = options(console, given)
    if not (chosen.dir / CONFIG).exists():
        return _serve(console, {name: _fresh(name) for name in registry.names()}, port)
    with opened(console, chosen) as workspace:
        connections = workspace.connections
        sandboxes = {
            c: connections.in_sandbox(c, vendor) for c in connections.vendors if (vendor := connections.vendor(c)) is not None
        }
        return _serve(console, sandboxes, port)


def _fresh(name: str) -> Sandbox:
    vendor = registry.vendor(name)
    assert vendor is not None
    made: Sandbox = load(vendor.sandbox)(vendor.kinds)
    return made


def _serve(console: Console, sandboxes: dict[str, Sandbox], port: int) -> int:
    done = threading.Event()
    try:
        server = Server(sandboxes, port)
    except OSError as error:
        raise Usage(f"port {port} can't be used: {error.strerror}", "--port 0 takes any free one") from error
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    with server:
        for name in sandboxes:
            console.data(f"{name} {server.url(name)}")
        done.wait()
    return 0
