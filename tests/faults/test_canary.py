"""I6: no secret in any output, file, log or traceback, whatever the command, the format, and the vendor's answer."""

from __future__ import annotations

import base64
import importlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

from reconciler.cli.program import COMMANDS
from reconciler.contract.http import Api
from reconciler.sandbox import Request, Response, Sandbox
from reconciler.sandbox.serve import Server
from reconciler.vendors import stripe as stripe_vendor
from reconciler.vendors import vault as vault_vendor
from reconciler.vendors.stripe.sandbox import StripeSandbox
from tests.canary import Canary
from tests.cli.project import ROOT, Done, Project, ended
from tests.faults.tally import Row
from tests.faults.town import Known

CONFIG = """project: shop
ledger: {{store: sqlite, key: {{env: LEDGER_KEY}}}}
vendors:
  stripe: {{api_key: {{env: STRIPE_API_KEY}}, mode: test, base_url: "{stripe}", requests_per_second: 5000}}
  vault: {{base_url: "{vault}", auth: {{method: token, token: {{env: VAULT_TOKEN}}}}}}
secrets:
  password: {{env: DB_PASSWORD}}
  certificate: {{file: certificate.pem}}
"""
MANIFEST = """vault.mount:
  kv: {type: kv-v2}
vault.kv_secret:
  db: {mount: {ref: kv}, data: {password: {secret: password}, certificate: {secret: certificate}}}
stripe.product:
  pro: {id: pro, name: Pro}
stripe.price:
  monthly: {product: {ref: pro}, currency: usd, unit_amount: 2900, recurring: {interval: month}}
stripe.webhook_endpoint:
  api:
    url: https://api.example.com/hooks
    enabled_events: [invoice.paid]
    lifecycle: {deliver: {secret: {to: vault, path: kv/hooks, key: signing}}}
"""
YES = ("--auto-approve", "--allow", "money,access,delete,drift,adopt")
FAILING = {
    "echo": 400, "echo of a token": 403, "nothing found": 404, "a storm": 429, "broken": 500, "rubbish": 200,
}
"""Answers that tell back what was sent, credentials and all, by the sort of their status."""


class Shop(Project):
    """A project whose vendors are at hand; everything that it was told is kept."""

    def __init__(self, dir: Path, canary: Canary, vendors: dict[str, Sandbox]) -> None:
        super().__init__(dir)
        self.canary, self.vendors = canary, vendors
        self.environ = {name: canary.secret(name, before) for name, before in (
            ("STRIPE_API_KEY", "sk_test_"), ("VAULT_TOKEN", "hvs."), ("LEDGER_KEY", "key of thirty-two letters or more "))}
        self.environ["DB_PASSWORD"] = canary.awkward("DB_PASSWORD")
        self.said: dict[str, str | bytes] = {}

    def run(self, *words: str, **more: Any) -> Done:
        done = super().run(*words, **more)
        self.said[f"{len(self.said)} {' '.join(words)}"] = done.said
        return done

    def traces(self) -> list[str]:
        """Where any secret was seen, outputs and files; the certificate's own file is one."""
        found = {**self.said, **self.canary.files(self.dir, "certificate.pem", ".reconciler/sandbox")}
        return list(self.canary.seen_in(found))


class Signing(StripeSandbox):
    """Stripe, whose signing secrets are canaries."""

    canary: Canary

    def answer(self, request: Request) -> Response:
        answered = super().answer(request)
        if request.method == "POST" and request.path == "/v1/webhook_endpoints" and "secret" in (answered.body or {}):
            body = {**answered.body, "secret": self.canary.secret("webhook", "whsec_")}
            return Response(answered.status, body, answered.headers)
        return answered


@pytest.fixture
def shop(tmp_path: Path, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(Api, "_backoff", staticmethod(lambda attempt: 0.0))
    stripe, vault = Signing(stripe_vendor.VENDOR.kinds), Known(vault_vendor.VENDOR.kinds)
    stripe.canary = canary
    with Server({"stripe": stripe, "vault": vault}) as server:
        project = Shop(tmp_path, canary, {"stripe": stripe, "vault": vault})
        vault.token = project.environ["VAULT_TOKEN"]
        files = {"reconciler.yaml": CONFIG.format(stripe=server.url("stripe"), vault=server.url("vault")),
                 "manifests/shop.yaml": MANIFEST, "certificate.pem": canary.awkward("certificate")}
        project.write(files)
        yield project


def test_the_canary_is_found_where_it_is(canary: Canary, tmp_path: Path) -> None:
    """Plain, escaped, in another coding, in part, in a file's bytes: a trace is seen; elsewhere none is."""
    secret = canary.awkward("x")
    (tmp_path / "a").write_bytes(b"\x00" + secret.encode())
    texts: dict[str, str | bytes] = {"json": json.dumps(secret), "repr": repr(secret), "part": secret.splitlines()[1],
                                     **canary.files(tmp_path)}
    for shift in range(3):
        texts[f"base64 {shift}"] = base64.b64encode(b"-" * shift + secret.encode())
    assert {name.partition(":")[0] for name in canary.seen_in(texts)} == texts.keys()
    assert not list(canary.seen_in({"other": "Canary in a coal mine, sk_test_123"}))


def test_no_command_tells_a_secret(shop: Shop) -> None:
    """Every command in every format, with -v, over a life of the stack: created, read, changed, drifted, destroyed."""
    for form in ("text", "json"):
        shop.ok("validate", "--format", form)
        shop.run("plan", "--format", form, "-v", "--out", f"plan-{form}.json", "--json-into", f"into-{form}.json")
        shop.ok("show", f"plan-{form}.json", "--format", form)
    shop.ok("apply", *YES, "-v")
    for form in ("text", "json"):
        shop.ok("plan", "--format", form, "--show-unchanged", "-v")
        shop.environ["DB_PASSWORD"] = shop.canary.awkward(f"DB_PASSWORD {form}")
        shop.ok("plan", "--format", form, "-v")
        shop.ok("apply", *YES, "--format", form, "-v", "--json-into", "applied.json")
        shop.ok("ledger", "list", "--format", form)
        shop.ok("ledger", "log", "--format", form)
    for words in (["output"], ["output", "--format", "json"], ["output", "--format", "dotenv"], ["graph"],
                  ["explain", "vault.kv_secret/db"], ["explain", "vault.kv_secret"], ["ledger", "show", "vault.kv_secret/db"],
                  ["ledger", "verify"], ["export", "--vendor", "stripe"], ["export", "--vendor", "vault"], ["schema"],
                  ["docs"], ["plan", "--sandbox", "-v"], ["apply", "--sandbox", *YES], ["import", "vault.kv_secret/db"]):
        shop.run(*words)
    shop.ok("destroy", "--auto-approve", "--allow", "delete,money,access,irreversible:vault.mount/kv", "-v")
    assert shop.vendors["vault"].sent()
    assert any("secret, changed" in str(said) for said in shop.said.values())
    assert not shop.traces()


BASE: dict[str, list[list[str]]] = {
    "init": [["init", "--yes", "-C", "elsewhere"], ["init", "--yes"]],
    "validate": [["validate"]], "fmt": [["fmt"], ["fmt", "--check"]], "diff": [["diff", "--stack", "a", "--stack", "b"]],
    "plan": [["plan", "-v"], ["plan", "--sandbox", "-v"]], "show": [["show", "plan.json"]],
    "apply": [["apply", *YES, "-v"], ["apply", "--sandbox", *YES]], "drift": [["drift", "-v"]],
    "undo": [["undo", "--to", "HEAD"]], "destroy": [["destroy", "--sandbox", "--auto-approve", "--allow", "delete"]],
    "import": [["import", "vault.kv_secret/db"], ["import", "vault.kv_secret/db", "--take-over"]],
    "export": [["export", "--vendor", "vault"], ["export", "--vendor", "stripe", "--archived"]],
    "output": [["output"], ["output", "--check"]], "graph": [["graph"]],
    "explain": [["explain", "vault.kv_secret/db"], ["explain", "vault.kv_secret.data"]],
    "ledger": [["ledger", "list"], ["ledger", "show", "vault.kv_secret/db"], ["ledger", "log"], ["ledger", "verify"],
               ["ledger", "rebuild"], ["ledger", "unlock", "--run", "x"]],
    "ci": [["ci", "comment", "plan.json"], ["ci", "check", "plan.json"], ["ci", "digest"]],
    "schema": [["schema"]], "docs": [["docs"]], "doctor": [["doctor"], ["doctor", "-v"]],
    "completion": [["completion", shell] for shell in ("bash", "fish", "zsh")], "version": [["version"], ["version", "--json"]],
}
"""Every command with what it needs; `sandbox` does not end by itself and is tried in a process of its own."""


def every_way(words: list[str]) -> Iterator[list[str]]:
    """A command line in every format that its command has."""
    command: Any = importlib.import_module(f"reconciler.cli.{words[0]}_").command
    if isinstance(command, click.Group):
        command = command.commands[words[1]]
    yield words
    formats = [p for p in command.params if "--format" in p.opts and isinstance(p.type, click.Choice)]
    for choice in formats[0].type.choices if formats else ():
        yield [*words, "--format", choice]


def test_t01_every_command_in_every_format_keeps_every_secret(row: Row, shop: Shop) -> None:
    """No command is left out; on an applied stack and with a change to come, whatever it exits with."""
    shop.write({"certificate.pem": shop.canary.awkward("certificate")})
    shop.git("init")
    (shop.dir / ".gitignore").write_text(".reconciler/\ncertificate.pem\n")
    shop.commit()
    shop.ok("apply", *YES)
    shop.environ["DB_PASSWORD"] = shop.canary.awkward("DB_PASSWORD again")
    shop.run("plan", "--out", "plan.json")
    lines = [line for bases in BASE.values() for words in bases for line in every_way(words)]
    for words in row.each(lines):
        shop.run(*words)
    assert {*BASE, "sandbox"} == set(COMMANDS)
    assert not shop.traces()


def test_t01_a_sandbox_on_a_port_knows_no_secret(shop: Shop) -> None:
    """What it prints, and all that it answers to whoever asks, holds none."""
    started = shop.start("sandbox")
    assert started.stdout is not None
    line = started.stdout.readline()
    shop.said["sandbox"] = line + httpx.get(line.split()[-1], trust_env=False).text
    done = ended(started, signal.SIGINT)
    shop.said["sandbox ended"] = done.said
    assert line.strip()
    assert not shop.traces()


def echo(status: int, request: Request) -> Response:
    """A message that quotes the request, as some vendors' messages do."""
    sent = f"{request.method} {request.path}: {dict(request.headers)} {request.body.decode()}"
    if status == 200:
        return Response(200, sent)
    error = {"message": f"invalid request: {sent}", "type": "invalid_request_error", "param": sent[-80:], "code": sent[:80]}
    return Response(status, {"error": error, "errors": [f"bad: {sent}"]}, {"retry-after": "99", "request-id": sent[:50]})


@pytest.mark.parametrize("status", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("when", ["read", "write"])
def test_a_vendor_that_quotes_what_was_sent_gives_nothing_away(shop: Shop, status: int, when: str) -> None:
    """Messages, codes, parameters and request ids may hold our credential and our body: they are struck out."""
    for box in shop.vendors.values():
        box.faults.append(lambda request, n: echo(status, request) if (request.method == "GET") is (when == "read") else None)
    for form in ("text", "json"):
        done = shop.run("apply", *YES, "--format", form, "-v", environ={"RECONCILER_LOG": "trace"})
        assert done.code != 0
    shop.run("plan", "-v", "--out", "plan.json")
    shop.run("ledger", "log")
    assert not shop.traces()


DEFECT = """
import sys
from reconciler.engine import work
from reconciler.cli import main
from reconciler.workspace import running
from reconciler.secret import reveal

def look(job, veil):
    raise RuntimeError(f"{reveal(job.call.body)} {job.kind.api.headers()}")

def crash(world):
    raise RuntimeError(f"{world.secret('password').reveal()} {[dict(k.api.headers()) for k in world.kinds.values()]}")

if sys.argv.pop(1) == "step":
    work._look_first = look
else:
    running.plan = crash
main()
"""


@pytest.mark.parametrize("where", ["step", "plan"])
def test_a_defect_of_ours_gives_nothing_away(shop: Shop, where: str) -> None:
    """An error of the tool itself may quote any value: neither its line nor its traceback shows a secret."""
    shop.write({"defect.py": DEFECT})
    environ = {**shop.environ, "PYTHONPATH": str(ROOT), "RECONCILER_LOG": "debug"}
    done = subprocess.run([sys.executable, "defect.py", where, "apply", *YES, "-v"], cwd=shop.dir, env=environ, text=True,
                          capture_output=True, check=False)
    assert done.returncode != 0
    assert "RuntimeError" in done.stderr + done.stdout
    shop.said["defect"] = done.stdout + done.stderr
    assert not shop.traces()
