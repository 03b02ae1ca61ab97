"""PostHog's tests: what was sent and answered is judged at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.posthog.desk import Project, judge


@pytest.fixture
def project() -> Iterator[Project]:
    """A stack over one project."""
    project = Project()
    yield project
    judge(project.desk)
