"""Whatever stands in a file: loading, checking and planning end in resources or in findings with places, never otherwise."""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.clock import TestClock
from reconciler.contract import registry
from reconciler.contract.vendor import load
from reconciler.errors import Failure, Invalid
from reconciler.output import problems
from reconciler.workspace import Options, Workspace
from tests.faults.tally import Row
from tests.manifest.conftest import Case

ROOT = Path(__file__).parents[2]
Turn = Callable[[random.Random, str], bytes]
SHARE = 1_700, 50
"""Trials of each test in depth, and every day; together they are ten thousand."""
CONFIG = """project: sql2ai
requires: ">=0.1,<0.2"
ledger: {store: sqlite}
vendors:
  stripe: {api_key: {env: STRIPE_API_KEY}, mode: test, requests_per_second: 9}
  vault: {address: {env: VAULT_ADDR}, auth: {method: token, token: {env: VAULT_TOKEN}}}
  posthog: {host: https://eu.posthog.com, project: 4711, personal_api_key: {env: POSTHOG_PERSONAL_API_KEY}}
  resend: {api_key: {env: RESEND_API_KEY}}
  sentry: {auth_token: {env: SENTRY_AUTH_TOKEN}, organization: sql2ai}
vars: {host: api.sql2.ai, seats: 5}
secrets: {smtp: {env: SMTP_PASSWORD}, db: {file: db.txt}, database: {env: SMTP_PASSWORD}}
sinks: {gh: {command: [gh, secret, set, X]}}
limits: {max_delete_percent: 30, max_changes: 500}
outputs: {dotenv: {file: .env.generated, prefix: X_}}
allow: [irreversible:stripe.product/pro]
"""
STACKS = CONFIG + "stacks:\n  default: {vars: {host: a.example}, vendors: {vault: null}}\n  other: {formerly: [older]}\n"
ENVIRON = {"STRIPE_API_KEY": "sk_test_x", "VAULT_ADDR": "https://vault.test", "VAULT_TOKEN": "root", "SMTP_PASSWORD": "x",
           "POSTHOG_PERSONAL_API_KEY": "phx_x", "RESEND_API_KEY": "re_x", "SENTRY_AUTH_TOKEN": "x"}
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 10 ** 40, 1.5, float("inf"), float("nan"), "", " ", "x", "no", "~", "1e3", "0x10",
    "2026-10-28", "\u202e", "\x7f", "é" * 300, "{}", "a: b", "pro", "stripe.price/pro_monthly", "../../etc/passwd",
    "/etc/passwd", "inf", "9" * 400, [], {}, [[]], [None], {"": ""}, {"x": None}, {"ref": "pro"},
    {"ref": "stripe.price/pro_monthly", "output": "id"}, {"ref": 1}, {"ref": "nothing"}, {"ref": None},
    {"var": "host"}, {"var": "seats"}, {"var": []}, {"secret": "smtp"}, {"secret": {"to": 1}},
    {"file": "../reconciler.yaml"}, {"file": ""}, {"file": "\x00"}, {"file": "billing.yaml"},
    {"format": "{x}", "with": {"x": 1}}, {"format": "{x}"}, {"format": "{", "with": {}},
    {"format": "{x.y!r:>{z}}", "with": {"x": {"var": "host"}}}, {"literal": {"ref": 1}}, {"env": "HOME"},
    {"protect": "yes"}, {"deliver": {"id": {"to": "vault", "path": "kv/x", "key": "k"}}}, {"keep_old": "7 weeks"},
)
TOKENS = ("&a ", "*a", "!!x ", "<<: ", "{", "}", "[", "- ", "? ", "|\n", "\t", "\r", "\ufeff", "---\n", "\x00", "\u2028",
          ": ", "#", '"', "'", "%YAML 1.1\n")
WORDS = (
    "stripe.product", "stripe.price", "vault.policy", "vault.kv_secret", "stripe_eu.price", "nothing.here",
    "_defaults", "lifecycle", "pro", "id", "name", "product", "unit_amount", "recurring", "tiers", "metadata", "rules",
    "path", "data", "mount", "x y", "a/b", "vendors", "stacks", "vars", "secrets", "ledger", "limits", "requires",
    "project", "<<", "0", "-", "é",
)


class Fuzz:
    """One project that is written again and again, and what every look at it must end in."""

    def __init__(self, dir: Path) -> None:
        self.dir = dir
        self.real = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "manifests").glob("*.yaml"))}
        (dir / "manifests").mkdir()
        (dir / "db.txt").write_text("x")

    def filled(self) -> None:
        """The real manifests stand beside the one that is looked at."""
        shutil.copytree(ROOT / "manifests", self.dir / "manifests", dirs_exist_ok=True)

    def judge(self, label: str, config: bytes, manifest: bytes, name: str = "fuzzed.yaml") -> bool:
        """Load, check and plan; True when there was nothing to say against it."""
        (self.dir / "reconciler.yaml").write_bytes(config)
        (self.dir / "manifests" / name).write_bytes(manifest)
        try:
            with self._opened() as workspace:
                workspace.validate()
                workspace.plan()
        except Invalid as error:
            self._places(label, error)
            return False
        except Failure:
            return False
        except Exception as error:
            error.add_note(f"{label}\n--- reconciler.yaml\n{config[:3000]!r}\n--- fuzzed.yaml\n{manifest[:3000]!r}")
            raise
        return True

    def _opened(self) -> Workspace:
        boxes = {name: load(vendor.sandbox)(vendor.kinds) for name in registry.names() if (vendor := registry.vendor(name))}
        return Workspace(Options(dir=self.dir, stack="default"), environ=ENVIRON, clock=TestClock(),
                         transports={name: box.transport() for name, box in boxes.items()})

    def _places(self, label: str, error: Invalid) -> None:
        """Every finding says something, stands in its file, and can be shown."""
        assert error.problems, label
        for problem in error.problems:
            assert problem.message, label
            if problem.at is None:
                continue
            path = self.dir / problem.at.file
            text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
            assert 1 <= problem.at.line <= len(BREAK.findall(text)) + 2, (label, problem)
            assert problem.at.column >= 1, (label, problem)
        assert problems.render(error.problems, self._source, color=False), label

    def _source(self, file: str) -> str | None:
        path = self.dir / file
        return path.read_text("utf-8-sig", errors="replace") if path.is_file() else None


@pytest.fixture
def fuzz(tmp_path: Path) -> Fuzz:
    return Fuzz(tmp_path)


def bytes_turned(rng: random.Random, text: str) -> bytes:
    """A text with a few of its bytes cut, doubled, swapped or made up."""
    found = bytearray(text.encode())
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(found) + 1)
        match rng.randrange(6):
            case 0:
                del found[at:at + rng.randint(1, 30)]
            case 1:
                found[at:at] = found[at:at + rng.randint(1, 60)]
            case 2:
                found[at:at + 1] = bytes([rng.randrange(256)])
            case 3:
                found[at:at] = rng.choice(TOKENS).encode()
            case 4:
                found[at:at] = b"[" * rng.randint(1, 80)
            case _:
                lines = found.split(b"\n")
                rng.shuffle(lines)
                found = bytearray(b"\n".join(lines))
    return bytes(found)


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from places(value)


def tree_turned(rng: random.Random, tree: Any) -> Any:
    """A tree with a few of its nodes replaced, renamed, moved, doubled or taken out."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.randint(1, 4)):
        everywhere = list(places(tree))
        if not everywhere:
            return grown(rng, 3)
        holder, key = rng.choice(everywhere)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice(WORDS)] = holder.pop(key)
            case 2:
                other, there = rng.choice(everywhere)
                holder[key] = json.loads(json.dumps(other[there])) if _in(other, there) else None
            case 3 if isinstance(holder, dict):
                holder[rng.choice(WORDS)] = rng.choice(LEAVES)
            case _:
                holder[key] = rng.choice(LEAVES)
    return tree


def _in(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def grown(rng: random.Random, depth: int) -> Any:
    """A tree of known and unknown words."""
    if depth == 0 or rng.random() < 0.2:
        return rng.choice(LEAVES)
    if rng.random() < 0.15:
        return [grown(rng, depth - 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(WORDS): grown(rng, depth - 1) for _ in range(rng.randint(0, 4))}


def written(tree: Any) -> bytes:
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def each(row: Row, what: str) -> Iterator[tuple[random.Random, str]]:
    """Every trial; none may take two seconds of the processor."""
    depth, everyday = SHARE
    for one in row.trials(everyday, depth):
        before = signal.signal(signal.SIGVTALRM, _too_long)
        signal.setitimer(signal.ITIMER_VIRTUAL, 2)
        try:
            yield random.Random(f"{what} {one.seed}"), f"{one} ({what})"
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError("one input takes more than two seconds")


@pytest.mark.parametrize("turned", [bytes_turned, lambda rng, text: written(tree_turned(rng, yaml.safe_load(text)))],
                         ids=["bytes", "trees"])
def test_t05_a_mutated_manifest_is_checked_to_its_end(row: Row, fuzz: Fuzz, turned: Turn) -> None:
    """Real manifests with wrong bytes, and with wrong values at every place where one may stand."""
    fuzz.filled()
    sound = 0
    for rng, label in each(row, "manifest"):
        name, text = rng.choice([*fuzz.real.items()])
        sound += fuzz.judge(label, CONFIG.encode(), turned(rng, text), name)
        (fuzz.dir / "manifests" / name).write_text(text, "utf-8")
    assert sound or len(row.seeds) < 50


@pytest.mark.parametrize("turned", [bytes_turned, lambda rng, text: written(tree_turned(rng, yaml.safe_load(text)))],
                         ids=["bytes", "trees"])
def test_t05_a_mutated_configuration_is_checked_to_its_end(row: Row, fuzz: Fuzz, turned: Turn) -> None:
    """reconciler.yaml with wrong bytes, and with wrong values at every place."""
    manifest = "stripe.product:\n  pro: {name: Pro}\n"
    for rng, label in each(row, "configuration"):
        fuzz.judge(label, turned(rng, rng.choice([CONFIG, STACKS])), manifest.encode())


def test_t05_random_trees_and_bytes_are_findings(row: Row, fuzz: Fuzz) -> None:
    """What was never a manifest, nor a configuration, nor YAML."""
    for rng, label in each(row, "random"):
        manifest = written(grown(rng, 5)) if rng.random() < 0.7 else rng.randbytes(rng.randrange(200))
        fuzz.judge(label, CONFIG.encode(), manifest)
        fuzz.judge(label, written(grown(rng, 4)) if rng.random() < 0.7 else rng.randbytes(rng.randrange(200)), b"{}")


def test_t05_the_broken_cases_stay_findings_when_they_are_broken_further(row: Row, fuzz: Fuzz) -> None:
    """The kept mistakes, each with more of them."""
    cases = sorted((Path(__file__).parent / "broken").glob("*.txt"))
    for rng, label in each(row, "broken"):
        case = Case(rng.choice(cases))
        manifests = [text for name, text in case.files.items() if name.startswith("manifests/") and name.endswith(".yaml")]
        config = case.files.get("reconciler.yaml", CONFIG)
        fuzz.judge(label, config.encode(), bytes_turned(rng, rng.choice([*manifests, "{}"])))


BOMBS: dict[str, bytes] = {
    "deep flow": b"[" * 100_000, "deep map": b"{a: " * 50_000, "deep block": b"\n".join(b" " * n + b"a:" for n in range(2000)),
    "deep list": b"- " * 20_000 + b"x", "many keys": b"\n".join(b"k%d: 1" % n for n in range(100_000)),
    "many items": b"a: [" + b"1," * 300_000 + b"1]", "laughs": b"a: &a [x]\n" + b"\n".join(
        b"%c: &%c [*%c,*%c,*%c,*%c]" % (n + 1, n + 1, n, n, n, n) for n in range(97, 120)),
    "long scalar": b"a: " + b"x" * 5_000_000, "long key": b"x" * 200_000 + b": 1", "quotes": b'"' * 300_000,
    "comments": b"#\n" * 600_000, "nothing": b"", "zeros": b"\x00" * 300_000, "digits": b"a: " + b"9" * 500_000,
    "surrogates": b"\xed\xa0\x80" * 1000, "utf-16": "stripe.product: {}".encode("utf-16"), "latin-1": "a: é".encode("latin-1"),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_a_finding(fuzz: Fuzz, bomb: bytes) -> None:
    """What would take memory or time without end is refused at a cap, as manifest and as configuration."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not fuzz.judge("manifest", CONFIG.encode(), bomb)
    assert not fuzz.judge("configuration", bomb, b"{}")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024
