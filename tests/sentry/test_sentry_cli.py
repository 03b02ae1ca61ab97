"""Sentry's own command line reads the sandbox on a port: what we made is what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.sandbox.serve import Server
from tests.sentry.desk import BASE, Org

PROGRAM = Path(sys.executable).parent / "sentry-cli"
Run = Callable[..., str]


@pytest.fixture
def org() -> Org:
    """An organization with one of each that the program knows."""
    made = Org()
    nightly = {"project": {"ref": "api"}, "name": "Nightly scan", "config": {"schedule": "0 3 * * *"}, "status": "disabled"}
    made.settle({**BASE, "cron_monitor": {"nightly": nightly}})
    return made


@pytest.fixture
def run(org: Org, tmp_path: Path) -> Iterator[Run]:
    """Run the program; its table's rows, and what it complains about, as one text."""
    with Server({"sentry": org.desk.sandbox}) as server:
        environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SENTRY_DISABLE_UPDATE_CHECK": "1",
                   "SENTRY_URL": server.root, "SENTRY_AUTH_TOKEN": "sntryu_" + "a" * 64}

        def run(*args: str) -> str:
            done = subprocess.run([PROGRAM, *args], env=environ, text=True, capture_output=True, check=False, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run


def rows(table: str) -> list[list[str]]:
    """The cells of a table, its head first."""
    return [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in table.splitlines() if line.startswith("|")]


def test_it_logs_in(run: Run) -> None:
    """The token is taken, and its scopes are told."""
    assert "project:admin" in run("info")


def test_it_sees_the_organization(run: Run) -> None:
    """By its slug."""
    assert [row[2] for row in rows(run("organizations", "list"))] == ["Slug", "sql2ai"]


def test_it_sees_every_project(org: Org, run: Run) -> None:
    """With its team, over two pages, which it follows by the Link header."""
    for n in range(120):
        org.desk.sandbox.projects.made("backend", {"name": f"P{n}", "slug": f"p{n}"})
    found = rows(run("projects", "list", "--org", "sql2ai"))
    assert ["api", "backend", "api"] in [row[1:] for row in found] and len(found) == 122
    asked = [dict(one.query)["cursor"] for one in org.desk.sandbox.requests if "cursor" in dict(one.query)]
    assert asked == ["", "0:100:0"]


def test_it_sees_the_monitor(run: Run) -> None:
    """By slug and name, and that it is off."""
    assert rows(run("monitors", "list", "--org", "sql2ai"))[1][1:] == ["nightly", "Nightly scan", "disabled"]
