"""`ci comment`: one comment on a pull request, found again and written anew; never doubled, never somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.output import markdown
from tests.ci.conftest import HEAD, TOKEN, Jobs
from tests.ci.fake_github import BOT, Github
from tests.ci.served import Answer, Asked
from tests.cli.project import PRO


def test_the_comment_is_created_then_updated_in_place(jobs: Jobs, github: Github) -> None:
    """The second run writes the same comment anew, and a third one with the same plan writes nothing."""
    digest = jobs.plan()
    done = jobs.pull(7, "comment", "plan.json")
    assert done.code == 0, done
    assert [one["user"]["login"] for one in github.comments] == [BOT]
    assert digest in github.comments[0]["body"]
    assert HEAD[:12] in github.comments[0]["body"]
    jobs.project.manifest(PRO.replace("2900", "3500"))
    jobs.plan()
    assert "updated" in jobs.pull(7, "comment", "plan.json").err
    assert len(github.comments) == 1 and "3500" in github.comments[0]["body"]
    before = len(github.written)
    assert "already" in jobs.pull(7, "comment", "plan.json").err
    assert len(github.written) == before


def test_all_stacks_stand_in_one_comment(jobs: Jobs, github: Github) -> None:
    """A section each; the same stack twice is a mistake."""
    jobs.project.write({"reconciler.yaml": "project: shop\nvendors: {stripe: {}}\nstacks: {live: {}, test: {}}\n"})
    jobs.plan("live.json", "--stack", "live")
    jobs.plan("test.json", "--stack", "test")
    assert jobs.pull(7, "comment", "live.json", "test.json").code == 0
    assert len(github.comments) == 1
    assert "`live`" in github.comments[0]["body"] and "`test`" in github.comments[0]["body"]
    done = jobs.pull(7, "comment", "live.json", "live.json")
    assert (done.code, "two plans of shop/live" in done.err) == (64, True)


def test_only_our_own_comment_is_written_anew(jobs: Jobs, github: Github) -> None:
    """A person's comment that begins with our hidden line is left alone, and so are quotations of ours."""
    theirs = github.say(7, "alice", f"{markdown.opening()}\nmine")
    github.say(7, BOT, f"> {markdown.opening()}\n> quoted")
    jobs.plan()
    assert jobs.pull(7, "comment", "plan.json").code == 0
    assert (theirs["body"], len(github.comments)) == (f"{markdown.opening()}\nmine", 3)


def test_two_jobs_that_race_end_with_one_comment(jobs: Jobs, github: Github) -> None:
    """Both look, both create: the older one stays and takes in what the later job has to say."""
    jobs.plan()
    raced = []

    def race(asked: Asked) -> Answer | None:
        if str(asked) == "POST /repos/acme/shop/issues/7/comments" and not raced:
            raced.append(github.say(7, BOT, f"{markdown.opening()}\nof the other job"))
        return None

    github.faults.append(race)
    assert jobs.pull(7, "comment", "plan.json").code == 0
    assert [one["id"] for one in github.comments] == [raced[0]["id"]]
    assert "sha256:" in github.comments[0]["body"]


def test_a_lost_answer_does_not_double_it(jobs: Jobs, github: Github) -> None:
    """A create whose answer never came is looked for before anything else is sent."""
    jobs.plan()

    def lost(asked: Asked) -> Answer | None:
        if asked.method == "POST" and asked.path.endswith("/comments"):
            github.faults.clear()
            github._comment(asked, "7")
            return Answer(502, {"message": "Bad Gateway"})
        return None

    github.faults.append(lost)
    done = jobs.pull(7, "comment", "plan.json")
    assert (done.code, len(github.comments)) == (0, 1), done


def test_it_is_found_on_the_last_of_many_pages(jobs: Jobs, github: Github) -> None:
    """A long discussion before it does not make a second one."""
    github.page = 10
    for n in range(25):
        github.say(7, "alice", f"remark {n}")
    jobs.plan()
    jobs.pull(7, "comment", "plan.json")
    assert "already" in jobs.pull(7, "comment", "plan.json").err
    assert len(github.comments) == 26


def test_a_plan_that_is_too_long_is_cut_to_fit(jobs: Jobs, github: Github) -> None:
    """400 changes and a long log: GitHub takes it, and what had to go is said."""
    prices = "".join(f"  p{n}: {{product: {{ref: pro}}, unit_amount: {n + 1}, recurring: {{interval: month}},"
                     f" metadata: {{note: {'x' * 300}}}}}\n" for n in range(400))
    jobs.project.manifest(PRO + prices)
    jobs.plan()
    (jobs.project.dir / "eu.log").write_text("error: no\n" * 100_000, "utf-8")
    for n in range(9):
        (jobs.project.dir / f"us{n}.log").write_text("\U000e0100" * 100_000, "utf-8")
    logs = [word for name in ("eu", *(f"us{n}" for n in range(9))) for word in ("--failed", f"{name}.log")]
    done = jobs.pull(7, "comment", "plan.json", *logs)
    assert done.code == 0, done
    body = github.comments[0]["body"]
    assert len(body) <= 60_000
    assert "shown" in body and "`eu` failed" in body and "`us8` failed" in body


def test_a_fork_without_permission_gets_a_warning(jobs: Jobs, github: Github) -> None:
    """A fork's token writes nothing: the comment stands in the job's summary, and the job does not fail."""
    github.open(8, "d" * 40, fork=True)
    github.read_only = True
    jobs.plan()
    done = jobs.pull(8, "comment", "plan.json")
    assert (done.code, github.comments) == (0, [])
    assert "warning: there is no comment on a pull request from a fork" in done.err
    assert "sha256:" in jobs.notes


def test_a_missing_permission_is_named(jobs: Jobs, github: Github) -> None:
    """Where it is no fork, 403 is an error that says which permission the job lacks."""
    github.read_only = True
    jobs.plan()
    done = jobs.pull(7, "comment", "plan.json")
    assert done.code == 1
    assert "issues=write; pull_requests=write" in done.err and "permissions:" in done.err


def test_a_rate_limit_that_lasts_is_told(jobs: Jobs, github: Github) -> None:
    """A wait over five minutes ends the command: 6, with how long."""
    github.faults.append(lambda asked: Answer(403, {"message": "You have exceeded a secondary rate limit"},
                                              {"retry-after": "3600"}))
    jobs.plan()
    done = jobs.pull(7, "comment", "plan.json")
    assert (done.code, "github asks to come again in 3600 s" in done.err) == (6, True), done


def test_a_pull_request_without_manifests_gets_none(jobs: Jobs, github: Github) -> None:
    """Nothing is said, unless an earlier commit was planned: then the old plan goes."""
    done = jobs.pull(7, "comment")
    assert (done.code, github.written) == (0, [])
    assert "No manifest changed" in done.err
    jobs.plan()
    jobs.pull(7, "comment", "plan.json")
    jobs.pull(7, "comment")
    assert len(github.comments) == 1
    assert "no manifest changed" in github.comments[0]["body"] and "sha256" not in github.comments[0]["body"]


def test_a_job_that_is_overtaken_says_nothing(jobs: Jobs, github: Github) -> None:
    """The plan of an older commit does not replace the newer one's; after the merge an old job writes nothing."""
    jobs.plan()
    stale = github.event(7)
    (jobs.project.dir / "event.json").write_text(json.dumps(stale), "utf-8")
    github.push(7, "e" * 40)
    done = jobs.project.run("ci", "comment", "plan.json", environ={
        **jobs.environ, "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(jobs.project.dir / "event.json")})
    assert (done.code, github.written) == (0, [])
    assert "newer commit" in done.err
    github.merge(7, "f" * 40)
    assert "merged already" in jobs.pull(7, "comment", "plan.json").err
    assert github.written == []


def test_a_draft_is_commented_too(jobs: Jobs, github: Github) -> None:
    """Its author wants to see what it would do."""
    github.open(9, "9" * 40, draft=True)
    jobs.plan()
    assert jobs.pull(9, "comment", "plan.json").code == 0
    assert len(github.comments) == 1


def test_a_merge_queue_has_no_comment(jobs: Jobs, github: Github, tmp_path: Path) -> None:
    """Its commit belongs to several pull requests, or to none."""
    jobs.plan()
    (tmp_path / "event.json").write_text(json.dumps({"merge_group": {"head_sha": "9" * 40}}), "utf-8")
    done = jobs.project.run("ci", "comment", "plan.json", environ={
        **jobs.environ, "GITHUB_EVENT_NAME": "merge_group", "GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
    assert (done.code, github.requests) == (0, [])


def test_an_altered_plan_is_refused(jobs: Jobs, github: Github) -> None:
    """What is shown is what was planned, or nothing: exit 5 before anything is asked."""
    jobs.plan()
    path = jobs.project.dir / "plan.json"
    path.write_text(path.read_text("utf-8").replace("2900", "29"), "utf-8")
    assert jobs.pull(7, "comment", "plan.json").code == 5
    assert github.requests == []


def test_a_redacted_comment_has_no_value(jobs: Jobs, github: Github) -> None:
    """Addresses and operations only, and of a log nothing."""
    jobs.project.manifest(PRO.replace("name: Pro", "name: Hush"))
    jobs.plan()
    (jobs.project.dir / "eu.log").write_text("error: Hush, said the vendor\n", "utf-8")
    jobs.pull(7, "comment", "plan.json", "--redact", "--failed", "eu.log")
    body = github.comments[0]["body"]
    assert "stripe.price" in body
    assert "Hush" not in body and "2900" not in body


def test_what_a_log_says_makes_nothing_active(jobs: Jobs, github: Github) -> None:
    """Colours go, fences don't end early, and no mention begins."""
    log = "::error file=x::y\n\x1b[31merror:\x1b[0m ```\n@alice <img src=x> [l](http://e.example)\n"
    (jobs.project.dir / "eu.log").write_text(log, "utf-8")
    jobs.pull(7, "comment", "--failed", "eu.log")
    body = github.comments[0]["body"]
    assert "\x1b" not in body and "::error" not in body
    assert "````text\nerror: ```\n@alice" in body


def test_the_token_is_never_printed(jobs: Jobs, github: Github) -> None:
    """A host that quotes it in an error has it struck out."""
    jobs.plan()
    github.faults.append(lambda asked: Answer(422, {"message": f"bad token {TOKEN}"}))
    done = jobs.pull(7, "comment", "plan.json")
    assert done.code == 1
    assert TOKEN not in done.said and "(secret)" in done.err


def test_only_named_variables_are_read(jobs: Jobs, github: Github) -> None:
    """The job's other secrets are none of this command's business: an environment that forbids them is enough."""
    from reconciler.forge.job import Means, job

    class Watched(dict[str, str]):
        read: set[str] = set()

        def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
            self.read.add(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> str:
            self.read.add(key)
            return super().__getitem__(key)

    environ = Watched({**jobs.environ, "STRIPE_API_KEY": "sk_live_x", "GITHUB_RUN_ID": "1"})
    job(environ, "github-actions", Means())
    assert Watched.read and all(name.startswith("GITHUB_") for name in Watched.read)


def test_outside_of_ci_it_says_what_is_missing(jobs: Jobs) -> None:
    """No variable of a job: 64; a job without token: 3, and how it gets one."""
    jobs.plan()
    assert jobs.project.run("ci", "comment", "plan.json").code == 64
    del jobs.environ["GITHUB_TOKEN"]
    done = jobs.pull(7, "comment", "plan.json")
    assert (done.code, "GITHUB_TOKEN is not set" in done.err, "github.token" in done.err) == (3, True, True)
