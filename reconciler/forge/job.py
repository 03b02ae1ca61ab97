"""The job that this is: which repository, commit and pull request, and why it runs, from the variables that CI sets.

Only the variables named here are read; a job that comments needs no other, and holds no vendor's credential.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from reconciler.clock import Clock, SystemClock
from reconciler.errors import Invalid, Usage
from reconciler.forge.github import Github, GithubApi
from reconciler.forge.gitlab import Gitlab, GitlabApi, GitlabSettings
from reconciler.forge.model import Event, Forge
from reconciler.forge.rest import HostSettings, text
from reconciler.model import Problem
from reconciler.secret import Secret

GITHUB = "https://api.github.com"

_EVENTS = {"pull_request": Event.PULL, "pull_request_target": Event.PULL, "pull_request_review": Event.REVIEW,
           "merge_group": Event.QUEUE}


@dataclass(frozen=True, slots=True)
class Job:
    """One job of CI. `commit` is what a check stands on: a pull request's head, not the trial merge that is checked out.

    `fork` says that the branch is in another repository, `notes` is a file for the job's own page.
    """

    forge: Forge
    event: Event
    commit: str
    number: int | None = None
    fork: bool = False
    notes: Path | None = None

    def about(self, number: int) -> Job:
        """The same job, told which pull request it is about."""
        pull = self.forge.pull(number)
        event = Event.PULL if pull.merged is None else Event.OTHER
        return replace(self, event=event, number=number, commit=pull.head, fork=pull.fork)


@dataclass(frozen=True, slots=True)
class Means:
    """What a client is made with; `seen` is told the token, so that it is struck out of every text."""

    clock: Clock = SystemClock()
    progress: Callable[[str], None] = lambda text: None
    transport: httpx.BaseTransport | None = None
    seen: Callable[[Secret], Secret] = lambda secret: secret


def job(environ: Mapping[str, str], app: str, means: Means) -> Job:
    """The job of this environment; Usage where it is none, Invalid when a variable is missing."""
    if environ.get("GITHUB_REPOSITORY"):
        return _github(environ, app, means)
    if environ.get("GITLAB_CI"):
        return _gitlab(environ, means)
    raise Usage("this is no job of GitHub Actions or GitLab CI: neither GITHUB_REPOSITORY nor GITLAB_CI is set",
                "`reconciler show PLAN` shows a saved plan anywhere")


def _github(environ: Mapping[str, str], app: str, means: Means) -> Job:
    given = _Given(environ)
    token = means.seen(given.secret("GITHUB_TOKEN", "env: {GITHUB_TOKEN: ${{ github.token }}} in the step"))
    parts = urlsplit(environ.get("GITHUB_API_URL") or GITHUB)
    settings = HostSettings(base_url=f"{parts.scheme}://{parts.netloc}", token=token)
    api = GithubApi(settings, connection="github", clock=means.clock, progress=means.progress, transport=means.transport)
    forge = Github(api, given("GITHUB_REPOSITORY"), parts.path.rstrip("/"), app)
    event = _EVENTS.get(environ.get("GITHUB_EVENT_NAME", ""), Event.OTHER)
    told = _event(environ.get("GITHUB_EVENT_PATH")) if event is not Event.OTHER else {}
    head, base = (text(told, "pull_request", end, "repo", "full_name") for end in ("head", "base"))
    commit = text(told, "pull_request", "head", "sha") or text(told, "merge_group", "head_sha") or given("GITHUB_SHA")
    number = text(told, "pull_request", "number")
    notes = environ.get("GITHUB_STEP_SUMMARY")
    return Job(forge, event, commit, int(number) if number.isdecimal() else None, head != base, Path(notes) if notes else None)


def _gitlab(environ: Mapping[str, str], means: Means) -> Job:
    given = _Given(environ)
    own = bool(environ.get("GITLAB_TOKEN"))
    token = means.seen(given.secret("GITLAB_TOKEN" if own else "CI_JOB_TOKEN",
                                    "GITLAB_TOKEN takes a project access token with the scope `api`"))
    settings = GitlabSettings(base_url=given("CI_API_V4_URL"), token=token, job=not own)
    api = GitlabApi(settings, connection="gitlab", clock=means.clock, progress=means.progress, transport=means.transport)
    checked_out = given("CI_COMMIT_SHA")
    pipeline = environ.get("CI_PIPELINE_ID", "")
    forge = Gitlab(api, environ.get("CI_MERGE_REQUEST_PROJECT_ID") or given("CI_PROJECT_ID"),
                   (checked_out, int(pipeline)) if pipeline.isdecimal() else None)
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    queue = environ.get("CI_MERGE_REQUEST_EVENT_TYPE") == "merge_train"
    event = Event.OTHER if not number.isdecimal() else Event.QUEUE if queue else Event.PULL
    source, target = (environ.get(f"CI_MERGE_REQUEST_{end}PROJECT_ID") for end in ("SOURCE_", ""))
    commit = checked_out if queue else environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or checked_out
    return Job(forge, event, commit, int(number) if number.isdecimal() else None, source != target)


class _Given:
    """Variables that have to be there."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def __call__(self, name: str, help: str = "") -> str:
        value = self.environ.get(name, "")
        if not value:
            raise Invalid([Problem(f"{name} is not set", help=help or "CI sets it; a container has to be handed it")])
        return value

    def secret(self, name: str, help: str) -> Secret:
        return Secret(self(name, help))


def _event(path: str | None) -> dict[str, Any]:
    """What GitHub says of the event that started the job."""
    try:
        found = json.loads(Path(path or "").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise Usage(f"GITHUB_EVENT_PATH can't be read: {path or 'it is not set'}",
                    "GitHub writes that file for each job") from error
    return found if isinstance(found, dict) else {}
