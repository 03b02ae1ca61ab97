"""The GitLab template, its jobs run as a runner does: plan, note, approval, merge, apply, and the stale way."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.sandbox.store import Request
from tests.ci.fake_gitlab import Gitlab
from tests.ci.served import Served
from tests.cli.project import KEY, PRO, Account, Project, account

TEMPLATE = Path(__file__).parents[2] / "examples" / "ci" / "gitlab" / ".gitlab-ci.yml"
CONFIG = """project: shop
ledger: {{store: git}}
vendors: {{stripe: {{api_key: {{env: STRIPE_API_KEY}}, mode: test, base_url: "{url}", requests_per_second: 5000}}}}
"""
ABOVE = PRO.replace("2900", "3500").replace("name: Pro", "name: Pro 2")


class Runner:
    """One repository; each job in a fresh clone, with the variables of its environment and the artifacts of its pipeline."""

    def __init__(self, folder: Path, stripe: Account, gitlab: Gitlab, url: str) -> None:
        self.folder, self.stripe, self.gitlab, self.url = folder, stripe, gitlab, url
        self.template: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text("utf-8"))
        self.bare, self.jobs = folder / "origin.git", 0
        self.bare.mkdir()
        Project(self.bare).git("init", "-q", "--bare")
        self.work = self.clone(None)
        self.work.git("checkout", "-qb", "main")
        self.push(PRO, "main", **{"reconciler.yaml": CONFIG.format(url=stripe.url)})

    def clone(self, ref: str | None) -> Project:
        self.jobs += 1
        project = Project(self.folder / f"job{self.jobs}")
        project.dir.mkdir()
        project.git("init", "-q")
        project.git("remote", "add", "origin", str(self.bare))
        if ref is not None:
            project.git("fetch", "-q", "origin", ref)
            project.git("checkout", "-q", "FETCH_HEAD")
        return project

    def push(self, manifest: str, branch: str, **files: str) -> str:
        commit = self.work.write(files).manifest(manifest).commit("x")
        self.work.git("push", "-q", "origin", f"HEAD:{branch}")
        return commit

    def pipeline(self, ref: str, commit: str, *names: str, **variables: str) -> dict[str, int]:
        """These jobs, one after the other; their exit codes."""
        kept = self.folder / f"artifacts-{commit}"
        kept.mkdir(exist_ok=True)
        return {name: self.job(self.template[name], ref, kept, {"CI_COMMIT_SHA": commit, **variables}) for name in names}

    def job(self, job: dict[str, Any], ref: str, kept: Path, variables: dict[str, str]) -> int:
        place = self.clone(ref).dir
        shutil.copytree(kept, place, dirs_exist_ok=True)
        scope = job.get("environment", {}).get("name", "")
        secrets = {"reconciler-host": {"GITLAB_TOKEN": "glpat-x1"}, "": {}}.get(scope, {"STRIPE_API_KEY": KEY})
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], cwd=place, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={
                                  "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(place),
                                  "CI": "true", "GITLAB_CI": "true", "CI_API_V4_URL": f"{self.url}/api/v4",
                                  "CI_PROJECT_ID": "42", "CI_JOB_TOKEN": "job", **secrets, **variables})
        for path in job.get("artifacts", {}).get("paths", []):
            if (place / path).is_dir():
                shutil.copytree(place / path, kept / path, dirs_exist_ok=True)
            elif (place / path).exists():
                shutil.copy(place / path, kept / path)
        print(re.sub(r"(?m)^", "  ", done.stdout))
        return done.returncode

    def merge_request(self, head: str, *names: str) -> dict[str, int]:
        return self.pipeline("change", head, *names, CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_PROJECT_ID="42",
                             CI_MERGE_REQUEST_SOURCE_PROJECT_ID="42", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main")

    def notes(self) -> list[str]:
        return [one["body"] for one in self.gitlab.comments()]


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    gitlab = Gitlab(now=lambda: 4_000_000_000.0)  # the host's clock is ahead, so that approvals are later than plans
    with account("stripe") as (stripe,), Served(gitlab) as url:
        made = Runner(tmp_path, stripe, gitlab, url)
        first = made.clone("main")
        first.ok("apply", "--auto-approve", "--allow", "money")
        yield made


def test_what_is_approved_is_applied(runner: Runner, tmp_path: Path) -> None:
    """Planned, told, approved, merged, applied as approved, told again."""
    head = runner.push(ABOVE, "change")
    runner.gitlab.open(7, head)
    assert runner.merge_request(head, "plan", "tell") == {"plan": 0, "tell": 4}, "not approved yet"
    assert "3500" in runner.notes()[0]
    runner.gitlab.approve(7, "alice")
    assert runner.merge_request(head, "tell")["tell"] == 0
    shutil.rmtree(tmp_path / f"artifacts-{head}")
    runner.work.git("push", "-q", "origin", "HEAD:main")
    runner.gitlab.merge(7, head, "sha")
    assert set(runner.pipeline("main", head, "digest", "apply", "again", "tell-after").values()) == {0}
    assert {price["unit_amount"]: price["active"] for price in runner.stripe.prices().values()} == {2900: False, 3500: True}
    assert "Applied: 2 done" in runner.notes()[1] and len(runner.notes()) == 2


def test_what_nobody_approved_is_shown_and_waits(runner: Runner) -> None:
    """A push past any merge request: nothing is applied before the protected environment lets the saved plan."""
    commit = runner.push(ABOVE, "main")
    codes = runner.pipeline("main", commit, "digest", "apply", "again", "tell-after")
    assert codes == {"digest": 0, "apply": 5, "again": 0, "tell-after": 0}
    assert len(runner.stripe.prices()) == 1
    assert runner.pipeline("main", commit, "approved", "tell-approved") == {"approved": 0, "tell-approved": 0}
    assert len(runner.stripe.prices()) == 2


def test_what_was_approved_again_is_told_too(runner: Runner) -> None:
    """A merge request that was merged unapproved: its plan is shown anew, and how the approved apply ended stands below."""
    head = runner.push(ABOVE, "change")
    runner.gitlab.open(7, head)
    runner.merge_request(head, "plan", "tell")
    runner.work.git("push", "-q", "origin", "HEAD:main")
    runner.gitlab.merge(7, head, "sha")
    runner.pipeline("main", head, "digest", "apply", "again", "tell-after")
    assert len(runner.stripe.prices()) == 1
    runner.pipeline("main", head, "approved", "tell-approved")
    assert len(runner.stripe.prices()) == 2 and "Applied: 2 done" in runner.notes()[-1]


def test_broken_manifests_fail_the_check(runner: Runner) -> None:
    """What could not even be planned is not a merge request without manifests."""
    head = runner.push("stripe.product: {pro: {nmae: x}}\n", "change")
    runner.gitlab.open(7, head)
    assert runner.merge_request(head, "validate", "tell") == {"validate": 3, "tell": 4}
    assert runner.gitlab.statuses[-1]["status"] == "failed" and "nmae" in runner.notes()[0]


def test_by_night(runner: Runner) -> None:
    """What somebody changed by hand is an issue in the morning."""
    commit = runner.work.git("rev-parse", "HEAD").strip()
    runner.stripe.sandbox.handle(Request("POST", "/v1/products/pro", headers={"authorization": f"Bearer {KEY}"},
                                         body=b"name=By+hand"))
    assert runner.pipeline("main", commit, "drift", "drift-issue") == {"drift": 0, "drift-issue": 0}
    assert "By hand" in runner.gitlab.issues[0]["description"]
    assert json.dumps(runner.gitlab.issues).count("Drift in shop/default") == 1
