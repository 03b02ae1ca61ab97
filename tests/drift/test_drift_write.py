"""Whatever somebody changed at a vendor can be taken into the manifests, for every kind of every vendor."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from reconciler.conformance import Case, in_sandbox, read_all
from reconciler.conformance.case import Change, changes
from reconciler.conformance.fields import readable
from reconciler.conformance.stack import Stack
from reconciler.model import Fell, Op
from tests.drift.desk import Desk, Writer

SEED = int(os.environ.get("SEED", "1"))
EACH = int(os.environ.get("DRIFTS", "1"))
"""So many edits of each kind are tried."""

REASONS = ("a secret is never written down", "it is a reference, and is left as it is",
           "it is a file, and what is live is no text", "it was archived at the vendor", "what is live is no valid manifest: ")
"""Why a value may stay as it is written."""

CASES = read_all(Path(__file__).parents[1] / "cases")


def edits(case: Case) -> list[tuple[str, Change]]:
    """Edits of the case's examples that a person could make and a reading shows."""
    found = [(name, change) for name, example in case.said.examples.items() for change in changes(example)
             if change.op is Op.UPDATE]
    return random.Random(f"{SEED} {case}").sample(found, min(EACH, len(found)))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_live_is_written_and_then_there_is_no_drift(case: Case, tmp_path: Path) -> None:
    """After `drift --write` the manifests ask for what is live, every comment is still there, and nothing else is asked."""
    for n, (name, change) in enumerate(edits(case)):
        print(f"SEED={SEED} {case}: {name} {change}")
        tried(case, name, change, tmp_path / str(n))


def tried(case: Case, name: str, change: Change, root: Path) -> None:
    place = in_sandbox(case.vendor)
    stack = Stack(case, case.said.examples[name], place)
    if not readable(stack, change):
        return
    desk = Desk(stack, root, Writer(SEED))
    declared = stack.manifest()
    desk.write(declared)
    stack.settle(declared, allow=True)
    stack.edit_by_hand(stack.changed(change.patch))
    world, comments = desk.world(declared), desk.comments()
    found = desk.drift(world)
    done = desk.take(world, found)
    after = desk.again(world)
    assert desk.comments() == comments
    assert all(any(reason in problem.message for reason in REASONS) for problem in done.left), done.left
    for one in found.found:
        action = next(action for action in after.actions if action.address == one.address)
        still = {change.path.partition(".")[0].partition("[")[0] for change in action.changes}
        why = [problem for problem in done.left if problem.message.startswith(f"{one.address}: ")]
        if one.what is Fell.CHANGED and not why:
            assert not still, action.changes
            assert action.op is Op.NOOP, action
    mine = {one.address for one in found.found}
    assert all(action.op is Op.NOOP for action in after.actions if action.address not in mine), after.actions
    place.close()
