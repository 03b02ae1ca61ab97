"""The same on GitLab: notes for comments, commit statuses for the check, approvals for reviews."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from tests.ci import conftest
from tests.ci.fake_gitlab import BOT, Gitlab
from tests.ci.served import Served
from tests.cli.project import PRO, SANDBOX, Done, Project

HEAD, MERGED = "a1" * 20, "f" * 40


class Jobs(conftest.Jobs):
    """Commands as jobs of GitLab CI run them."""

    def __init__(self, project: Project, gitlab: Gitlab, url: str) -> None:
        self.project, self.gitlab = project, gitlab
        self.environ = {"GITLAB_CI": "true", "CI_API_V4_URL": f"{url}/api/v4", "CI_PROJECT_ID": "42",
                        "GITLAB_TOKEN": "glpat-x1", "CI_PIPELINE_ID": "5", "CI_JOB_TOKEN": "job"}

    def pull(self, *words: str, **environ: str) -> Done:  # type: ignore[override]
        return self.project.run("ci", *words, environ={
            **self.environ, "CI_COMMIT_SHA": HEAD, "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42", **environ})

    def push(self, *words: str) -> Done:  # type: ignore[override]
        return self.project.run("ci", *words, environ={**self.environ, "CI_COMMIT_SHA": MERGED})


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found = [1_700_000_000.0]

    class Clock(TestClock):
        def now(self) -> float:
            return found[0]

    monkeypatch.setattr("reconciler.cli.reviewing.SystemClock", Clock)
    return found


@pytest.fixture
def jobs(tmp_path: Path, at: list[float]) -> Iterator[Jobs]:
    gitlab = Gitlab(now=lambda: at[0])
    gitlab.open(7, HEAD)
    project = Project(tmp_path).write({"reconciler.yaml": SANDBOX}).manifest(PRO)
    project.environ = {}
    with Served(gitlab) as url:
        yield Jobs(project, gitlab, url)


def test_one_note_is_written_anew(jobs: Jobs) -> None:
    """Created, updated, left; what others wrote stays."""
    jobs.gitlab.note(7, "alice", "hello")
    digest = jobs.plan()
    assert jobs.pull("comment", "plan.json").code == 0
    assert digest in jobs.gitlab.comments()[1]["body"]
    jobs.project.manifest(PRO.replace("2900", "3500"))
    jobs.plan()
    assert "updated" in jobs.pull("comment", "plan.json").err
    assert "already" in jobs.pull("comment", "plan.json").err
    assert [one["author"]["username"] for one in jobs.gitlab.comments()] == ["alice", BOT]


def test_statuses_keep_the_digests_for_the_merge(jobs: Jobs, at: list[float]) -> None:
    """One of the whole, one a stack, each in the merge request's pipeline; `ci digest` reads them back."""
    jobs.project.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {live: {}, test: {}}\n"})
    live = jobs.plan("live.json", "--stack", "live")
    jobs.plan("test.json", "--stack", "test")
    done = jobs.pull("check", "live.json", "test.json")
    assert (done.code, done.out) == (0, "success: 2 plans: 2 with changes\n")
    assert {(one["name"], one["status"], one["pipeline_id"]) for one in jobs.gitlab.statuses} == {
        ("reconciler", "success", 5), ("reconciler: shop/live", "success", 5), ("reconciler: shop/test", "success", 5)}
    assert "already" in jobs.pull("check", "live.json", "test.json").err
    at[0] += 60
    jobs.gitlab.merge(7, MERGED)
    assert jobs.push("digest", "--stack", "live").out == live + "\n"


@pytest.mark.parametrize("how", ["merge_commit_sha", "squash_commit_sha", "sha"])
def test_every_way_to_merge_is_known(jobs: Jobs, at: list[float], how: str) -> None:
    """A merge commit, a squash, and a fast forward, where the head itself is the commit."""
    digest = jobs.plan()
    jobs.pull("check", "plan.json")
    at[0] += 60
    if how == "sha":
        jobs.gitlab.merge(7, HEAD, how)
        done = jobs.project.run("ci", "digest", environ={**jobs.environ, "CI_COMMIT_SHA": HEAD})
    else:
        jobs.gitlab.merge(7, MERGED, how)
        done = jobs.push("digest")
    assert done.out == digest + "\n", done


@pytest.mark.parametrize("case", ["another author", "altered digest", "one is missing", "later"])
def test_statuses_that_are_not_as_written_are_nothing(jobs: Jobs, at: list[float], case: str) -> None:
    """Whoever may push may write a status: only our own, whole and older than the merge, count; else 5."""
    jobs.plan()
    jobs.pull("check", "plan.json")
    at[0] += 60
    jobs.gitlab.merge(7, MERGED)
    plan, whole = jobs.gitlab.statuses
    if case == "another author":
        whole["author"] = {"username": "mallory"}
    elif case == "altered digest":
        plan["description"] = plan["description"].replace("sha256:", "sha256:0", 1).replace("0 ", " ", 1)
    elif case == "one is missing":
        jobs.gitlab.statuses.remove(plan)
    else:
        whole["finished_at"] = "2999-01-01T00:00:00.000Z"
    assert jobs.push("digest").code == 5


@pytest.mark.parametrize("dated", [True, False])
def test_approvals_count_from_when_the_plan_was_there(jobs: Jobs, at: list[float], *, dated: bool) -> None:
    """By the approval's own time, or on an older server by the note that GitLab writes; its author's own is none."""
    jobs.gitlab.dated = dated
    jobs.gitlab.approve(7, "alice")
    at[0] += 60
    jobs.plan()
    assert jobs.pull("check", "plan.json", "--require-approval").code == 4
    jobs.gitlab.approvals.clear()
    jobs.gitlab.approve(7, "bob")
    assert jobs.pull("check", "plan.json", "--require-approval").code == 4
    jobs.gitlab.approve(7, "alice")
    assert jobs.pull("check", "plan.json", "--require-approval").out == "success: Approved\n"


def test_drafts_forks_trains_and_nothing(jobs: Jobs) -> None:
    """Neutral is a success with its reason; a merge train's job checks its own commit and comments nothing."""
    assert jobs.pull("check").out == "neutral: No manifest changed\n"
    assert jobs.gitlab.statuses[-1]["status"] == "success"
    assert jobs.pull("check").err.count("already") == 1
    jobs.plan()
    train = {"CI_MERGE_REQUEST_EVENT_TYPE": "merge_train", "CI_COMMIT_SHA": "9" * 40}
    assert jobs.pull("comment", "plan.json", **train).code == 0 and jobs.gitlab.comments() == []
    assert jobs.pull("check", "plan.json", **train).code == 0
    assert jobs.gitlab.statuses[-1]["sha"] == "9" * 40
    jobs.gitlab.merges[7]["draft"] = True
    assert jobs.pull("check", "plan.json").out.startswith("neutral: Draft")


def test_the_jobs_own_token_is_not_enough(jobs: Jobs) -> None:
    """CI_JOB_TOKEN reaches no merge request: it is said what is needed."""
    jobs.plan()
    del jobs.environ["GITLAB_TOKEN"]
    done = jobs.pull("comment", "plan.json")
    assert (done.code, "project access token" in done.err) == (1, True)


def test_of_merged_results_the_head_is_checked(jobs: Jobs) -> None:
    """The trial merge that is checked out is no commit of the branch."""
    jobs.plan()
    done = jobs.pull("check", "plan.json", CI_COMMIT_SHA="9" * 40, CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD)
    assert done.code == 0
    assert {(one["sha"], one["pipeline_id"]) for one in jobs.gitlab.statuses} == {(HEAD, None)}
