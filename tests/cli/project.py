"""A user's project in a folder of its own, the commands run in it, and a Stripe account behind a real socket."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from reconciler.cli.program import run
from reconciler.sandbox.serve import Server
from reconciler.vendors.stripe import VENDOR
from reconciler.vendors.stripe.sandbox import StripeSandbox

ROOT = Path(__file__).parents[2]
KEY = "sk_test_canary51H8"
CONFIG = """project: shop
vendors:
  stripe: {{api_key: {{env: STRIPE_API_KEY}}, mode: test, base_url: "{url}", requests_per_second: 5000}}
"""
SANDBOX = "project: shop\nvendors: {stripe: {}}\n"
PRO = """stripe.product:
  pro: {id: pro, name: Pro}
stripe.price:
  _defaults: {currency: usd}
  monthly: {product: {ref: pro}, unit_amount: 2900, recurring: {interval: month}}
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    def json(self) -> Any:
        return json.loads(self.out)

    def lines(self) -> list[dict[str, Any]]:
        """The events of NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def ops(self) -> dict[str, str]:
        """What a plan as JSON does, by address without its connection."""
        return {a["address"].partition(".")[2]: a["op"] for a in self.json()["actions"]}


class Typed(io.StringIO):
    """A terminal at which somebody has typed this."""

    def isatty(self) -> bool:
        return True


class Screen(io.StringIO):
    """A terminal that is looked at."""

    def isatty(self) -> bool:
        return True


class Project:
    """Files below `dir`, and commands over them in this process or in one of their own."""

    def __init__(self, dir: Path, environ: Mapping[str, str] | None = None) -> None:
        self.dir, self.environ = dir, {"STRIPE_API_KEY": KEY, **(environ or {})}

    def write(self, files: Mapping[str, str]) -> Project:
        for name, text in files.items():
            path = self.dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return self

    def manifest(self, text: str) -> Project:
        return self.write({"manifests/shop.yaml": text})

    def run(self, *words: str, typed: str | None = None, screen: bool = False,
            environ: Mapping[str, str] | None = None) -> Done:
        """One command in this process; `typed` makes its input a terminal, `screen` its outputs."""
        out, err = (Screen(), Screen()) if screen else (io.StringIO(), io.StringIO())
        given = {"PATH": os.environ["PATH"], "HOME": str(self.dir), **self.environ, **(environ or {})}
        before = Path.cwd()
        os.chdir(self.dir)
        try:
            with (patch.object(sys, "stdout", out), patch.object(sys, "stderr", err), patch.dict(os.environ, given, clear=True),
                  patch.object(sys, "stdin", Typed(typed) if typed is not None else io.StringIO("")),
                  patch.object(sys, "excepthook", sys.excepthook)):
                code = run(list(words))
        finally:
            os.chdir(before)
        return Done(code, out.getvalue(), err.getvalue())

    def ok(self, *words: str, **more: Any) -> Done:
        """A command that has to exit 0."""
        done = self.run(*words, **more)
        assert done.code == 0, done
        return done

    def apply(self, *words: str) -> Done:
        """An apply of all that needs consent but what is irreversible."""
        return self.ok("apply", "--auto-approve", "--allow", "money,access,delete,drift,adopt", *words)

    def ops(self, *words: str) -> dict[str, str]:
        """What a plan would do."""
        done = self.run("plan", "--format", "json", *words)
        assert done.out, done
        return done.ops()

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """A command in a process of its own."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "PYTHONPATH": str(ROOT), **self.environ}
        return subprocess.Popen([sys.executable, "-m", "reconciler", *words], cwd=self.dir, env=environ, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def git(self, *words: str) -> str:
        """git in the project, with a name and no settings of this machine."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "GIT_CONFIG_NOSYSTEM": "1"}
        named = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]
        return subprocess.run(["git", *named, *words], cwd=self.dir, env=environ, text=True, capture_output=True,
                              check=True).stdout

    def commit(self, message: str = "x") -> str:
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD").strip()


class Account:
    """A Stripe account at an address, and what it was asked."""

    def __init__(self, url: str, sandbox: StripeSandbox) -> None:
        self.url, self.sandbox = url, sandbox

    @property
    def asked(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.sandbox.requests]

    @property
    def written(self) -> list[str]:
        return self.sandbox.sent()

    def prices(self) -> dict[str, Any]:
        return self.sandbox.objects.get("/v1/prices", {})

    def products(self) -> dict[str, Any]:
        return self.sandbox.objects.get("/v1/products", {})


@contextmanager
def account(*names: str) -> Iterator[list[Account]]:
    """An account for each name, on one loopback port."""
    sandboxes = {name: StripeSandbox(VENDOR.kinds) for name in names}
    with Server(sandboxes) as server:
        yield [Account(server.url(name), sandbox) for name, sandbox in sandboxes.items()]


def ended(process: subprocess.Popen[str], sent: signal.Signals | None = None) -> Done:
    """How a process ended, after a signal where one is given."""
    if sent is not None:
        process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    return Done(process.returncode, out, err)
