"""GitHub by its REST API (version 2022-11-28), under the token of a workflow, of an app, or of a person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from reconciler.errors import Missing
from reconciler.forge.model import Annotation, Approval, Check, Comment, Issue, Memory, Pull, Written
from reconciler.forge.rest import HostApi, part, seconds, text, whole

VERSION = "2022-11-28"
BATCH = 50
"""Annotations in one request, the most that the API takes; each update adds to those that are there."""

TEXT = 65_000
"""Characters of a check's summary; the API takes 65,535."""

FENCE = ("```json\n", "\n```")


class GithubApi(HostApi):
    """Requests to GitHub. Its paths begin at the host's root, because GraphQL lies beside an Enterprise server's REST API."""

    def headers(self) -> Mapping[str, str]:
        """Token, form and version."""
        return {"authorization": f"Bearer {self.token}", "accept": "application/vnd.github+json",
                "x-github-api-version": VERSION}

    def only_reads(self, method: str, path: str) -> bool:
        """A GraphQL query; no mutation is ever sent."""
        return method == "POST" and path.endswith("/graphql")

    def retry_after(self, response: httpx.Response) -> float | None:
        """Limits answer with 403 or 429: Retry-After first, then the reset of a spent budget, else a minute.

        As https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api asks.
        """
        if response.status_code not in (403, 429):
            return None
        asked = _number(response.headers.get("retry-after"))
        if asked is not None:
            return asked
        if response.headers.get("x-ratelimit-remaining") == "0":
            reset = _number(response.headers.get("x-ratelimit-reset"))
            return max(reset - self.clock.now(), 0.0) + 1.0 if reset is not None else 60.0
        return 60.0 if response.status_code == 429 or "rate limit" in self.said(response).lower() else None

    def permission(self, response: httpx.Response) -> str:
        """GitHub names the permission in a header."""
        needed = response.headers.get("x-accepted-github-permissions", "")
        return (f"the token needs {needed}: see `permissions:` of the job" if needed else
                "does the token reach this repository, with the permissions that the job's `permissions:` should name?")


class Github:
    """One repository on GitHub; `prefix` is the path of the REST API (`/api/v3` on an Enterprise server)."""

    def __init__(self, api: GithubApi, repository: str, prefix: str = "", app: str = "github-actions") -> None:
        self.api, self.prefix, self.app = api, prefix, app
        self.root = f"{prefix}/repos/{quote(repository)}"
        self._me = ""

    def close(self) -> None:
        """Give back the connection."""
        self.api.close()

    def me(self) -> str:
        """The token's own login: GraphQL tells it to a workflow's token too, which `GET /user` refuses (403)."""
        if not self._me:
            path = "/api/graphql" if self.prefix.startswith("/api") else "/graphql"
            answer, _ = self.api.ask("POST", path, {"query": "query{viewer{login}}"})
            self._me = str(part(answer, "data", "viewer", "login"))
        return self._me

    # pull requests

    def pull(self, number: int) -> Pull:
        """A pull request."""
        return _pull(self.api.read(f"{self.root}/pulls/{number}"))

    def merged(self, commit: str) -> Pull | None:
        """Of the pull requests that hold this commit, the one whose merge it is."""
        for one in self.api.every(f"{self.root}/commits/{commit}/pulls"):
            if one.get("merged_at") and one.get("merge_commit_sha") == commit:
                return _pull(one)
        return None

    def approvals(self, pull: Pull) -> Iterator[Approval]:
        """The last review of each who may write; a later remark leaves an approval as it is."""
        last: dict[str, Approval] = {}
        for one in self.api.every(f"{self.root}/pulls/{pull.number}/reviews"):
            author, state = text(one, "user", "login"), one.get("state")
            if state == "DISMISSED":
                last.pop(author, None)
            elif state in ("APPROVED", "CHANGES_REQUESTED") and author != pull.author:
                last[author] = Approval(author, state == "APPROVED", one.get("commit_id"), seconds(one.get("submitted_at")))
        for author, approval in last.items():
            try:
                found = self.api.read(f"{self.root}/collaborators/{quote(author, safe='')}/permission")
            except Missing:
                continue
            if found.get("permission") in ("admin", "write"):
                yield approval

    # comments and issues

    def comments(self, number: int) -> Iterator[Comment]:
        """All comments, the oldest first."""
        for one in self.api.every(f"{self.root}/issues/{number}/comments"):
            yield Comment(whole(one, "id"), text(one, "user", "login"), str(one.get("body") or ""))

    def comment(self, number: int, body: str) -> Comment:
        """Write a comment."""
        one = self.api.write("POST", f"{self.root}/issues/{number}/comments", {"body": body})
        return Comment(whole(one, "id"), text(one, "user", "login"), body)

    def edit(self, number: int, id: int, body: str) -> None:
        """Write a comment anew."""
        self.api.write("PATCH", f"{self.root}/issues/comments/{id}", {"body": body}, safe=True)

    def remove(self, number: int, id: int) -> None:
        """Delete a comment."""
        try:
            self.api.write("DELETE", f"{self.root}/issues/comments/{id}", safe=True)
        except Missing:
            return

    def issues(self, label: str) -> Iterator[Issue]:
        """Open issues with a label; pull requests stand in the same list."""
        params = {"state": "open", "labels": label, "sort": "created", "direction": "asc"}
        for one in self.api.every(f"{self.root}/issues", params):
            if "pull_request" not in one:
                yield Issue(whole(one, "number"), text(one, "user", "login"), str(one.get("body") or ""))

    def open(self, title: str, body: str, label: str) -> Issue:
        """Open an issue."""
        one = self.api.write("POST", f"{self.root}/issues", {"title": title, "body": body, "labels": [label]})
        return Issue(whole(one, "number"), text(one, "user", "login"), body)

    def rewrite(self, number: int, title: str, body: str, *, closed: bool = False) -> None:
        """Write an issue anew, or close it."""
        state = {"state": "closed", "state_reason": "completed"} if closed else {}
        self.api.write("PATCH", f"{self.root}/issues/{number}", {"title": title, "body": body, **state}, safe=True)

    # checks

    def written(self, commit: str, check: str) -> Written | None:
        """The latest check run of that name that our app made; what it keeps must fit its own checksum."""
        params = {"check_name": check, "filter": "latest"}
        runs = [one for one in self.api.every(f"{self.root}/commits/{commit}/check-runs", params, "check_runs")
                if text(one, "app", "slug") == self.app and one.get("name") == check]
        if not runs:
            return None
        latest = max(runs, key=lambda one: whole(one, "id"))
        kept = text(latest, "output", "text").strip()
        memory = Memory.parse(kept.removeprefix(FENCE[0]).removesuffix(FENCE[1]))
        ended = seconds(latest.get("completed_at"))
        if memory is None or ended is None or latest.get("external_id") != memory.seal() or memory.commit != commit:
            return None
        return Written(whole(latest, "id"), memory, str(latest.get("conclusion")), text(latest, "output", "title"), ended)

    def check(self, commit: str, check: Check, onto: Written | None = None) -> None:
        """Write a check run; with more annotations than one request takes it is in progress until the last are there."""
        batches = [check.annotations[n:n + BATCH] for n in range(0, len(check.annotations), BATCH)] or [()]
        ended = {"status": "completed", "conclusion": check.conclusion.value}
        body = {"name": check.name, "head_sha": commit, "external_id": check.memory.seal(),
                **(ended if len(batches) == 1 else {"status": "in_progress"}), "output": _output(check, batches[0])}
        if onto is not None and not check.annotations:
            self.api.write("PATCH", f"{self.root}/check-runs/{onto.id}", body, safe=True)
            return
        run = self.api.write("POST", f"{self.root}/check-runs", body, safe=True)
        for batch in batches[1:]:
            last = batch is batches[-1]
            self.api.write("PATCH", f"{self.root}/check-runs/{whole(run, 'id')}",
                           {**(ended if last else {}), "output": _output(check, batch)})


def _output(check: Check, annotations: tuple[Annotation, ...]) -> dict[str, Any]:
    summary = check.summary if len(check.summary) <= TEXT else check.summary[:TEXT] + "\n\n…"
    return {"title": check.title, "summary": summary, "text": FENCE[0] + check.memory.text() + FENCE[1],
            "annotations": [_annotation(one) for one in annotations]}


def _annotation(one: Annotation) -> dict[str, Any]:
    return {"path": one.file, "start_line": one.line, "end_line": one.line, "start_column": one.column,
            "end_column": one.column, "annotation_level": one.level, "title": one.title[:255], "message": one.message[:2000]}


def _pull(one: Mapping[str, Any]) -> Pull:
    home, away = (text(one, end, "repo", "full_name") for end in ("base", "head"))
    return Pull(whole(one, "number"), str(part(one, "head", "sha")), text(one, "user", "login"), one.get("draft") is True,
                seconds(one.get("merged_at")), home != away)


def _number(text: str | None) -> float | None:
    try:
        found = float(text) if text is not None else None
    except ValueError:
        return None
    return found if found is None or (math.isfinite(found) and found >= 0) else None
