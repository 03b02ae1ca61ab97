"""After the merge: how the apply ended, what has to be approved again, and the issue that tells of drift."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.forge import results
from reconciler.output import markdown
from reconciler.sandbox.store import Response
from tests.ci.conftest import HEAD, Jobs
from tests.ci.fake_github import Github
from tests.ci.served import Served
from tests.cli.project import CONFIG, PRO, Account, Project, account

MERGED = "f" * 40
APPLY = ("apply", "--sandbox", "--auto-approve", "--allow", "money", "--format", "json")


@pytest.fixture
def after(jobs: Jobs, github: Github) -> Jobs:
    """Pull request 7 is merged."""
    github.merge(7, MERGED)
    return jobs


def applied(jobs: Jobs, name: str = "apply.ndjson") -> None:
    (jobs.project.dir / name).write_text(jobs.project.run(*APPLY).out, "utf-8")


def test_the_result_is_a_comment_of_its_own(after: Jobs, github: Github) -> None:
    """On the merged pull request, below the plan that was approved; run again it is the same comment."""
    github.say(7, github.me, f"{markdown.opening()}\nthe plan")
    applied(after)
    done = after.push(MERGED, "comment", "--result", "apply.ndjson")
    assert done.code == 0, done
    body = github.comments[1]["body"]
    assert "Applied: 2 done" in body and "stripe.price/monthly" in body and MERGED[:12] in body
    assert github.comments[0]["body"] == f"{markdown.opening()}\nthe plan"
    assert "already" in after.push(MERGED, "comment", "--result", "apply.ndjson").err


def test_what_failed_is_told_with_the_next_step(tmp_path: Path, github: Github) -> None:
    """Done, failed and not started, each by name, with what the vendor said; redacted without it."""
    github.merge(7, MERGED)
    with account("stripe") as (stripe,), Served(github) as url:
        project = Project(tmp_path).write({"reconciler.yaml": CONFIG.format(url=stripe.url)}).manifest(PRO)
        refuse(stripe)
        done = project.run("apply", "--auto-approve", "--allow", "money", "--format", "json")
        assert done.code == 6
        (tmp_path / "apply.ndjson").write_text(done.out, "utf-8")
        jobs = Jobs(project, github, url)
        assert jobs.push(MERGED, "comment", "--result", "apply.ndjson").code == 0
        body = github.comments[0]["body"]
        assert "Incomplete: 1 done, 1 failed" in body
        assert "stripe.price/monthly" in body and "not @today" in body
        jobs.push(MERGED, "comment", "--result", "apply.ndjson", "--redact")
        assert len(github.comments) == 1 and "today" not in github.comments[0]["body"]


def refuse(stripe: Account) -> None:
    stripe.sandbox.faults.append(lambda request, n: Response(400, {"error": {"message": "not @today", "type": "x"}})
                                 if request.method == "POST" and request.path == "/v1/prices" else None)


def test_an_apply_that_did_not_end_is_told(after: Jobs, github: Github) -> None:
    """Refused, stale, locked or killed: the report is empty, or breaks off, and the log says why."""
    (after.project.dir / "live.ndjson").write_text("", "utf-8")
    (after.project.dir / "live.log").write_text("error: the plan's digest is another\n", "utf-8")
    assert after.push(MERGED, "comment", "--result", "live.ndjson", "--failed", "live.log").code == 0
    body = github.comments[0]["body"]
    assert "`live`" in body and "did not come to its end" in body and "the plan's digest is another" in body


def test_several_applies_are_one_comment(after: Jobs, github: Github) -> None:
    """A part for each stack."""
    after.project.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {live: {}, test: {}}\n"})
    for stack in ("live", "test"):
        done = after.project.run(*APPLY, "--stack", stack)
        (after.project.dir / f"{stack}.ndjson").write_text(done.out, "utf-8")
    after.push(MERGED, "comment", "--result", "live.ndjson", "--result", "test.ndjson")
    body = github.comments[0]["body"]
    assert len(github.comments) == 1 and body.count("## reconciler:") == 2
    assert "`live`" in body and "`test`" in body


def test_lines_that_are_no_events_are_passed_over() -> None:
    """A log among them, broken lines, other shapes: what is known is told, and nothing breaks."""
    lines = ["reading stripe", "{", "[]", "null", '{"type": 5}', '{"type": "planned_change"}',
             '{"type": "planned_change", "change": {"address": "nonsense"}}', '{"type": "diagnostic", "address": 7}',
             '{"type": "version", "project": "shop", "stack": "live"}',
             '{"type": "planned_change", "change": {"address": "a.b/c", "op": "paint"}}',
             '{"type": "diagnostic", "address": "a.b/c", "result": "painted", "summary": null}',
             '{"type": "outputs", "outputs": []}', '{"type": "change_summary", "operation": "apply"}']
    ended = results.read("\n".join(lines), "x")
    assert ended.report is not None and [str(one.address) for one in ended.report.outcomes] == ["a.b/c"]
    assert "a.b/c" in results.comment([ended])
    assert results.read("\n".join(lines[:8]), "x") == results.Ended("x")


def test_what_was_merged_and_is_stale_is_shown_anew(after: Jobs, github: Github) -> None:
    """A fresh comment below the approved one, because that one is evidence; it says why it is there."""
    github.say(7, github.me, f"{markdown.opening()}\nthe plan")
    digest = after.plan()
    assert after.push(MERGED, "comment", "plan.json").code == 0
    assert [one["body"].count(digest) for one in github.comments] == [0, 1]
    assert "would do now was not approved" in github.comments[1]["body"]


def test_a_push_without_a_pull_request_has_nowhere_to_comment(after: Jobs, github: Github) -> None:
    """A warning, and the job's summary has it."""
    after.plan()
    done = after.push("9" * 40, "comment", "plan.json")
    assert (done.code, github.comments) == (0, [])
    assert "no pull request was merged as" in done.err and "sha256:" in after.notes


def test_a_dispatch_names_the_pull_request(jobs: Jobs, github: Github) -> None:
    """A maintainer plans a fork's manifests by hand: `--pull N` says where the comment and the check go."""
    github.open(8, "8" * 40, fork=True)
    jobs.plan()
    assert jobs.push(MERGED, "comment", "plan.json", "--pull", "8", name="workflow_dispatch").code == 0
    assert github.comments[0]["issue"] == 8
    assert jobs.push(MERGED, "check", "plan.json", "--pull", "8", name="workflow_dispatch").code == 0
    assert github.check["head_sha"] == "8" * 40
    assert jobs.push(MERGED, "comment", "plan.json", "--pull", "99", name="workflow_dispatch").code == 1


def test_a_result_and_a_plan_are_two_comments(jobs: Jobs) -> None:
    """Both at once is a mistake of the command line."""
    jobs.plan()
    applied(jobs)
    assert jobs.pull(7, "comment", "plan.json", "--result", "apply.ndjson").code == 64


# drift

REPORT = {"format_version": "1.0", "project": "shop", "stack": "live", "unreadable": [], "drifted": [
    {"address": "stripe.product/pro", "what": "changed", "at": {"file": "manifests/shop.yaml", "line": 2, "column": 3},
     "changes": [{"path": "name", "was": "Pro", "now": "@alice ```", "said": True, "secret": False},
                 {"path": "active", "was": None, "now": False, "said": False, "secret": False}]}]}
NOTHING = {**REPORT, "drifted": []}


def night(jobs: Jobs, report: object, *words: str) -> str:
    (jobs.project.dir / "drift.json").write_text(json.dumps(report), "utf-8")
    done = jobs.push(MERGED, "issue", "drift.json", *words, name="schedule")
    assert done.code == 0, done
    return done.err


def test_drift_is_one_issue(jobs: Jobs, github: Github) -> None:
    """Opened, left while nothing changes, written anew, closed when it is gone, and opened again."""
    assert night(jobs, NOTHING) == "No drift.\n"
    night(jobs, REPORT)
    assert [(one["title"], one["state"]) for one in github.issues] == [("Drift in shop/live", "open")]
    body = github.issues[0]["body"]
    assert "stripe.product/pro   manifests/shop.yaml:2" in body
    assert 'name   "Pro" -> "@alice ```"' in body and "````text" in body and "(not known) -> false" in body
    before = len(github.written)
    assert "already" in night(jobs, REPORT) and len(github.written) == before
    assert "updated" in night(jobs, {**REPORT, "unreadable": [{"address": "stripe.price/x", "reason": "403"}]})
    assert "closed" in night(jobs, NOTHING)
    assert [one["state"] for one in github.issues] == ["closed"]
    night(jobs, REPORT)
    assert len(github.issues) == 2


def test_an_issue_of_somebody_else_is_left(jobs: Jobs, github: Github) -> None:
    """The label alone makes no issue ours."""
    github.issues.append({"number": 1, "state": "open", "user": {"login": "alice"}, "title": "t", "labels": [{"name": "drift"}],
                          "body": "<!-- reconciler drift -->\nmine"})
    night(jobs, REPORT)
    assert [one["user"]["login"] for one in github.issues] == ["alice", github.me]


def test_a_redacted_issue_has_no_value(jobs: Jobs, github: Github) -> None:
    """Addresses and what happened to them."""
    night(jobs, REPORT, "--redact")
    assert "stripe.product/pro" in github.issues[0]["body"] and 'Pro"' not in github.issues[0]["body"]


def test_much_drift_is_cut(jobs: Jobs, github: Github) -> None:
    """The issue fits, and says how much does not."""
    entry = {**REPORT["drifted"][0], "changes": [{"path": "x", "was": "y" * 5000, "now": "z" * 5000, "said": True}]}
    night(jobs, {**REPORT, "drifted": [entry] * 2000})
    assert len(github.issues[0]["body"]) < 61_000 and "left out for want of room" in github.issues[0]["body"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format_version": "2.0"}', '{"format_version": "1.0", "drifted": 5}'])
def test_what_is_no_report_is_refused(jobs: Jobs, github: Github, text: str) -> None:
    """Exit 5, and no issue."""
    (jobs.project.dir / "drift.json").write_text(text, "utf-8")
    assert jobs.push(HEAD, "issue", "drift.json").code == 5
    assert github.requests == []
