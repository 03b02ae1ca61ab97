"""Sentry's tests: what was sent and answered is judged at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sentry.desk import Org, judge


@pytest.fixture
def org() -> Iterator[Org]:
    """A stack over one organization."""
    org = Org()
    yield org
    judge(org.desk)
