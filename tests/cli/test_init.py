"""`init`: a project of what is there; nothing is overwritten, and nothing is left half-written."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from reconciler import __version__, yaml
from reconciler.cli.console import Console
from reconciler.cli.workflows import ACTION
from reconciler.sandbox.serve import Server
from reconciler.vendors.posthog import VENDOR as POSTHOG
from reconciler.vendors.posthog.sandbox import PostHogSandbox
from reconciler.vendors.stripe.api import StripeApi
from tests.cli.project import KEY, ROOT, Account, Project

CONFIGURED = "# yaml-language-server: $schema=schemas/reconciler.json\nproject: shop\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A folder in which nothing is, and an environment in which nothing is set."""
    project = Project(tmp_path / "Shop")
    project.dir.mkdir()
    project.environ = {}
    return project


@pytest.fixture
def filled(fresh: Project, stripe: Account) -> Project:
    """The same beside a Stripe account that sells something."""
    url = stripe.url
    with patch.object(StripeApi, "default_url", url):
        maker = Project(fresh.dir.parent / "maker").write({
            "reconciler.yaml": f"project: maker\nvendors:\n  stripe: {{api_key: {{env: STRIPE_API_KEY}}, base_url: {url}}}\n"})
        maker.manifest("stripe.product:\n  pro: {id: pro, name: Pro}\nstripe.price:\n  _defaults: {currency: usd}\n"
                       "  monthly: {product: {ref: pro}, unit_amount: 2900, recurring: {interval: month}}\n")
        maker.apply()
        for one in (*stripe.products().values(), *stripe.prices().values()):
            one["metadata"] = {}
        fresh.environ = {"STRIPE_API_KEY": KEY}
        yield fresh


def files(project: Project) -> set[str]:
    return {str(path.relative_to(project.dir)) for path in project.dir.rglob("*")
            if path.is_file() and ".git/" not in str(path) and ".reconciler/" not in str(path)}


def config(project: Project) -> Any:
    return yaml.parse((project.dir / "reconciler.yaml").read_bytes(), "reconciler.yaml").value


def test_in_the_sandbox_it_needs_no_account(fresh: Project) -> None:
    """Files for every vendor that is named, and an empty plan."""
    done = fresh.ok("init", "--sandbox", "--yes", "--vendor", "stripe", "--vendor", "posthog")
    assert done.out.startswith("No changes.")
    assert files(fresh) == {".gitignore", "manifests/.gitkeep", "reconciler.yaml", "schemas/manifest.json", "schemas/plan.json",
                            "schemas/reconciler.json"}
    assert config(fresh)["vendors"] == {
        "stripe": {"api_key": {"env": "STRIPE_API_KEY"}},
        "posthog": {"personal_api_key": {"env": "POSTHOG_PERSONAL_API_KEY"}, "project": "@current"}}
    assert (fresh.dir / ".gitignore").read_text("utf-8") == ".reconciler/\n"
    assert fresh.ok("plan", "--sandbox").out.startswith("No changes.")


def test_what_exists_is_exported_and_what_the_key_leads_to_is_pinned(filled: Project, stripe: Account) -> None:
    """With --yes nothing is asked, nothing is written at the vendor, and the plan holds only equal adoptions."""
    before = len(stripe.written)
    done = filled.ok("init", "--yes")
    assert config(filled) == {
        "project": "shop", "requires": ">=0.1,<0.2", "ledger": {"store": "sqlite"},
        "vendors": {"stripe": {"api_key": {"env": "STRIPE_API_KEY"}, "mode": "test", "account": "acct_1Sandbox"}}}
    price = (filled.dir / "manifests/stripe/price.yaml").read_text("utf-8")
    assert price.startswith("# yaml-language-server: $schema=../../schemas/manifest.json\nstripe.price:\n  monthly:\n")
    assert "product: {ref: pro}" in price and KEY not in done.said
    assert filled.ops() == {"price/monthly": "adopt", "product/pro": "adopt"}
    assert len(stripe.written) == before and not (filled.dir / ".reconciler").exists()
    filled.ok("apply", "--auto-approve", "--allow", "adopt")
    assert filled.ok("plan").out.startswith("No changes.")


def test_a_project_is_found_by_its_key(fresh: Project) -> None:
    """PostHog tells the number of the key's own project; where the server is stays in the environment."""
    sandbox = PostHogSandbox(POSTHOG.kinds)
    filters = {"groups": [{"rollout_percentage": 10}]}
    sandbox.collection("feature_flags").made({"key": "beta", "name": "Beta", "filters": filters})
    with Server({"posthog": sandbox}) as server:
        fresh.environ = {"POSTHOG_PERSONAL_API_KEY": "phx_canary51H8", "POSTHOG_HOST": server.url("posthog")}
        fresh.ok("init", "--yes")
        assert config(fresh)["vendors"] == {"posthog": {
            "personal_api_key": {"env": "POSTHOG_PERSONAL_API_KEY"}, "project": "1", "host": {"env": "POSTHOG_HOST"}}}
        assert fresh.ops() == {"feature_flag/beta": "adopt"}


def test_at_a_prompt_it_ends_with_an_empty_plan(filled: Project) -> None:
    """Name, vendors, the variable, and a yes to what is adopted."""
    done = filled.run("init", typed="\nstrip\nstripe\n\nyes\n")
    assert done.code == 0, done.said
    assert "Name of the project [shop]: " in done.err and "Which of them [stripe]: " in done.err
    assert 'there is no vendor strip: did you mean "stripe"?' in done.err
    assert "Stripe: variable that holds the api_key [STRIPE_API_KEY]: " in done.err
    assert "\nNo changes." in done.out


def test_a_no_leaves_what_exists_as_it_is(filled: Project, stripe: Account) -> None:
    """The files are there, and the adoptions stay planned."""
    before = len(stripe.written)
    done = filled.run("init", typed="\nstripe\n\nno\n")
    assert "Nothing was done." in done.err and len(stripe.written) == before
    assert set(filled.ops().values()) == {"adopt"}


def test_in_a_git_repository_the_ledger_is_kept_there_and_ci_is_set_up(fresh: Project) -> None:
    """`store: git`, and workflows whose jobs get the project's own variables."""
    fresh.git("init", "-q")
    fresh.write({".gitignore": "dist/\n"})
    done = fresh.ok("init", "--sandbox", "--yes", "--vendor", "vault", "--vendor", "sentry")
    assert config(fresh)["ledger"] == {"store": "git"}
    assert (fresh.dir / ".gitignore").read_text("utf-8") == "dist/\n.reconciler/\n" and "added .reconciler/" in done.err
    made = sorted((fresh.dir / ".github" / "workflows").glob("*.yml"))
    assert made
    plan = next(path for path in made if "pull-request" in path.name).read_text("utf-8")
    assert "VAULT_TOKEN: ${{ secrets.VAULT_TOKEN }}" in plan and "SENTRY_ORG: ${{ vars.SENTRY_ORG }}" in plan
    assert "STRIPE_API_KEY" not in plan
    assert "CI needs the secrets VAULT_TOKEN, SENTRY_AUTH_TOKEN and the variable SENTRY_ORG\n" in done.err
    assert f"uses: {ACTION}\n" in plan and f"in the place of {ACTION}\n" in done.err
    assert "RECONCILER_KEY too, once a manifest holds a secret; environments and rules: docs/ci.md\n" in done.err


def test_a_release_pins_the_workflows_to_itself(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its build wrote beside the texts stands in every workflow, and nothing is left to be filled in."""
    action = f"acme/reconciler@{'c0ffee' * 6}c0ff  # v1.2.3"
    monkeypatch.setattr("reconciler.cli.workflows.released", lambda: action)
    fresh.git("init", "-q")
    done = fresh.ok("init", "--sandbox", "--yes", "--vendor", "stripe")
    texts = [path.read_text("utf-8") for path in (fresh.dir / ".github" / "workflows").glob("*.yml")]
    assert all(f"uses: {action}\n" in text and ACTION not in text for text in texts), texts
    assert "in the place of" not in done.err


def test_a_ledger_in_git_takes_what_exists(filled: Project) -> None:
    """From a fresh repository to an empty plan, with the account's objects recorded in a ref of it."""
    filled.git("init", "-q")
    filled.write({"note": "x"}).commit()
    done = filled.run("init", typed="\nstripe\n\nyes\n")
    assert done.code == 0 and "\nNo changes." in done.out, done.said
    assert filled.git("for-each-ref", "refs/reconciler/").split()[-1] == "refs/reconciler/shop/default"


def test_a_repository_at_gitlab_gets_a_pipeline(fresh: Project) -> None:
    """Where a remote says so; its variables are in the environment by themselves."""
    fresh.git("init", "-q")
    fresh.git("remote", "add", "origin", "https://gitlab.example.com/team/shop.git")
    fresh.ok("init", "--sandbox", "--yes", "--vendor", "stripe")
    shipped = (ROOT / "examples" / "ci" / "gitlab" / ".gitlab-ci.yml").read_text("utf-8")
    assert (fresh.dir / ".gitlab-ci.yml").read_text("utf-8") == shipped and not (fresh.dir / ".github").exists()
    assert f'RECONCILER_VERSION: "{__version__}"\n' in shipped


def test_below_a_repositorys_root_no_workflow_is_written(fresh: Project) -> None:
    """And it says why."""
    Project(fresh.dir.parent).git("init", "-q")
    done = fresh.ok("init", "--sandbox", "--yes", "--vendor", "stripe")
    assert "no CI workflow is written" in done.err and not (fresh.dir / ".github").exists()


def test_nothing_is_overwritten(fresh: Project) -> None:
    """A file that is there is said, and left; manifests that are there count."""
    fresh.write({"schemas/plan.json": "mine", ".gitignore": "/.reconciler\n",
                 "manifests/own.yaml": "stripe.product:\n  pro: {id: pro, name: Pro}\n"})
    done = fresh.ok("init", "--sandbox", "--yes", "--vendor", "stripe")
    assert (fresh.dir / "schemas/plan.json").read_text("utf-8") == "mine"
    assert (fresh.dir / ".gitignore").read_text("utf-8") == "/.reconciler\n"
    assert "left schemas/plan.json as it is" in done.err and "+ create" in done.out


def test_a_project_that_is_there_is_refused(box: Project) -> None:
    """With what to do instead."""
    done = box.run("init", "--sandbox", "--yes")
    assert done.code == 64 and "there is a reconciler.yaml in" in done.err and "export --vendor V --write" in done.err


@pytest.mark.parametrize(("words", "code", "said"), [
    ((), 64, "there is nobody to ask"), (("--yes",), 64, "no vendor's credential is set"),
    (("--yes", "--vendor", "strip"), 64, 'did you mean "stripe"?'), (("--yes", "--project", "A b"), 64, "is no project's name"),
    (("--yes", "--vendor", "stripe"), 3, "stripe: the environment variable STRIPE_API_KEY is not set"),
    (("--yes", "--vendor", "sentry"), 3, "sentry: the environment variable SENTRY_ORG is not set"),
])
def test_what_is_missing_is_said_and_nothing_is_written(fresh: Project, words: tuple[str, ...], code: int, said: str) -> None:
    """A clear error with a next step."""
    done = fresh.run("init", *words)
    assert done.code == code and said in done.err and files(fresh) == set()


@pytest.mark.parametrize("typed", ["", "\n", "\nstripe\n"])
def test_an_end_in_the_middle_of_the_questions_leaves_nothing(filled: Project, typed: str) -> None:
    """Exit 130, and the folder is as before."""
    done = filled.run("init", typed=typed)
    assert done.code == 130 and files(filled) == set()


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_an_interrupted_writing_is_taken_back(fresh: Project, nth: int) -> None:
    """Whichever file is being written: all of them are there at the end, or none."""
    write, count = Console.write, 0

    def interrupted(console: Console, path: Path, text: str, **more: Any) -> None:
        nonlocal count
        count += not path.is_absolute()
        if count == nth:
            raise KeyboardInterrupt
        write(console, path, text, **more)

    with patch.object(Console, "write", interrupted):
        done = fresh.run("init", "--sandbox", "--yes", "--vendor", "stripe")
    assert done.code == 130 and list(fresh.dir.iterdir()) == []


SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
"""A process of its own that opens the pseudo-terminal: forking this one, which may have threads, is asking for trouble."""


class Terminal:
    """A pseudo-terminal with a command in it; what it says is read, answers are typed."""

    def __init__(self, project: Project, *words: str) -> None:
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-c", SPAWN, sys.executable, "-m", "reconciler", *words], cwd=project.dir,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(project.dir), "PYTHONPATH": str(ROOT), "TERM": "xterm"})

    def until(self, text: str) -> None:
        assert self.process.stdout is not None
        while text not in self.seen:
            assert select.select([self.process.stdout], [], [], 60)[0], f"no {text!r} in {self.seen!r}"
            part = os.read(self.process.stdout.fileno(), 65536)
            assert part, f"it ended without {text!r}: {self.seen!r}"
            self.seen += part.decode()

    def type(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def answer(self, question: str, text: str) -> None:
        self.until(question)
        self.seen = ""
        self.type(f"{text}\n")

    def end(self) -> int:
        """The exit code; what is still said is read, while the typing end stays open."""
        assert self.process.stdout is not None and self.process.stdin is not None
        while part := os.read(self.process.stdout.fileno(), 65536):
            self.seen += part.decode()
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(timeout=60)


def test_from_nothing_to_a_green_plan_at_a_terminal(fresh: Project) -> None:
    """A person answers two questions in the sandbox, and the plan is empty."""
    terminal = Terminal(fresh, "init", "--sandbox")
    terminal.answer("Name of the project [shop]: ", "")
    terminal.answer("Which of them [", "stripe vault")
    assert terminal.end() == 0, terminal.seen
    assert "No changes." in terminal.seen
    assert config(fresh)["project"] == "shop" and fresh.ok("plan", "--sandbox").out.startswith("No changes.")


def test_ctrl_c_at_a_question_leaves_nothing(fresh: Project) -> None:
    """Exit 130, and the folder is as before."""
    terminal = Terminal(fresh, "init", "--sandbox")
    terminal.answer("Name of the project [shop]: ", "")
    terminal.until("Which of them [")
    terminal.type("\x03")
    assert terminal.end() == 130 and list(fresh.dir.iterdir()) == []
