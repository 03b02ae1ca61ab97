"""GitLab, as far as `ci` asks it, from the documented shapes of its REST API v4 (docs.gitlab.com/api)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.ci.fake_github import when
from tests.ci.served import Answer, Asked

BOT = "project_42_bot"


@dataclass
class Gitlab:
    """One project; `dated` says whether approvals tell when they were given (since GitLab 18.5)."""

    now: Callable[[], float] = lambda: 1_700_000_000.0
    dated: bool = True
    merges: dict[int, dict[str, Any]] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    approvals: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ids = count(1)

    def open(self, iid: int, head: str, *, author: str = "bob", draft: bool = False, fork: bool = False) -> None:
        self.merges[iid] = {
            "id": 9000 + iid, "iid": iid, "state": "opened", "sha": head, "draft": draft, "author": {"username": author},
            "merged_at": None, "merge_commit_sha": None, "squash_commit_sha": None, "target_project_id": 42,
            "source_project_id": 77 if fork else 42}

    def merge(self, iid: int, commit: str, how: str = "merge_commit_sha") -> None:
        self.merges[iid] |= {"state": "merged", "merged_at": when(self.now()), how: commit}

    def approve(self, iid: int, who: str) -> None:
        given = {"user": {"username": who}} | ({"approved_at": when(self.now())} if self.dated else {})
        self.approvals.setdefault(iid, []).append(given)
        self.note(iid, who, "approved this merge request", system=True)

    def note(self, iid: int, who: str, body: str, *, system: bool = False) -> dict[str, Any]:
        made = {"id": next(self._ids), "iid": iid, "author": {"username": who}, "body": body, "system": system,
                "created_at": when(self.now())}
        self.notes.append(made)
        return made

    def comments(self) -> list[dict[str, Any]]:
        return [one for one in self.notes if not one["system"]]

    def handle(self, asked: Asked) -> Answer:
        self.requests.append(asked)
        if "private-token" not in asked.headers:
            return Answer(401, {"message": "401 Unauthorized"})
        if asked.path == "/api/v4/user":
            return Answer(200, {"id": 1, "username": BOT})
        for method, pattern, answer in ROUTES:
            hit = re.fullmatch("/api/v4/projects/42" + pattern, asked.path)
            if hit and method == asked.method:
                return answer(self, asked, *hit.groups())
        return Answer(404, {"message": "404 Not Found"})

    def _merge(self, asked: Asked, iid: str) -> Answer:
        found = self.merges.get(int(iid))
        return Answer(200, found) if found else Answer(404, {"message": "404 Not found"})

    def _of_commit(self, asked: Asked, commit: str) -> Answer:
        return Answer(200, [one for one in self.merges.values()
                            if commit in (one["sha"], one["merge_commit_sha"], one["squash_commit_sha"])])

    def _approvals(self, asked: Asked, iid: str) -> Answer:
        given = self.approvals.get(int(iid), [])
        return Answer(200, {"approved": bool(given), "approved_by": given})

    def _notes(self, asked: Asked, iid: str) -> Answer:
        return Answer(200, [one for one in self.notes if one["iid"] == int(iid)])

    def _note(self, asked: Asked, iid: str) -> Answer:
        return Answer(201, self.note(int(iid), BOT, asked.body["body"]))

    def _edit(self, asked: Asked, iid: str, id: str) -> Answer:
        found = next((one for one in self.notes if one["id"] == int(id)), None)
        if found is None:
            return Answer(404, {"message": "404 Note Not Found"})
        found |= asked.body
        return Answer(200, found)

    def _remove(self, asked: Asked, iid: str, id: str) -> Answer:
        self.notes = [one for one in self.notes if one["id"] != int(id)]
        return Answer(204)

    def _statuses(self, asked: Asked, commit: str) -> Answer:
        return Answer(200, [one for one in self.statuses if one["sha"] == commit])

    def _status(self, asked: Asked, commit: str) -> Answer:
        if len(asked.body.get("description", "")) > 255:
            return Answer(400, {"message": {"description": ["is too long (maximum is 255 characters)"]}})
        made = {"id": next(self._ids), "sha": commit, "status": asked.body["state"], "author": {"username": BOT},
                "created_at": when(self.now()), "finished_at": when(self.now()),
                **{name: asked.body.get(name) for name in ("name", "description", "pipeline_id")}}
        self.statuses.append(made)
        return Answer(201, made)

    def _issues(self, asked: Asked) -> Answer:
        return Answer(200, [one for one in self.issues if one["state"] == asked.query["state"]
                            and asked.query["labels"] in one["labels"]])

    def _open(self, asked: Asked) -> Answer:
        made = {**asked.body, "iid": next(self._ids), "state": "opened", "author": {"username": BOT},
                "labels": asked.body["labels"].split(",")}
        self.issues.append(made)
        return Answer(201, made)

    def _rewrite(self, asked: Asked, iid: str) -> Answer:
        found = next(one for one in self.issues if one["iid"] == int(iid))
        found |= {k: v for k, v in asked.body.items() if k != "state_event"}
        if asked.body.get("state_event") == "close":
            found["state"] = "closed"
        return Answer(200, found)


ROUTES: list[tuple[str, str, Callable[..., Answer]]] = [
    ("GET", r"/merge_requests/(\d+)", Gitlab._merge), ("GET", r"/repository/commits/(\w+)/merge_requests", Gitlab._of_commit),
    ("GET", r"/merge_requests/(\d+)/approvals", Gitlab._approvals), ("GET", r"/merge_requests/(\d+)/notes", Gitlab._notes),
    ("POST", r"/merge_requests/(\d+)/notes", Gitlab._note), ("PUT", r"/merge_requests/(\d+)/notes/(\d+)", Gitlab._edit),
    ("DELETE", r"/merge_requests/(\d+)/notes/(\d+)", Gitlab._remove),
    ("GET", r"/repository/commits/(\w+)/statuses", Gitlab._statuses), ("POST", r"/statuses/(\w+)", Gitlab._status),
    ("GET", "/issues", Gitlab._issues), ("POST", "/issues", Gitlab._open), ("PUT", r"/issues/(\d+)", Gitlab._rewrite)]
