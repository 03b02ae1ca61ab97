"""GitLab by its REST API v4, under a project access token; a merge request is a pull request, a commit status a check.

A job's own CI_JOB_TOKEN reaches no merge request (https://gitlab.com/gitlab-org/gitlab/-/issues/545150).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx

from reconciler.errors import Missing
from reconciler.forge.model import Approval, Check, Comment, Conclusion, Issue, Memory, Pull, Written, kept
from reconciler.forge.rest import HostApi, HostSettings, part, seconds, text, whole

SHORT = 16
"""How much of a memory's checksum stands in each status, so that those of one check are known as such."""

MOST = 255
"""Characters of a commit status's description."""

_STATES = {Conclusion.SUCCESS: "success", Conclusion.NEUTRAL: "success", Conclusion.FAILURE: "failed"}
_WHOLE = re.compile(r"(?P<title>.*) \[(?P<conclusion>success|neutral|failure) (?P<seal>[0-9a-f]{16})\]\Z", re.DOTALL)
_PLAN = re.compile(r"(?P<digest>sha256:[0-9a-f]{64}) (?P<since>\d+) (?P<flags>[a-z]*) ?\[(?P<seal>[0-9a-f]{16})\]\Z")
_APPROVED = "approved this merge request"
"""The system note that tells when, on servers whose approvals don't (before GitLab 18.5)."""


class GitlabSettings(HostSettings):
    """`job` when the token is the job's own."""

    job: bool = False


class GitlabApi(HostApi):
    """Requests to GitLab."""

    def headers(self) -> Mapping[str, str]:
        """The token under the name that its sort has."""
        return {"job-token" if cast("GitlabSettings", self.settings).job else "private-token": self.token}

    def permission(self, response: httpx.Response) -> str:
        """What the token has to be."""
        return "GITLAB_TOKEN takes a project access token with the scope `api` and the role Developer"


class Gitlab:
    """One project on GitLab. Statuses go to `pipeline` where that is the one of the commit."""

    def __init__(self, api: GitlabApi, project: str, pipeline: tuple[str, int] | None = None) -> None:
        self.api, self.root, self.pipeline = api, f"/projects/{quote(project, safe='')}", pipeline
        self._me = ""

    def close(self) -> None:
        """Give back the connection."""
        self.api.close()

    def me(self) -> str:
        """The token's own login."""
        if not self._me:
            self._me = str(part(self.api.read("/user"), "username"))
        return self._me

    # merge requests

    def pull(self, number: int) -> Pull:
        """A merge request."""
        return _pull(self.api.read(f"{self.root}/merge_requests/{number}"))

    def merged(self, commit: str) -> Pull | None:
        """The merge request whose merge, squash or fast forward made this commit."""
        for one in self.api.every(f"{self.root}/repository/commits/{commit}/merge_requests"):
            if one.get("state") == "merged" and commit in (one.get("merge_commit_sha"), one.get("squash_commit_sha"),
                                                           one.get("sha")):
                return _pull(one)
        return None

    def approvals(self, pull: Pull) -> Iterator[Approval]:
        """Who approves; GitLab lets only those who may, and takes approvals back on a push where the project says so."""
        given = self.api.read(f"{self.root}/merge_requests/{pull.number}/approvals").get("approved_by") or []
        people = [(text(one, "user", "username"), seconds(one.get("approved_at"))) for one in given]
        noted = self._noted(pull.number) if any(at is None for _, at in people) else {}
        for author, at in people:
            if author != pull.author:
                yield Approval(author, True, None, at if at is not None else noted.get(author))

    def _noted(self, pull: int) -> dict[str, float | None]:
        """When each approved last, by the notes that GitLab itself writes."""
        return {text(one, "author", "username"): seconds(one.get("created_at")) for one in self._notes(pull)
                if one.get("system") is True and one.get("body") == _APPROVED}

    # comments and issues

    def _notes(self, pull: int) -> Iterator[dict[str, Any]]:
        return self.api.every(f"{self.root}/merge_requests/{pull}/notes", {"sort": "asc", "order_by": "created_at"})

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments that people and tokens wrote."""
        for one in self._notes(number):
            if one.get("system") is not True:
                yield Comment(whole(one, "id"), text(one, "author", "username"), str(one.get("body") or ""))

    def comment(self, number: int, body: str) -> Comment:
        """Write a comment."""
        one = self.api.write("POST", f"{self.root}/merge_requests/{number}/notes", {"body": body})
        return Comment(whole(one, "id"), text(one, "author", "username"), body)

    def edit(self, number: int, id: int, body: str) -> None:
        """Write a comment anew."""
        self.api.write("PUT", f"{self.root}/merge_requests/{number}/notes/{id}", {"body": body}, safe=True)

    def remove(self, number: int, id: int) -> None:
        """Delete a comment."""
        try:
            self.api.write("DELETE", f"{self.root}/merge_requests/{number}/notes/{id}", safe=True)
        except Missing:
            return

    def issues(self, label: str) -> Iterator[Issue]:
        """Open issues with a label."""
        params = {"state": "opened", "labels": label, "order_by": "created_at", "sort": "asc"}
        for one in self.api.every(f"{self.root}/issues", params):
            yield Issue(whole(one, "iid"), text(one, "author", "username"), str(one.get("description") or ""))

    def open(self, title: str, body: str, label: str) -> Issue:
        """Open an issue."""
        one = self.api.write("POST", f"{self.root}/issues", {"title": title, "description": body, "labels": label})
        return Issue(whole(one, "iid"), text(one, "author", "username"), body)

    def rewrite(self, number: int, title: str, body: str, *, closed: bool = False) -> None:
        """Write an issue anew, or close it."""
        state = {"state_event": "close"} if closed else {}
        self.api.write("PUT", f"{self.root}/issues/{number}", {"title": title, "description": body, **state}, safe=True)

    # checks

    def written(self, commit: str, check: str) -> Written | None:
        """The latest statuses that this token wrote: one of the whole, one for each plan with its digest."""
        newest: dict[str, dict[str, Any]] = {}
        for one in self.api.every(f"{self.root}/repository/commits/{commit}/statuses", {"all": "true"}):
            known = newest.get(str(one.get("name")))
            if text(one, "author", "username") == self.me() and (known is None or whole(known, "id") < whole(one, "id")):
                newest[str(one.get("name"))] = one
        latest = newest.get(check)
        told = _WHOLE.match(str((latest or {}).get("description") or ""))
        if latest is None or told is None:
            return None
        memory = _memory(commit, check, newest, told["seal"])
        ended = seconds(latest.get("finished_at")) or seconds(latest.get("created_at"))
        if memory is None or ended is None:
            return None
        return Written(whole(latest, "id"), memory, told["conclusion"], told["title"], ended)

    def check(self, commit: str, check: Check, onto: Written | None = None) -> None:
        """Write the statuses, that of the whole last: its checksum holds them together."""
        memory, seal = check.memory, check.memory.seal()[:SHORT]
        for plan in memory.plans:
            flags = f"{'acts' if plan.acts else ''}{'blocked' if plan.blocked else ''}"
            self._status(commit, f"{check.name}: {plan.name}", "failed" if plan.blocked else "success",
                         f"{plan.digest} {memory.since} {flags}".rstrip() + f" [{seal}]")
        end = f" [{check.conclusion.value} {seal}]"
        self._status(commit, check.name, _STATES[check.conclusion], check.title[:MOST - len(end)] + end)

    def _status(self, commit: str, name: str, state: str, description: str) -> None:
        body: dict[str, Any] = {"state": state, "name": name, "description": description}
        if self.pipeline is not None and self.pipeline[0] == commit:
            body["pipeline_id"] = self.pipeline[1]
        self.api.write("POST", f"{self.root}/statuses/{commit}", body, safe=True)


def _memory(commit: str, check: str, newest: Mapping[str, Mapping[str, Any]], seal: str) -> Memory | None:
    """What the statuses of one check keep together; None when they are not as they were written."""
    plans, since = [], 0
    for title in sorted(newest):
        told = _PLAN.match(str(newest[title].get("description") or ""))
        if not title.startswith(f"{check}: ") or told is None or told["seal"] != seal:
            continue
        project, _, stack = title.removeprefix(f"{check}: ").partition("/")
        try:
            plans.append(kept(project=project, stack=stack, digest=told["digest"], acts="acts" in told["flags"],
                              blocked="blocked" in told["flags"]))
        except TypeError:
            return None
        since = int(told["since"])
    memory = Memory(commit, tuple(plans), since)
    return memory if memory.seal()[:SHORT] == seal else None


def _pull(one: Mapping[str, Any]) -> Pull:
    return Pull(whole(one, "iid"), str(part(one, "sha")), text(one, "author", "username"), one.get("draft") is True,
                seconds(one.get("merged_at")), one.get("source_project_id") != one.get("target_project_id"))
