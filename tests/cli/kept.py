"""The places where a project's ledger can be kept, as reconciler.yaml and `ledger migrate` name them."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.project import Project

NUMBERS = itertools.count(1)
STORES = ("sqlite", "git", "postgres", "s3")


@dataclass(frozen=True)
class Kept:
    """One place: a line of reconciler.yaml, a word of `ledger migrate`, and what stands in the environment."""

    store: str
    line: str
    word: str
    environ: dict[str, str] = field(default_factory=dict)

    def use(self, project: Project) -> Project:
        """Keep the project's ledger there."""
        config = (project.dir / "reconciler.yaml").read_text().splitlines(keepends=True)
        project.environ |= self.environ
        kept = [line for line in config if not line.startswith("ledger:")]
        return project.write({"reconciler.yaml": "".join([*kept, f"ledger: {self.line}\n"])})


def place(store: str, request: pytest.FixtureRequest, project: Path) -> Kept:
    """A place of this store that nobody has used."""
    makers: dict[str, Callable[[], Kept]] = {
        "sqlite": lambda: Kept("sqlite", "{store: sqlite}", "sqlite"),
        "git": lambda: _git(project),
        "postgres": lambda: _postgres(request),
        "s3": lambda: _s3(request),
    }
    return makers[store]()


def _git(project: Path) -> Kept:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    return Kept("git", "{store: git}", "git")


def _postgres(request: pytest.FixtureRequest) -> Kept:
    url = request.getfixturevalue("database").own(f"kept{next(NUMBERS)}")
    return Kept("postgres", "{store: postgres, url: {env: LEDGER_URL}}", "postgres:env=LEDGER_URL", {"LEDGER_URL": url})


def _s3(request: pytest.FixtureRequest) -> Kept:
    server = request.getfixturevalue("buckets")
    bucket = server.bucket()
    return Kept("s3", f'{{store: s3, bucket: {bucket}, prefix: a/b, endpoint: "{server.url}"}}',
                f"s3:bucket={bucket},prefix=a/b,endpoint={server.url}")
