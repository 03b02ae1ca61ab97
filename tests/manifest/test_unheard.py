"""Secrets that are shown once: somebody must take them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.contract import Output
from reconciler.errors import Invalid
from reconciler.vendors.stripe.webhook import WebhookEndpoint
from reconciler.workspace import Options, Workspace

CONFIG = """project: sql2ai
vendors:
  stripe: {api_key: {env: STRIPE_API_KEY}}
  vault: {address: https://vault.example, auth: {method: token, token: {env: VAULT_TOKEN}}}
"""
MANIFEST = """
stripe.webhook_endpoint:
  lost: {url: https://a.example/, enabled_events: [invoice.paid]}
  delivered:
    url: https://b.example/
    enabled_events: [invoice.paid]
    lifecycle: {deliver: {secret: {to: vault, path: kv/api/stripe, key: webhook_secret}}}
  referred: {url: https://c.example/, enabled_events: [invoice.paid]}
  bound: {url: https://d.example/, enabled_events: [invoice.paid], lifecycle: {id: we_1}}
vault.mount:
  kv: {type: kv-v2}
vault.kv_secret:
  hooks: {mount: {ref: kv}, path: hooks, data: {c: {ref: stripe.webhook_endpoint/referred, output: secret}}}
"""


def written(folder: Path) -> Workspace:
    """The project in a folder."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "hooks.yaml").write_text(MANIFEST)
    (folder / "reconciler.yaml").write_text(CONFIG)
    return Workspace(Options(dir=folder), environ={})


def test_a_secret_that_nothing_takes_is_a_warning(tmp_path: Path) -> None:
    """A sink takes it, or an entry that refers to it; what is bound by its id was made long ago."""
    with written(tmp_path) as workspace:
        workspace.validate()
        found = [(str(one.at), one.severity, one.message) for one in workspace.warnings]
    assert found == [("manifests/hooks.yaml:3:3", "warning",
                      "secret of stripe.webhook_endpoint/lost is shown once, when it is made, and nothing takes it")]


def test_where_the_object_is_of_no_use_without_it_it_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An API key that nobody knows does nothing."""
    monkeypatch.setattr(WebhookEndpoint, "outputs", {"id": Output(), "secret": Output(True, once=True, awaited=True)})
    with written(tmp_path) as workspace, pytest.raises(Invalid) as caught:
        workspace.validate()
    assert [problem.severity for problem in caught.value.problems] == ["error"]
