"""T09: a secret fits only where a vendor keeps one; everywhere else it is a finding, however it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from reconciler.contract import registry
from reconciler.contract.spec import Mark, Shape
from reconciler.errors import Invalid
from reconciler.workspace import Options, Workspace
from tests.cli.project import Project
from tests.faults.tally import Row
from tests.faults.town import BEFORE, CREDENTIALS

SECRET = "what-nobody-may-read"
CONFIG = ("project: shop\nvendors:\n" + "".join(f"  {name}: {words}\n" for name, words in CREDENTIALS.items())
          + "vars: {host: x}\nsecrets: {pw: {env: DB_PASSWORD}}\n")
OTHERS = {
    "stripe.webhook_endpoint": {"hook": {"url": "https://x.example", "enabled_events": ["invoice.paid"]}},
    "resend.webhook": {"hook": {"endpoint": "https://y.example", "events": ["email.bounced"]}},
    "sentry.team": {"t": {}}, "sentry.project": {"p": {"teams": [{"ref": "t"}]}},
    "sentry.client_key": {"k": {"project": {"ref": "p"}}},
}
"""Entries that have secret outputs."""

FORMS: tuple[Any, ...] = (
    {"secret": "pw"},
    {"ref": "stripe.webhook_endpoint/hook", "output": "secret"},
    {"ref": "resend.webhook/hook", "output": "signing_secret"},
    {"ref": "sentry.client_key/k", "output": "dsn_secret"},
    {"format": "x{p}", "with": {"p": {"secret": "pw"}}},
    {"format": "x{p}", "with": {"p": {"ref": "stripe.webhook_endpoint/hook", "output": "secret"}}},
)
"""Ways to write a secret."""


def fields(shape: Shape, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The fields of a kind, nested ones too, that keep no secret."""
    for name, child in shape.children.items():
        if child.marks & {Mark.SECRET, Mark.WRITE_ONLY}:
            continue
        yield (*path, name)
        if len(path) < 2 and child.children:
            yield from fields(child, (*path, name))


def attempts() -> Iterator[tuple[str, Any]]:
    """Every field of every kind, with one way after the other; then places that are no field."""
    n = 0
    for name in registry.names():
        vendor = registry.vendor(name)
        for kind in vendor.kinds if vendor is not None else ():
            for path in fields(kind(None).shape):
                value = FORMS[n % len(FORMS)]
                for part in reversed(path):
                    value = {part: value}
                yield kind.name, value
                n += 1
    for form in FORMS:
        yield from (("stripe.product", {"metadata": {"x": form}}), ("stripe.product", {"metadata": {"a": {"b": form}}}),
                    ("stripe.product", {"marketing_features": [{"name": form}]}), ("stripe.product", {"name": [form]}),
                    ("stripe.product", {"lifecycle": {"formerly": [form]}}), ("stripe.product", {"lifecycle": {"id": form}}),
                    ("posthog.feature_flag", {"filters": {"groups": [{"properties": [{"key": "x", "value": form}]}]}}),
                    ("vault.policy", {"rules": form}), ("vault.kv_secret", {"mount": "kv", "path": form, "data": {}}))


def test_t09_a_secret_is_told_to_nobody_who_does_not_keep_it(row: Row, tmp_path: Path) -> None:
    """More than 100 attempts, one at each field that is not secret: a finding each, and the value is never read."""
    project = Project(tmp_path).write({"reconciler.yaml": CONFIG})
    environ = {**dict.fromkeys(BEFORE, "x"), "DB_PASSWORD": SECRET}
    count = 0
    for kind, value in row.each([*attempts()]):
        manifest: dict[str, Any] = {name: dict(entries) for name, entries in OTHERS.items()}
        manifest.setdefault(kind, {})["evil"] = value
        project.manifest(yaml.safe_dump(manifest))
        try:
            with Workspace(Options(dir=tmp_path), environ=environ) as workspace:
                workspace.validate()
        except Invalid as error:
            told = [problem.message for problem in error.problems if problem.path or problem.at]
            assert any("secret" in text for text in told), (kind, value, told)
            assert SECRET not in str(told)
        else:
            raise AssertionError(f"{kind}: {value} is no finding")
        count += 1
    assert count > 100
