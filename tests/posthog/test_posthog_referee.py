"""The vendor's own description judges every field's life: made, changed, cleared, removed; refusals left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.conformance import Trial, in_sandbox, read_all, trials
from reconciler.vendors.posthog import VENDOR
from tests.posthog.desk import HABITS
from tests.referee import Exchange, Referee

CASES = read_all(Path(__file__).parents[1] / "cases" / "posthog", VENDOR)
LIVES = [one for one in trials(CASES) if one.change is not None or one.name in ("created", "removed")]


@pytest.mark.parametrize("trial", LIVES, ids=str)
def test_every_request_and_answer_is_as_posthog_describes_it(trial: Trial) -> None:
    """All that a trial sends and gets is in the document, or forgiven with its reason."""
    referee, place = Referee("posthog.json", HABITS), in_sandbox(VENDOR)
    trial.run(place)
    done = [Exchange(one.method, one.path, one.query, json.loads(one.body or b"null"), one.status,
                     json.loads(one.answer or b"null")) for one in place.exchanges if one.status < 300]
    assert done and not referee.complaints(done)
