"""What is shipped for CI: the action, workflows, a GitLab template and hooks pass their platforms' own checkers and our CLI."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from reconciler.cli.program import program
from tests.ci.fake_github import REPOSITORY, Github
from tests.ci.schemas import misfits
from tests.ci.served import Served
from tests.cli.project import PRO, SANDBOX, Project

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / "examples" / "ci" / "github").glob("*.yml"))
GITLAB = ROOT / "examples" / "ci" / "gitlab" / ".gitlab-ci.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"
SCRIPTS = sorted((ROOT / "action").glob("*.sh"))
BIN = Path(sys.executable).parent


def told(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=ROOT, text=True, capture_output=True, check=False)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def every(found: Any, key: str) -> Iterator[Any]:
    """Every value under that key, at any depth."""
    for name, value in found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ():
        if name == key:
            yield value
        yield from every(value, key)


@pytest.mark.skipif(not (BIN / "zizmor").exists(), reason="zizmor is not installed")
def test_zizmor_finds_nothing() -> None:
    """The security linter of GitHub workflows, offline, its pedantic rules included."""
    done = told(str(BIN / "zizmor"), "--offline", "--no-config", "--persona", "pedantic", "--no-progress",
                str(ACTION), *map(str, WORKFLOWS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("schema", "files"), [("github-actions", [ACTION]), ("github-workflows", WORKFLOWS),
                                               ("gitlab-ci", [GITLAB])])
def test_they_are_what_their_platform_reads(schema: str, files: list[Path]) -> None:
    """By the JSON Schemas that the checker brings along."""
    assert [misfit for path in files for misfit in misfits(schema, path)] == []


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=lambda path: path.name)
def test_other_actions_are_pinned_and_nothing_is_put_into_a_script(path: Path) -> None:
    """A whole commit for each action; `${{ }}` stands in env and with, never in a line that a shell reads."""
    found = read(path)
    for uses in every(found, "uses"):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", uses), uses
    steps = found["runs"]["steps"] if path == ACTION else [step for job in found["jobs"].values() for step in job["steps"]]
    assert not any("${{" in step.get("run", "") for step in steps)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_either_a_vendors_key_or_a_token_that_writes_on_pull_requests(path: Path) -> None:
    """No permission by default; what comments holds no secret, and what plans a pull request can't write anything."""
    found = read(path)
    assert found["permissions"] == {}
    for name, job in found["jobs"].items():
        secret = "secrets." in str(job)
        tells = {"pull-requests", "checks", "issues"} & {key for key, value in job["permissions"].items() if value == "write"}
        assert not (secret and tells), name
        assert not secret or "environment" in job, name
        assert "timeout-minutes" in job, name


# every command is one


def commands(text: str) -> Iterator[list[str]]:
    """The command lines of reconciler in a script, each expansion as one word."""
    text = re.sub(r'"\$\((?:[^()]|\([^()]*\))*\)"|"\$\w+"|\$\w+', "x", text)
    for hit in re.finditer(r"(?:^|; |then )(reconciler [^;|>\n]*)", text, re.MULTILINE):
        yield shlex.split(re.sub(r" \d$", "", hit[1]))[1:]


def parses(words: list[str]) -> None:
    """Click reads it; what it would do is not done."""
    command: click.Command = program
    context = click.Context(program, info_name="reconciler")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    command.make_context(command.name, list(words), resilient_parsing=False)


def test_every_command_of_the_template_and_of_the_hooks_is_one() -> None:
    """Commands and flags exist, with values that they take."""
    lines = ["\n".join(script) for script in every(read(GITLAB), "script")] + [hook["entry"] for hook in read(HOOKS)]
    found = [words for text in lines for words in commands(text)]
    assert {"plan", "apply", "drift", "ci", "validate", "fmt"} == {words[0] for words in found}
    for words in found:
        parses(words)


def named(text: str, what: str) -> set[tuple[str, str]]:
    """What an expression takes of jobs or steps: (name, output)."""
    return {(name, out) for name, out in re.findall(rf"\b{what}\.([\w-]+)\.(?:outputs\.)?([\w-]+)", text)}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_expression_names_something(path: Path) -> None:
    """Jobs that it waits for, steps of its own, outputs that exist: what is misspelt would be an empty text."""
    jobs, given = read(path)["jobs"], {*read(ACTION)["outputs"]}
    for name, job in jobs.items():
        needs = job.get("needs", [])
        needs = [needs] if isinstance(needs, str) else needs
        for other, out in named(str(job), "needs"):
            assert other in needs and (out == "result" or out in jobs[other]["outputs"]), (name, other, out)
        steps = {step["id"]: step for step in job["steps"] if "id" in step}
        for step, out in named(str(job), "steps"):
            ours = given if "uses" in steps[step] else set(re.findall(r"echo \"([\w-]+)=", steps[step]["run"]))
            assert out in ours, (name, step, out)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_input_is_one(path: Path) -> None:
    """What a workflow hands to the action is declared there, and each mode is one that a script knows."""
    inputs = read(ACTION)["inputs"]
    modes = set(re.findall(r"^  ([a-z]+)\)$", "".join(script.read_text("utf-8") for script in SCRIPTS), re.MULTILINE))
    for job in read(path)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("reconciler/"):
                assert set(step["with"]) <= set(inputs), step
                assert step["with"]["mode"] in modes or "${{" in step["with"]["mode"]


def test_each_mode_goes_to_the_script_that_knows_it() -> None:
    """What action.yml takes for a mode that asks vendors is what run.sh does, so no other mode sees a key for nothing."""
    vendor, host = (step for step in read(ACTION)["runs"]["steps"] if "if" in step)
    known = set(re.findall(r"^  ([a-z]+)\)$", (ROOT / "action" / "run.sh").read_text("utf-8"), re.MULTILINE))
    assert set(json.loads(re.search(r"\[.*\]", vendor["if"])[0])) == known  # type: ignore[index]
    assert host["if"] == "!" + vendor["if"]
    assert ("GITHUB_TOKEN" in vendor["env"], "GITHUB_TOKEN" in host["env"]) == (False, True)


def test_the_scripts_are_bash() -> None:
    """Each is read to its end without a mistake, and stops at its first one."""
    for script in SCRIPTS:
        assert told("bash", "-n", str(script)).returncode == 0
        assert "set -euo pipefail" in script.read_text("utf-8") or "common.sh" in script.read_text("utf-8")


# the scripts, run


class Runner:
    """The action's scripts as a runner starts them, over this code."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder / "work")
        self.project.write({"reconciler.yaml": SANDBOX}).manifest(PRO)
        self.temp, self.files = folder / "temp", folder / "temp" / "reconciler-files"
        python = self.temp / "reconciler" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        python.chmod(0o755)

    def __call__(self, script: str, **environ: str) -> tuple[int, dict[str, str], str]:
        """Exit code, outputs, and what was printed."""
        outputs = self.temp / "outputs"
        outputs.write_text("")
        done = subprocess.run(["bash", str(ROOT / "action" / script)], cwd=self.project.dir, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={
                                  "PATH": os.environ["PATH"], "HOME": str(self.temp), "RUNNER_TEMP": str(self.temp),
                                  "GITHUB_OUTPUT": str(outputs), "SANDBOX": "true", **environ})
        return done.returncode, dict(line.split("=", 1) for line in outputs.read_text().splitlines()), done.stdout


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_plan_and_apply(runner: Runner) -> None:
    """A plan is no failure, its outputs say what it holds; its file applies it; a stale digest is 5, with its log."""
    code, out, said = runner("run.sh", MODE="plan")
    assert (code, out["exit-code"], out["changes"]) == (0, "2", "true"), said
    assert Path(out["plan"]).name == "default.plan.json" and out["digest"].startswith("sha256:")
    assert [path.name for path in runner.files.iterdir()] == ["default.plan.json"]
    code, out, said = runner("run.sh", MODE="apply", PLAN=out["plan"])
    assert (code, out["exit-code"]) == (0, "0"), said
    assert '"done": 2' in (runner.files / "default.ndjson").read_text()
    code, out, said = runner("run.sh", MODE="apply", DIGEST="sha256:" + "0" * 64)
    assert (code, out["exit-code"]) == (5, "5")
    assert "not the approved" in said and "not the approved" in (runner.files / "default.log").read_text()


def test_a_plan_that_fails_leaves_its_log(runner: Runner) -> None:
    """Findings are the step's failure, and the log is there for the comment."""
    runner.project.manifest("stripe.product: {pro: {nmae: x}}\n")
    code, out, _ = runner("run.sh", MODE="plan", NAME="a b/../c")
    assert (code, out["exit-code"]) == (3, "3") and "plan" not in out
    assert "nmae" in (runner.files / "a-b-..-c.log").read_text()
    assert runner("run.sh", MODE="validate")[0] == 3


def test_the_other_modes(runner: Runner) -> None:
    """Drift is no failure; a destroy wants the stack's name, an unlock a run, a mode has to be one."""
    runner.project.ok("apply", "--sandbox", "--auto-approve", "--allow", "money")
    code, out, said = runner("run.sh", MODE="drift")
    assert (code, out["exit-code"], (runner.files / "default.drift.json").exists()) == (0, "0", True), said
    assert runner("run.sh", MODE="apply")[0] == 64
    assert runner("run.sh", MODE="unlock", RUN="r1")[0] == 64
    assert runner("run.sh", MODE="import", ADDRESSES="stripe.product/pro=pro\n")[0] == 0
    assert runner("run.sh", MODE="destroy")[0] == 64
    consents = "irreversible:stripe.price/monthly\nmoney  delete"
    code, _, said = runner("run.sh", MODE="destroy", CONFIRM="default", ALLOW=consents)
    assert code == 0, said
    assert runner("tell.sh", MODE="paint")[0] == 64


def test_the_modes_without_keys(runner: Runner) -> None:
    """From the files of the folder: the comment and the check of its plans and logs, the result, the issue."""
    github = Github()
    github.open(7, "a" * 40)
    runner.files.mkdir()
    plan = str(runner.files / "default.plan.json")
    runner.project.run("plan", "--sandbox", "--out", plan)
    (runner.files / "eu.log").write_text("error: no such stack\n")
    event = runner.temp / "event.json"
    event.write_text(json.dumps(github.event(7)))
    with Served(github) as url:
        job = {"GITHUB_API_URL": url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": "t0ken", "GITHUB_SHA": "f" * 40,
               "GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
        assert runner("tell.sh", MODE="comment", **job)[0] == 0
        assert "sha256:" in github.comments[0]["body"] and "no such stack" in github.comments[0]["body"]
        code, out, said = runner("tell.sh", MODE="check", REQUIRE_APPROVAL="true", **job)
        assert (code, out["exit-code"], github.check["conclusion"]) == (0, "4", "failure"), said
        (runner.files / "eu.log").unlink()
        job["GITHUB_EVENT_NAME"] = "push"
        code, out, _ = runner("tell.sh", MODE="digest", ON_STALE="continue", **job)
        assert (code, out["exit-code"], out["digest"]) == (0, "5", "")
        made = runner.project.run("ci", "check", plan, environ={**job, "GITHUB_EVENT_NAME": "pull_request"})
        assert made.code == 0
        github.merge(7, "f" * 40)
        digest = runner("tell.sh", MODE="digest", STACK="default", **job)[1]["digest"]
        assert digest in github.comments[0]["body"]
        done = runner.project.run("apply", "--sandbox", "--digest", digest, "--format", "json")
        (runner.files / "default.ndjson").write_text(done.out)
        Path(plan).unlink()
        assert runner("tell.sh", MODE="comment", REDACT="true", **job)[0] == 0
        assert "Applied: 2 done" in github.comments[1]["body"]
        assert runner("tell.sh", MODE="issue", **job)[0] == 1
        runner.project.ok("drift", "--sandbox", "--json-into", str(runner.files / "default.drift.json"))
        assert runner("tell.sh", MODE="issue", **job)[0] == 0


def test_nothing_of_the_checkout_is_run(runner: Runner) -> None:
    """A pull request that brings a module called like one of ours, or a path for Python, has none of it imported."""
    for name in ("reconciler", "yaml", "click"):
        runner.project.write({f"{name}/__init__.py": "raise SystemExit(99)", f"{name}/__main__.py": "raise SystemExit(99)"})
    assert runner("run.sh", MODE="validate", PYTHONPATH=str(runner.project.dir))[0] == 0


# what the action installs


def test_what_the_action_installs_is_all_and_locked() -> None:
    """Every runtime package, extras included, with the versions and hashes of requirements-dev.txt, and no other."""
    made = runpy.run_path(str(ROOT / "action" / "lock.py"))["text"]()
    assert (ROOT / "action" / "requirements.txt").read_text("utf-8") == made, "run `python action/lock.py`"
    assert made.count("==") > 20 and "--hash=sha256:" in made and "pytest" not in made
