"""Resend's tests: what was sent and answered is judged at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.resend.desk import Team, judge


@pytest.fixture
def team() -> Iterator[Team]:
    """A stack over one team."""
    team = Team()
    yield team
    judge(team.desk)
