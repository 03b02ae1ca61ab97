"""A saved plan whose parts don't belong together is not applied, though its checksum is right."""

from __future__ import annotations

import json as plain
from dataclasses import replace

import pytest

from reconciler.cli.apply_ import agreeing
from reconciler.engine.digest import of_plan
from reconciler.errors import Stale
from reconciler.model import Plan
from reconciler.output import json
from tests.output.plans import every_operation
from tests.output.test_plan_file import resealed

WORD = "irreversible:resend.domain/old.sql2.ai"


def digested(made: Plan) -> Plan:
    """The plan with the digest that the engine gives it."""
    return replace(made, digest=of_plan(made.project, made.stack, made.accounts, made.consents, made.digests.values()))


def test_a_plan_as_it_was_made_agrees_with_itself() -> None:
    """With consents and accounts."""
    made = digested(replace(every_operation(), consents=(WORD,), accounts={"stripe": "acct_1"}))
    assert agreeing(json.load(json.dump(made, "0.1.0"))).consents == (WORD,)


@pytest.mark.parametrize("part", [
    {"consents": [WORD]}, {"accounts": {"stripe": "acct_2"}}, {"stack": "production"}, {"actions": []}])
def test_what_is_slipped_in_below_an_approved_digest_is_refused(part: dict[str, object]) -> None:
    """Consents, accounts, stack and actions are what the digest is over; a checksum made again does not help."""
    written = json.dump(digested(every_operation()), "0.1.0")
    with pytest.raises(Stale, match="digest is not that of"):
        agreeing(json.load(resealed(written, lambda found: found.update(part))))
    assert plain.loads(written)["digest"] == digested(every_operation()).digest
