"""The whole way of a change: a branch, its plan, a comment, a review, the merge, the apply; and when a vendor was faster.

Every job is a fresh clone with nothing but its own variables, as CI runs it; the ledger is kept in the repository.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.clock import TestClock
from reconciler.sandbox.store import Request
from tests.ci.fake_github import REPOSITORY, Github
from tests.ci.served import Served
from tests.cli.project import KEY, PRO, Account, Done, Project, account

CONFIG = """project: shop
ledger: {{store: git}}
vendors:
  stripe: {{api_key: {{env: STRIPE_API_KEY}}, mode: test, base_url: "{url}", requests_per_second: 5000}}
stacks:
  live: {{consent: digest}}
"""
ABOVE = PRO.replace("2900", "3500").replace("name: Pro", "name: Pro 2")


class Cycle:
    """A repository, its host, a vendor's account, and jobs on them; pull request 7 is the one that counts."""

    def __init__(self, folder: Path, stripe: Account, github: Github, url: str, at: list[float]) -> None:
        self.folder, self.stripe, self.github, self.url, self.at = folder, stripe, github, url, at
        self.bare = folder / "origin.git"
        self.jobs = 0
        self.bare.mkdir()
        Project(self.bare).git("init", "-q", "--bare")
        self.work = self.clone()
        self.work.git("checkout", "-qb", "main")
        self.work.write({"reconciler.yaml": CONFIG.format(url=stripe.url)}).manifest(PRO).commit("the shop")
        self.work.git("push", "-q", "origin", "main")

    def clone(self, ref: str | None = None, **environ: str) -> Project:
        """A fresh clone, and commands in it that see these variables only."""
        self.jobs += 1
        project = Project(self.folder / f"job{self.jobs}")
        project.dir.mkdir()
        project.git("init", "-q")
        project.git("remote", "add", "origin", str(self.bare))
        if ref is not None:
            project.git("fetch", "-q", "origin", ref)
            project.git("checkout", "-q", "FETCH_HEAD")
        project.environ = {"CI": "true", "GITHUB_ACTIONS": "true", **environ}
        return project

    def vendor(self, ref: str) -> Project:
        """A job that holds the vendor's key, and no token of the host."""
        return self.clone(ref, STRIPE_API_KEY=KEY)

    def host(self, event: str, sha: str) -> Project:
        """A job that holds the host's token, and no vendor's key; it needs no checkout."""
        told = self.clone()
        path = told.dir / "event.json"
        path.write_text(json.dumps(self.github.event(7)) if 7 in self.github.pulls else "{}", "utf-8")
        told.environ |= {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": self.url, "GITHUB_TOKEN": "ghs_t0ken",
                         "GITHUB_EVENT_NAME": event, "GITHUB_EVENT_PATH": str(path), "GITHUB_SHA": sha}
        return told

    def propose(self, manifest: str) -> str:
        """A branch with this manifest, as pull request 7; its trial merge is what CI checks out."""
        self.work.git("checkout", "-qB", "change", "origin/main")
        head = self.work.manifest(manifest).commit("raise the price")
        self.work.git("push", "-q", "origin", "change")
        self.work.git("checkout", "-q", "--detach", "origin/main")
        self.work.git("merge", "-q", "--no-ff", "-m", "trial", "change")
        self.work.git("push", "-q", "origin", "HEAD:refs/pull/7/merge")
        self.github.open(7, head)
        return head

    def merge(self) -> str:
        """The pull request merged by a commit of its own; the commit."""
        self.at[0] += 60
        self.work.git("checkout", "-q", "main")
        self.work.git("merge", "-q", "--no-ff", "-m", "merge 7", "change")
        self.work.git("push", "-q", "origin", "main")
        commit = self.work.git("rev-parse", "HEAD").strip()
        self.github.merge(7, commit)
        return commit

    def plan(self, ref: str, *words: str) -> Path:
        """The plan job; the file that it hands on."""
        job = self.vendor(ref)
        done = job.run("plan", "--leave-drift", "--no-input", "--detailed-exitcode", "--out", "live.plan.json", *words)
        assert done.code == 2, done
        return job.dir / "live.plan.json"

    def tell(self, event: str, sha: str, *words: str, files: tuple[Path, ...] = ()) -> Done:
        """A `ci` command, with the files of earlier jobs."""
        job = self.host(event, sha)
        for path in files:
            shutil.copy(path, job.dir)
        return job.run("ci", *words, *(path.name for path in files))

    def apply(self, *words: str) -> tuple[Done, Path]:
        """The apply job on main, and its report."""
        job = self.vendor("main")
        done = job.run("apply", *words, "--leave-drift", "--lock-timeout", "30m", "--no-input", "--format", "json")
        (job.dir / "live.ndjson").write_text(done.out, "utf-8")
        return done, job.dir / "live.ndjson"

    def prices(self) -> dict[int, bool]:
        return {price["unit_amount"]: price["active"] for price in self.stripe.prices().values()}


@pytest.fixture
def cycle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cycle]:
    """What is on main is applied; then somebody proposes another price and another name, and it is planned and approved."""
    at = [1_700_000_000.0]

    class Clock(TestClock):
        def now(self) -> float:
            return at[0]

    monkeypatch.setattr("reconciler.cli.reviewing.SystemClock", Clock)
    github = Github(now=lambda: at[0])
    with account("stripe") as (stripe,), Served(github) as url:
        made = Cycle(tmp_path, stripe, github, url, at)
        first = made.vendor("main")
        plan = first.run("plan", "--out", "plan.json")
        assert plan.code == 0, plan
        first.ok("apply", "plan.json")
        assert made.prices() == {2900: True}
        yield made


def approved(cycle: Cycle) -> str:
    """Planned, commented, checked, reviewed; its digest."""
    head = cycle.propose(ABOVE)
    plan = cycle.plan("refs/pull/7/merge", "--config-from", "HEAD^1")
    asked = len(cycle.stripe.asked)
    assert cycle.tell("pull_request", "trial", "comment", files=(plan,)).code == 0
    done = cycle.tell("pull_request", "trial", "check", "--require-approval", files=(plan,))
    assert (done.code, cycle.github.check["conclusion"], cycle.github.check["head_sha"]) == (4, "failure", head)
    cycle.at[0] += 60
    cycle.github.review(7, "alice")
    done = cycle.tell("pull_request_review", "trial", "check", "--require-approval")
    assert (done.code, done.out, len(cycle.github.runs)) == (0, "success: Approved\n", 1)
    assert len(cycle.stripe.asked) == asked, "a job that tells asks no vendor"
    return str(json.loads(plan.read_text("utf-8"))["digest"])


def test_plan_review_merge_apply(cycle: Cycle) -> None:
    """What was shown and approved is what the merge applies, and the pull request is told how it ended."""
    digest = approved(cycle)
    assert cycle.prices() == {2900: True}
    comment = cycle.github.comments[0]["body"]
    assert digest in comment and "3500" in comment and "manifests/shop.yaml" in comment
    commit = cycle.merge()
    found = cycle.tell("push", commit, "digest", "--require-approval")
    assert (found.code, found.out) == (0, digest + "\n"), found
    done, report = cycle.apply("--digest", found.out.strip())
    assert done.code == 0, done
    assert cycle.prices() == {2900: False, 3500: True}
    assert cycle.tell("push", commit, "comment", "--result", files=(report,)).code == 0
    assert len(cycle.github.comments) == 2
    assert "Applied: 2 done" in cycle.github.comments[1]["body"] and digest in cycle.github.comments[1]["body"]
    assert cycle.vendor("main").run("plan", "--detailed-exitcode").code == 0
    log = cycle.vendor("main").ok("ledger", "log").out
    assert digest[:19] in log and commit[:10] in log


def test_a_vendor_was_faster(cycle: Cycle) -> None:
    """Somebody renames the product between approval and merge: nothing is applied, it is shown anew and approved again."""
    digest = approved(cycle)
    commit = cycle.merge()
    cycle.stripe.sandbox.handle(Request("POST", "/v1/products/pro", headers={"authorization": f"Bearer {KEY}"},
                                        body=b"name=By+hand"))
    wrote = len(cycle.stripe.written)
    done, _ = cycle.apply("--digest", cycle.tell("push", commit, "digest").out.strip())
    assert (done.code, len(cycle.stripe.written)) == (5, wrote), done
    assert cycle.prices() == {2900: True}
    plan = cycle.plan("main")
    again = json.loads(plan.read_text("utf-8"))["digest"]
    assert again != digest
    assert cycle.tell("push", commit, "comment", files=(plan,)).code == 0
    assert [again in one["body"] for one in cycle.github.comments] == [False, True]
    assert "would do now was not approved" in cycle.github.comments[1]["body"]
    job = cycle.vendor("main")
    shutil.copy(plan, job.dir)
    done = job.run("apply", plan.name, "--leave-drift", "--lock-timeout", "30m", "--no-input", "--format", "json")
    assert done.code == 0, done
    assert cycle.prices() == {2900: False, 3500: True}
    assert cycle.stripe.products()["pro"]["name"] == "Pro 2"


def test_what_was_never_reviewed_is_not_applied(cycle: Cycle) -> None:
    """A push to main past any pull request has no digest: 5; and this stack takes no --auto-approve."""
    cycle.work.git("checkout", "-q", "main")
    commit = cycle.work.manifest(ABOVE).commit("quietly")
    cycle.work.git("push", "-q", "origin", "main")
    found = cycle.tell("push", commit, "digest")
    assert (found.code, found.out) == (5, "")
    assert cycle.vendor("main").run("apply", "--auto-approve", "--allow", "money", "--no-input").code == 4
    assert cycle.prices() == {2900: True}


def test_a_pull_request_that_points_a_key_elsewhere_is_planned_with_the_bases_settings(cycle: Cycle) -> None:
    """`--config-from` the base: another address in reconciler.yaml gets no request from the plan."""
    with account("elsewhere") as (other,):
        cycle.work.write({"reconciler.yaml": CONFIG.format(url=other.url)})
        cycle.propose(ABOVE)
        assert other.url in cycle.vendor("refs/pull/7/merge").git("show", "HEAD:reconciler.yaml")
        cycle.plan("refs/pull/7/merge", "--config-from", "HEAD^1")
        assert other.asked == []
