"""A project whose jobs run against a repository on a fake GitHub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ci.fake_github import REPOSITORY, Github
from tests.ci.served import Served
from tests.cli.project import PRO, SANDBOX, Done, Project

HEAD = "a1" * 20
PLANNED: dict[tuple[str, ...], str] = {}
TOKEN = "ghs_canary16C7e42F292c6912E7710c838347Ae178B4a"


class Jobs:
    """Commands as jobs of GitHub Actions run them."""

    def __init__(self, project: Project, github: Github, url: str) -> None:
        self.project, self.github, self.url = project, github, url
        self.environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": url, "GITHUB_TOKEN": TOKEN, "GITHUB_SHA": "c" * 40,
                        "GITHUB_STEP_SUMMARY": str(project.dir / "notes.md")}

    def pull(self, number: int, *words: str, name: str = "pull_request") -> Done:
        """In a job of a pull request."""
        path = self.project.dir / "event.json"
        path.write_text(json.dumps(self.github.event(number)), "utf-8")
        return self.project.run("ci", *words, environ={**self.environ, "GITHUB_EVENT_NAME": name,
                                                       "GITHUB_EVENT_PATH": str(path)})

    def push(self, commit: str, *words: str, name: str = "push") -> Done:
        """In a job of a push to main."""
        return self.project.run("ci", *words, environ={**self.environ, "GITHUB_EVENT_NAME": name, "GITHUB_SHA": commit})

    def plan(self, out: str = "plan.json", *words: str) -> str:
        """A saved plan of the sandbox; its digest. A sandbox in which nothing is yet gives the same one to every test."""
        path = self.project.dir / out
        said = tuple((self.project.dir / name).read_text("utf-8") for name in ("reconciler.yaml", "manifests/shop.yaml"))
        if (self.project.dir / ".reconciler").exists() or (*said, *words) not in PLANNED:
            self.project.run("plan", "--sandbox", "--out", out, *words)
            PLANNED[(*said, *words)] = path.read_text("utf-8")
        path.write_text(PLANNED[(*said, *words)], "utf-8")
        return str(json.loads(path.read_text("utf-8"))["digest"])

    @property
    def notes(self) -> str:
        path = self.project.dir / "notes.md"
        return path.read_text("utf-8") if path.exists() else ""


@pytest.fixture
def github() -> Github:
    made = Github()
    made.open(7, HEAD)
    return made


@pytest.fixture
def jobs(tmp_path: Path, github: Github) -> Iterator[Jobs]:
    project = Project(tmp_path).write({"reconciler.yaml": SANDBOX}).manifest(PRO)
    project.environ = {}
    with Served(github) as url:
        yield Jobs(project, github, url)
