"""`ci check` and `ci digest`: the verdict on the head commit, what it keeps, and what is relied on after the merge."""

from __future__ import annotations

import hashlib
import json

import pytest

from reconciler.clock import TestClock
from tests.ci.conftest import HEAD, Jobs
from tests.ci.fake_github import Github
from tests.ci.served import Answer
from tests.cli.project import PRO

MERGED = "f" * 40


@pytest.fixture
def clock(github: Github, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of the server and of the job, which tests turn."""
    at = [1_700_000_000.0]
    github.now = lambda: at[0]

    class Clock(TestClock):
        def now(self) -> float:
            return at[0]

    monkeypatch.setattr("reconciler.cli.reviewing.SystemClock", Clock)
    return at


def blocked(jobs: Jobs, out: str = "plan.json") -> None:
    """A plan in which something protected would go."""
    jobs.project.manifest(PRO.replace("{interval: month}}", "{interval: month}, lifecycle: {protect: true}}"))
    jobs.project.ok("apply", "--sandbox", "--auto-approve", "--allow", "money")
    jobs.project.manifest("stripe.product:\n  pro: {id: pro, name: Pro}\n")
    assert jobs.project.run("plan", "--sandbox", "--out", out).code == 4


def test_it_succeeds_and_keeps_the_digest(jobs: Jobs, github: Github) -> None:
    """On the head commit, not on the trial merge that is checked out; its text is the memory, sealed by its external id."""
    digest = jobs.plan()
    done = jobs.pull(7, "check", "plan.json")
    assert (done.code, done.out) == (0, "success: To decide: 2 changes, of them money 1.\n")
    run = github.check
    assert (run["head_sha"], run["name"], run["conclusion"]) == (HEAD, "reconciler", "success")
    assert digest in run["output"]["summary"] and digest in run["output"]["text"]
    assert len(run["external_id"]) == 64


def test_a_second_run_with_the_same_plan_writes_nothing(jobs: Jobs, github: Github) -> None:
    """The check says so already; with another plan it is written anew."""
    jobs.plan()
    jobs.pull(7, "check", "plan.json")
    assert "already" in jobs.pull(7, "check", "plan.json").err
    assert len(github.runs) == 1
    jobs.project.manifest(PRO.replace("2900", "3500"))
    digest = jobs.plan()
    jobs.pull(7, "check", "plan.json")
    assert len(github.runs) == 2 and digest in github.check["output"]["text"]


def test_blocked_fails_with_the_place(jobs: Jobs, github: Github) -> None:
    """Exit 4, a failing check, and the number of blocked actions in its title; its digest is of no use at the merge."""
    blocked(jobs)
    done = jobs.pull(7, "check", "plan.json")
    assert (done.code, github.check["conclusion"]) == (4, "failure")
    assert done.out.startswith("failure: Blocked: 1 of")
    github.review(7, "alice")
    assert jobs.pull(7, "check", name="pull_request_review").code == 4
    assert len(github.runs) == 1


def test_a_plan_that_could_not_be_made_fails_it(jobs: Jobs, github: Github) -> None:
    """One stack's plan does not make up for another's that is missing."""
    jobs.plan()
    (jobs.project.dir / "live.log").write_text("error: no\n", "utf-8")
    done = jobs.pull(7, "check", "plan.json", "--failed", "live.log")
    assert (done.code, done.out) == (4, "failure: 1 plan could not be made\n")
    assert "`live`" in github.check["output"]["summary"]
    github.review(7, "alice")
    done = jobs.pull(7, "check", "--require-approval", name="pull_request_review")
    assert (done.code, github.check["conclusion"]) == (4, "failure"), "an approval does not make up for it either"


def test_annotations_come_in_batches(jobs: Jobs, github: Github) -> None:
    """120 weighty actions are three requests, each at its line; until the last the check is in progress."""
    prices = "".join(f"  p{n}: {{product: {{ref: pro}}, unit_amount: {n + 1}, recurring: {{interval: month}}}}\n"
                     for n in range(119))
    jobs.project.manifest(PRO + prices)
    jobs.plan()
    states = []
    github.faults.append(lambda asked: states.append((asked.method, asked.body.get("status"))) if "check-runs" in asked.path
                         and asked.method != "GET" else None)
    assert jobs.pull(7, "check", "plan.json").code == 0
    assert states == [("POST", "in_progress"), ("PATCH", None), ("PATCH", "completed")]
    marks = github.check["annotations"]
    assert len(marks) == 120
    assert {(one["path"], one["annotation_level"]) for one in marks} == {("manifests/shop.yaml", "warning")}
    assert len({one["start_line"] for one in marks}) == 120
    assert {"title": "stripe.price/monthly", "message": "create in shop/default (money)", "start_line": 5}.items() <= \
        next(one for one in marks if one["title"] == "stripe.price/monthly").items()


def test_without_a_manifest_or_in_a_draft_it_is_neutral(jobs: Jobs, github: Github) -> None:
    """A required check does not hold up what it has nothing to say of; a draft's plan is kept for nobody."""
    assert jobs.pull(7, "check").out == "neutral: No manifest changed\n"
    github.open(8, "8" * 40, draft=True)
    jobs.plan()
    assert jobs.pull(8, "check", "plan.json").out.startswith("neutral: Draft")
    assert '"plans":[]' in github.check["output"]["text"]


def test_a_fork_is_validated_only(jobs: Jobs, github: Github) -> None:
    """Neutral where the token may write, a warning where it may not; a blocked plan of it still fails the job."""
    github.open(8, "8" * 40, fork=True)
    assert jobs.pull(8, "check").out == "neutral: From a fork: validated, not planned\n"
    github.read_only = True
    github.push(8, "9" * 40)
    done = jobs.pull(8, "check")
    assert (done.code, "no check on a pull request from a fork" in done.err) == (0, True)
    blocked(jobs)
    assert jobs.pull(8, "check", "plan.json").code == 4


def test_a_merge_queue_is_judged_on_its_own_commit(jobs: Jobs, github: Github) -> None:
    """The queue waits for a check of the commit that it would merge; approval came before it."""
    jobs.plan()
    path = jobs.project.dir / "event.json"
    path.write_text(json.dumps({"merge_group": {"head_sha": "9" * 40, "head_ref": "refs/heads/gh-readonly-queue/main/pr-7"}}))
    done = jobs.project.run("ci", "check", "plan.json", "--require-approval", environ={
        **jobs.environ, "GITHUB_EVENT_NAME": "merge_group", "GITHUB_EVENT_PATH": str(path)})
    assert (done.code, github.check["head_sha"], github.check["conclusion"]) == (0, "9" * 40, "success")


def test_approval_is_the_platforms_own_review(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """It fails until somebody who may write approves this commit after its plan was there; a review's job judges again."""
    jobs.plan()
    github.review(7, "alice", commit="0" * 40)
    assert jobs.pull(7, "check", "plan.json", "--require-approval").out == \
        "failure: Not approved: only an earlier commit was approved\n"

    def again() -> str:
        return jobs.pull(7, "check", "--require-approval", name="pull_request_review").out

    for who in ("carol", "bob", "nobody"):  # may only read; its author; not of this repository
        github.review(7, who)
        assert again().startswith("failure"), who
    clock[0] += 60
    github.review(7, "alice")
    annotated = len(github.check["annotations"])
    assert again() == "success: Approved\n"
    assert (len(github.runs), len(github.check["annotations"])) == (1, annotated)
    github.review(7, "alice", "CHANGES_REQUESTED")
    assert again() == "failure: Not approved: alice asked for changes\n"


def test_an_approval_is_of_one_plan(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """The same commit planned otherwise, because a vendor changed, wants another one; the same plan again does not."""
    github.review(7, "alice", commit=HEAD)
    clock[0] += 60
    jobs.plan()
    jobs.pull(7, "check", "plan.json", "--require-approval")
    assert "approved before this plan" in github.check["output"]["title"]
    clock[0] += 60
    github.review(7, "alice", commit=HEAD)
    clock[0] += 60
    jobs.plan()
    assert jobs.pull(7, "check", "plan.json", "--require-approval").out == "success: Approved\n"
    jobs.project.manifest(PRO.replace("2900", "3500"))
    jobs.plan()
    assert jobs.pull(7, "check", "plan.json", "--require-approval").out == \
        "failure: Not approved: it was approved before this plan was there\n"


def merged(jobs: Jobs, github: Github, clock: list[float], *words: str) -> str:
    """Pull request 7 planned, checked and merged; its digest."""
    digest = jobs.plan()
    jobs.pull(7, "check", "plan.json", *words)
    clock[0] += 60
    github.merge(7, MERGED)
    return digest


def test_the_digest_of_what_was_merged(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """`ci digest` prints what the merged pull request's check keeps, and nothing else on stdout."""
    digest = merged(jobs, github, clock)
    done = jobs.push(MERGED, "digest")
    assert (done.code, done.out) == (0, digest + "\n")
    assert jobs.push(MERGED, "digest", "--stack", "default", "--project", "shop").out == digest + "\n"


def test_of_several_stacks_one_has_to_be_named(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """64 with their names where none is chosen; 5 where the pull request has no plan of that one."""
    jobs.project.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {live: {}, test: {}}\n"})
    live = jobs.plan("live.json", "--stack", "live")
    jobs.plan("test.json", "--stack", "test")
    jobs.pull(7, "check", "live.json", "test.json")
    clock[0] += 60
    github.merge(7, MERGED)
    assert jobs.push(MERGED, "digest", "--stack", "live").out == live + "\n"
    done = jobs.push(MERGED, "digest")
    assert (done.code, "shop/live, shop/test" in done.err) == (64, True)
    assert jobs.push(MERGED, "digest", "--stack", "other").code == 5


@pytest.mark.parametrize("case", ["direct push", "no check", "another app", "failed", "altered", "later", "empty"])
def test_without_an_approved_plan_it_is_5(jobs: Jobs, github: Github, clock: list[float], case: str) -> None:
    """Nothing to rely on: no pull request, no check of ours, one that failed, was altered, or came after the merge."""
    merged(jobs, github, clock)
    run = github.check
    if case == "direct push":
        github.pulls.clear()
    elif case == "no check":
        github.runs.clear()
    elif case == "another app":
        run["app"]["slug"] = "stranger"
    elif case == "failed":
        run["conclusion"] = "failure"
    elif case == "altered":
        run["output"]["text"] = run["output"]["text"].replace('"digest":"sha256:', '"digest":"sha256:0')
    elif case == "later":
        run["completed_at"] = "2999-01-01T00:00:00Z"
    else:
        github.runs.clear()
        github.pulls[7]["merged_at"] = None
        jobs.pull(7, "check")
        clock[0] += 60
        github.merge(7, MERGED)
    done = jobs.push(MERGED, "digest")
    assert (done.code, done.out) == (5, ""), done
    assert "plan again" in done.err


def test_approval_can_be_asked_for_at_the_merge(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """An administrator merged without a review: `ci digest --require-approval` is 5."""
    merged(jobs, github, clock)
    done = jobs.push(MERGED, "digest", "--require-approval")
    assert (done.code, "nobody has approved this commit" in done.err) == (5, True)


def test_after_the_merge_the_check_is_not_rewritten(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """A job that is run again can't slip another digest under an approval that was given."""
    merged(jobs, github, clock)
    jobs.project.manifest(PRO.replace("2900", "1"))
    jobs.plan()
    before = len(github.written)
    assert "merged already" in jobs.pull(7, "check", "plan.json").err
    assert len(github.written) == before


def test_a_check_is_only_what_has_our_form(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """Garbage in the place of what is kept is no plan, and no traceback."""
    merged(jobs, github, clock)
    for text in ("", "```json\n[]\n```", "```json\n{}\n```", '```json\n{"format_version":"1.0"}\n```', "x" * 1000):
        github.check["output"]["text"] = text
        assert jobs.push(MERGED, "digest").code == 5, text


def test_a_forged_check_puts_nothing_into_a_script(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """Whoever can write a check with our app can seal it, too: what is no digest or name is still nothing."""
    merged(jobs, github, clock)
    good = github.check["output"]["text"].removeprefix("```json\n").removesuffix("\n```")
    for was, evil in (('"digest":"sha256:', '"digest":"x\\nsha256:'), ('"stack":"default"', '"stack":"a\\nb"'),
                      ('"acts":true', '"acts":"yes"'), ('"project":"shop"', '"project":["shop"]')):
        text = good.replace(was, evil)
        assert text != good
        github.check["output"]["text"] = f"```json\n{text}\n```"
        github.check["external_id"] = hashlib.sha256(text.encode()).hexdigest()
        done = jobs.push(MERGED, "digest")
        assert (done.code, done.out) == (5, ""), evil


def test_an_answer_of_another_shape_is_told(jobs: Jobs, github: Github, clock: list[float]) -> None:
    """A proxy's page or a renamed field: exit 1 with a sentence, never a traceback."""
    merged(jobs, github, clock)
    for body in ([], {}, [{"merged_at": "x", "merge_commit_sha": MERGED}], [1], "no"):
        github.faults[:] = [lambda asked, body=body: Answer(200, body)]
        done = jobs.push(MERGED, "digest")
        assert done.code in (1, 5) and "defect" not in done.err, (body, done)
