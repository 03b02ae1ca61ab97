"""`ci`: what a pull request shows of plans and applies, in a job that holds no vendor's credential."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.console import Console
from reconciler.cli.verbs import Verbs
from reconciler.errors import Usage

if TYPE_CHECKING:
    from reconciler.forge.job import Job

_FILE = click.Path(dir_okay=False, path_type=Path)
PLANS = click.argument("plans", nargs=-1, type=_FILE, metavar="[PLAN]...")
FAILED = click.option("--failed", "failed", multiple=True, type=_FILE, metavar="LOG",
                      help="The log of a plan that could not be made; may be given several times.")
REDACT = click.option("--redact", is_flag=True, help="Addresses and operations only, no value: for public repositories.")
PULL = click.option("--pull", type=click.IntRange(min=1), metavar="N",
                    help="The pull request, where the job's event does not say which.")
NAME = click.option("--name", default="reconciler", show_default=True, help="The name of the check.")
APP = click.option("--app", default="github-actions", show_default=True, metavar="SLUG",
                   help="The GitHub app whose token writes the checks.")
APPROVAL = click.option("--require-approval", is_flag=True,
                        help="Only with an approving review of this commit, given after its plan was shown.")


@click.group("ci", cls=Verbs, options_metavar="", subcommand_metavar="VERB [ARGUMENTS] [FLAGS]")
def command() -> None:
    """Show plans and applies on the pull request, from files; no vendor is asked."""


@contextmanager
def _job(console: Console, pull: int | None = None, app: str = "github-actions") -> Iterator[Job]:
    """This job, with its client; the token is struck out of everything that is written."""
    from reconciler.forge.job import Means, job
    from reconciler.sources import Redactor

    redactor = Redactor()
    console.clean = redactor.clean
    found = job(console.environ, app, Means(progress=console.say, seen=redactor.add))
    try:
        yield found.about(pull) if pull is not None else found
    finally:
        found.forge.close()


@command.command("comment")
@PLANS
@FAILED
@click.option("--result", "results", multiple=True, type=_FILE, metavar="REPORT",
              help="What `apply --format json` printed: a comment on how it ended; may be given several times.")
@REDACT
@PULL
@click.pass_obj
def comment(console: Console, /, *, plans: tuple[Path, ...], failed: tuple[Path, ...], results: tuple[Path, ...],
            redact: bool, pull: int | None) -> int:
    """Write the pull request's comment from saved plans.

    It is one comment for all stacks and projects, found again and written anew by the next run. After the merge (in a
    job of the push) PLAN is shown as what has to be approved again, and --result says how the apply ended.
    """
    from reconciler.cli.reviewing import Shown, say_it

    if results and plans:
        raise Usage("--result goes with no PLAN: the result of an apply is a comment of its own")
    shown = Shown.read(plans, failed, results, redact=redact)
    with _job(console, pull) as job:
        return say_it(console, job, shown)


@command.command("check")
@PLANS
@FAILED
@APPROVAL
@REDACT
@PULL
@NAME
@APP
@click.pass_obj
def check(console: Console, /, *, plans: tuple[Path, ...], failed: tuple[Path, ...], require_approval: bool, redact: bool,
          pull: int | None, name: str, app: str) -> int:
    """Write the head commit's check from saved plans.

    It fails when a plan is blocked, could not be made, or is not approved, and keeps the digests for the merge. Without
    PLAN it is judged again in a job of a review, and else neutral: no manifest changed. Exit codes: 0 fine, 4 it fails.
    """
    from reconciler.cli.reviewing import Shown, check_it

    shown = Shown.read(plans, failed, (), redact=redact)
    with _job(console, pull, app) as job:
        return check_it(console, job, shown, name, require=require_approval)


@command.command("digest")
@click.option("--stack", "-s", help="The stack, where the check keeps several (RECONCILER_STACK).")
@click.option("--project", help="The project, where the check keeps several.")
@APPROVAL
@NAME
@APP
@click.pass_obj
def digest(console: Console, /, *, stack: str | None, project: str | None, require_approval: bool, name: str, app: str) -> int:
    """Print the approved digest of what was merged.

    It is for `apply --digest`, and comes from the check of the merged pull request's head commit. Exit code 5 when there
    is none to rely on: no pull request, no check of ours, or one that failed or was written after the merge.
    """
    from reconciler.forge.merged import approved

    stack = stack or console.environ.get("RECONCILER_STACK") or None
    with _job(console, None, app) as job:
        found = approved(job, stack, project, name, require=require_approval)
        console.data(found.digest)
        console.say(f"{found.name}: as approved in the merged pull request")
    return 0


@command.command("issue")
@click.argument("reports", nargs=-1, required=True, type=_FILE, metavar="REPORT...")
@click.option("--label", default="drift", show_default=True, help="The issue's label, by which it is found again.")
@REDACT
@click.pass_obj
def issue(console: Console, /, *, reports: tuple[Path, ...], label: str, redact: bool) -> int:
    """Keep one open issue on drift, from reports.

    REPORT is what `drift --json-into` wrote. The issue is opened when there is drift, written anew by the next run, and
    closed when it is gone.
    """
    from reconciler.cli.reviewing import report_it

    with _job(console) as job:
        return report_it(console, job, reports, label, redact=redact)
