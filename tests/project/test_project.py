"""reconciler.yaml as values: what a stack makes of the project, versions, and who may run where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import Invalid, Usage
from reconciler.project import Project, names, read
from reconciler.project.read import laid_over
from reconciler.vendors.stripe import VENDOR
from reconciler.vendors.stripe.sandbox import StripeSandbox
from reconciler.workspace import Options, Workspace

TEXT = """project: shop
requires: ">=0.1,<0.2"
vendors: {stripe: {mode: test, timeout: 5}, vault: {}}
vars: {a: 1, b: [1, 2], c: {x: 1, y: 2}}
limits: {max_changes: 7}
allow: [irreversible:stripe.price/a]
stacks:
  live:
    formerly: [prod]
    vendors: {stripe: {mode: live}, vault: null}
    vars: {b: [3], c: {y: 3}, d: new}
    allow: []
    consent: digest
  test: {}
"""


def project(folder: Path, text: str = TEXT, stack: str | None = "live", version: str = "0.1.0") -> Project:
    (folder / "reconciler.yaml").write_text(text)
    return read(folder, stack, version=version)


def test_a_stack_is_laid_over_the_project(tmp_path: Path) -> None:
    """Maps merge key by key, lists and scalars replace, null leaves out; a vendor that is left out stays known as such."""
    live = project(tmp_path).stack
    assert live.vendors == {"stripe": {"mode": "live", "timeout": 5}, "vault": None}
    assert live.vars == {"a": 1, "b": [3], "c": {"x": 1, "y": 3}, "d": "new"}
    assert (live.allow, live.consent, live.limits.max_changes) == ((), "digest", 7)
    assert project(tmp_path, stack="test").stack.vendors == {"stripe": {"mode": "test", "timeout": 5}, "vault": {}}


def test_former_names_are_pairs(tmp_path: Path) -> None:
    """Every pair of names under which the ledger and marks may still stand, the present one left out."""
    found = project(tmp_path, TEXT.replace("project: shop", "project: shop\nformerly: [store]"))
    assert found.former() == (("shop", "prod"), ("store", "live"), ("store", "prod"))


def test_stacks_are_named_in_their_order(tmp_path: Path) -> None:
    """One implied stack where none is said; a broken file tells its mistakes and no names."""
    project(tmp_path)
    assert names(tmp_path, version="0.1.0") == ("live", "test")
    (tmp_path / "reconciler.yaml").write_text("project: shop\n")
    assert names(tmp_path, version="0.1.0") == ("default",)
    (tmp_path / "reconciler.yaml").write_text("project: shop\nstacks: {a: {}, b: {vars: 1}}\n")
    with pytest.raises(Invalid):
        names(tmp_path, version="0.1.0")


@pytest.mark.parametrize("stack", [None, "", "liv"])
def test_a_stack_has_to_be_chosen_and_there(tmp_path: Path, stack: str | None) -> None:
    """Several and none chosen, or one that is not there: a mistake on the command line."""
    with pytest.raises(Usage):
        project(tmp_path, stack=stack)


@pytest.mark.parametrize(("requires", "version", "fits"), [
    (">=0.1", "0.1.0", True), (">=0.1,<0.2", "0.2.0", False), ("==1.2", "1.2.0", True), ("!=1.2.3", "1.2.3", False),
    (">0.9", "0.10.0", True), ("<=2", "2.0.1", False), ("~=1", "1.0", False), ("", "1.0", False)])
def test_versions_are_numbers(tmp_path: Path, requires: str, version: str, *, fits: bool) -> None:
    """`0.10` is more than `0.9`; what is no comparison is a finding, not a pass."""
    text = f'project: shop\nrequires: "{requires}"\n'
    if fits:
        project(tmp_path, text, None, version)
    else:
        with pytest.raises(Invalid):
            project(tmp_path, text, None, version)


def test_nothing_is_laid_over_something_else() -> None:
    """A map over a scalar and a scalar over a map replace; the base is left as it was."""
    base: dict[str, Any] = {"a": {"x": 1}, "b": 2}
    assert laid_over(base, {"a": 1, "b": {"y": 2}, "c": None}) == {"a": 1, "b": {"y": 2}}
    assert base == {"a": {"x": 1}, "b": 2}


@pytest.mark.parametrize(("ledger", "fits"), [("", False), ("ledger: {ephemeral: true}\n", True)])
def test_a_ledger_that_goes_with_the_machine_is_refused_in_ci(tmp_path: Path, ledger: str, *, fits: bool) -> None:
    """With CI set and a vendor that is far away a sqlite ledger is a finding before any request, unless it says `ephemeral`."""
    sandbox = StripeSandbox(VENDOR.kinds)
    (tmp_path / "reconciler.yaml").write_text(f"project: shop\nvendors: {{stripe: {{requests_per_second: 5000}}}}\n{ledger}")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/a.yaml").write_text("stripe.product: {pro: {id: pro, name: Pro}}\n")
    with Workspace(Options(dir=tmp_path), environ={"CI": "true", "STRIPE_API_KEY": "sk_test_1"},
                   transports={"stripe": sandbox.transport()}) as workspace:
        if fits:
            assert len(workspace.plan().actions) == 1
        else:
            with pytest.raises(Invalid):
                workspace.plan()
            assert sandbox.requests == []
