"""What the manifests ask for is no drift, whatever they ask: for every kind of every vendor."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from reconciler.conformance import Case, in_sandbox, read_all
from reconciler.conformance.case import Change, changes
from reconciler.conformance.stack import Stack
from reconciler.engine.drift import drift
from reconciler.engine.plan import plan
from reconciler.model import Op

SEED = int(os.environ.get("SEED", "1"))
EACH = int(os.environ.get("DRIFTS", "1"))
"""So many edits of each kind are tried."""

CASES = read_all(Path(__file__).parents[1] / "cases")


def edits(case: Case) -> list[tuple[str, Change]]:
    """Edits of the case's examples, of every sort."""
    found = [(name, change) for name, example in case.said.examples.items() for change in changes(example)]
    return random.Random(f"{SEED} {case}").sample(found, min(EACH, len(found)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_the_manifests_ask_is_no_drift(case: Case) -> None:
    """An edit of the manifest alone waits for an apply; after the apply there is no drift either, nor when it is taken back."""
    for name, change in edits(case):
        print(f"SEED={SEED} {case}: {name} {change}")
        stack = Stack(case, case.said.examples[name], in_sandbox(case.vendor))
        stack.settle(stack.manifest(), allow=True)
        world = stack.world(stack.changed(change.patch), stack.consent(stack.manifest()))
        found = drift(world, plan(world))
        assert not found.found, [(one.what, one.fields) for one in found.found]
        if change.op is Op.UPDATE:
            stack.settle(stack.changed(change.patch), allow=True)
            for declared in (stack.changed(change.patch), stack.manifest()):
                world = stack.world(declared, stack.consent(declared))
                assert not drift(world, plan(world)).found
        stack.place.close()
