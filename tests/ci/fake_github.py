"""GitHub, as far as `ci` asks it, from the documented shapes of its REST API (docs.github.com/rest, 2022-11-28).

What the documentation promises is refused here too: 50 annotations a request, 65,536 characters of a comment, checks
only by an app, no writes from a fork's token.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from tests.ci.served import Answer, Asked

BOT = "github-actions[bot]"
REPOSITORY = "acme/shop"


def when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Github:
    """One repository; `now` is the server's clock, `read_only` a fork's token, `faults` answer first."""

    now: Callable[[], float] = lambda: 1_700_000_000.0
    me: str = BOT
    read_only: bool = False
    page: int = 100
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=lambda: {"alice": "write", "bob": "write", "carol": "read"})
    faults: list[Callable[[Asked], Answer | None]] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = count(1)

    # what people do

    def open(self, number: int, head: str, *, author: str = "bob", draft: bool = False, fork: bool = False) -> None:
        repo = {"full_name": "stranger/shop" if fork else REPOSITORY}
        self.pulls[number] = {
            "number": number, "state": "open", "draft": draft, "user": {"login": author, "type": "User"}, "merged_at": None,
            "merge_commit_sha": None, "head": {"sha": head, "ref": "change", "repo": repo},
            "base": {"sha": "b" * 40, "ref": "main", "repo": {"full_name": REPOSITORY}}}

    def push(self, number: int, head: str) -> None:
        self.pulls[number]["head"]["sha"] = head

    def merge(self, number: int, commit: str) -> None:
        self.pulls[number] |= {"state": "closed", "merged_at": when(self.now()), "merge_commit_sha": commit}

    def review(self, number: int, who: str, state: str = "APPROVED", commit: str | None = None) -> None:
        self.reviews.append({"id": next(self._ids), "pull": number, "user": {"login": who}, "state": state,
                             "commit_id": commit or self.pulls[number]["head"]["sha"], "submitted_at": when(self.now())})

    def say(self, number: int, who: str, body: str) -> dict[str, Any]:
        made = {"id": next(self._ids), "issue": number, "user": {"login": who, "type": "User"}, "body": body,
                "created_at": when(self.now())}
        self.comments.append(made)
        return made

    def event(self, number: int) -> dict[str, Any]:
        """What is in the file of GITHUB_EVENT_PATH."""
        return {"action": "synchronize", "number": number, "pull_request": self.pulls[number]}

    @property
    def written(self) -> list[str]:
        return [str(one) for one in self.requests if one.method != "GET" and not one.path.endswith("/graphql")]

    @property
    def check(self) -> dict[str, Any]:
        return self.runs[-1]

    # what the API answers

    def handle(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        for fault in self.faults:
            answer = fault(asked)
            if answer is not None:
                return answer
        if not asked.headers.get("authorization", "").startswith("Bearer "):
            return Answer(401, {"message": "Requires authentication"})
        if asked.method == "POST" and asked.path == "/graphql":
            return Answer(200, {"data": {"viewer": {"login": self.me}}})
        if self.read_only and asked.method != "GET":
            return Answer(403, {"message": "Resource not accessible by integration"},
                          {"x-accepted-github-permissions": "issues=write; pull_requests=write"})
        root = f"/repos/{REPOSITORY}"
        for method, pattern, answer in ROUTES:
            hit = re.fullmatch(root + pattern, asked.path)
            if hit and method == asked.method:
                return answer(self, asked, *hit.groups())
        return Answer(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def paged(self, asked: Asked, items: list[dict[str, Any]], under: str | None = None) -> Answer:
        size, page = min(int(asked.query.get("per_page", 30)), self.page), int(asked.query.get("page", 1))
        shown = items[(page - 1) * size:page * size]
        headers = {}
        if page * size < len(items):
            query = "&".join(f"{k}={v}" for k, v in {**asked.query, "page": page + 1}.items())
            headers["link"] = f'<https://api.github.com{asked.path}?{query}>; rel="next"'
        return Answer(200, {"total_count": len(items), under: shown} if under else shown, headers)

    def _pull(self, asked: Asked, number: str) -> Answer:
        found = self.pulls.get(int(number))
        return Answer(200, found) if found else Answer(404, {"message": "Not Found"})

    def _pulls_of(self, asked: Asked, commit: str) -> Answer:
        return self.paged(asked, [one for one in self.pulls.values()
                                  if commit in (one["head"]["sha"], one["merge_commit_sha"])])

    def _reviews(self, asked: Asked, number: str) -> Answer:
        return self.paged(asked, [one for one in self.reviews if one["pull"] == int(number)])

    def _permission(self, asked: Asked, who: str) -> Answer:
        if who not in self.people:
            return Answer(404, {"message": "Not Found"})
        return Answer(200, {"permission": self.people[who], "role_name": self.people[who], "user": {"login": who}})

    def _comments(self, asked: Asked, number: str) -> Answer:
        return self.paged(asked, [one for one in self.comments if one["issue"] == int(number)])

    def _comment(self, asked: Asked, number: str) -> Answer:
        if len(asked.body["body"]) > 65_536:
            return Answer(422, {"message": "Validation Failed", "errors": [{"message": "body is too long"}]})
        made = self.say(int(number), self.me, asked.body["body"])
        return Answer(201, made)

    def _edit(self, asked: Asked, id: str) -> Answer:
        for one in self.comments:
            if one["id"] == int(id):
                one["body"] = asked.body["body"]
                return Answer(200, one)
        return Answer(404, {"message": "Not Found"})

    def _delete(self, asked: Asked, id: str) -> Answer:
        before = len(self.comments)
        self.comments = [one for one in self.comments if one["id"] != int(id)]
        return Answer(204) if len(self.comments) < before else Answer(404, {"message": "Not Found"})

    def _issues(self, asked: Asked) -> Answer:
        return self.paged(asked, [one for one in self.issues if one["state"] == asked.query.get("state", "open")
                                  and {"name": asked.query["labels"]} in one["labels"]])

    def _open(self, asked: Asked) -> Answer:
        made = {"number": next(self._ids), "state": "open", "user": {"login": self.me}, "title": asked.body["title"],
                "body": asked.body["body"], "labels": [{"name": label} for label in asked.body["labels"]]}
        self.issues.append(made)
        return Answer(201, made)

    def _rewrite(self, asked: Asked, number: str) -> Answer:
        found = next((one for one in self.issues if one["number"] == int(number)), None)
        if found is None:
            return Answer(404, {"message": "Not Found"})
        found |= asked.body
        return Answer(200, found)

    def _runs(self, asked: Asked, commit: str) -> Answer:
        latest = {run["name"]: run for run in self.runs
                  if run["head_sha"] == commit and asked.query.get("check_name") in (None, run["name"])}
        return self.paged(asked, list(latest.values()), "check_runs")

    def _run(self, asked: Asked) -> Answer:
        wrong = _unfit(asked.body)
        if wrong:
            return Answer(422, {"message": wrong})
        run = {"id": next(self._ids), "app": {"slug": "github-actions"}, "status": "queued", "conclusion": None,
               "completed_at": None, "started_at": when(self.now()), "annotations": []}
        self.runs.append(self._changed(run, asked.body))
        return Answer(201, run)

    def _rerun(self, asked: Asked, id: str) -> Answer:
        wrong = _unfit(asked.body)
        run = next((one for one in self.runs if one["id"] == int(id)), None)
        if wrong or run is None:
            return Answer(422 if wrong else 404, {"message": wrong or "Not Found"})
        return Answer(200, self._changed(run, asked.body))

    def _changed(self, run: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        """Annotations are added to those that are there; a conclusion ends the run."""
        run["annotations"] += body["output"].get("annotations", [])
        run |= {**body, "output": {name: body["output"].get(name) for name in ("title", "summary", "text")}}
        if body.get("conclusion"):
            run |= {"status": "completed", "completed_at": when(self.now())}
        return run


def _unfit(body: dict[str, Any]) -> str:
    output = body.get("output", {})
    if len(output.get("annotations", [])) > 50:
        return "Invalid request. No more than 50 items are allowed"
    if body.get("status") == "completed" and not body.get("conclusion"):
        return "conclusion is required when status is completed"
    if not output.get("title") or "summary" not in output or len(output["summary"]) > 65_535:
        return "output.title and output.summary are required"
    return ""


Route = Callable[..., Answer]
ROUTES: list[tuple[str, str, Route]] = [
    ("GET", r"/pulls/(\d+)", Github._pull), ("GET", r"/commits/(\w+)/pulls", Github._pulls_of),
    ("GET", r"/pulls/(\d+)/reviews", Github._reviews), ("GET", r"/collaborators/([^/]+)/permission", Github._permission),
    ("GET", r"/issues/(\d+)/comments", Github._comments), ("POST", r"/issues/(\d+)/comments", Github._comment),
    ("PATCH", r"/issues/comments/(\d+)", Github._edit), ("DELETE", r"/issues/comments/(\d+)", Github._delete),
    ("GET", "/issues", Github._issues), ("POST", "/issues", Github._open), ("PATCH", r"/issues/(\d+)", Github._rewrite),
    ("GET", r"/commits/(\w+)/check-runs", Github._runs), ("POST", "/check-runs", Github._run),
    ("PATCH", r"/check-runs/(\d+)", Github._rerun)]
