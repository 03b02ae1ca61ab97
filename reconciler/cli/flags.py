"""The flags that commands share, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.console import Console
from reconciler.durations import seconds
from reconciler.errors import Usage
from reconciler.model import Address, Impact
from reconciler.suggest import did_you_mean
from reconciler.workspace.options import Options

Command = Callable[..., Any]


if TYPE_CHECKING:
    Seconds = click.ParamType[float]
    Choice = click.Choice[str]
else:
    Seconds, Choice = click.ParamType, click.Choice  # generic since click 8.2 only


class Duration(Seconds):
    """Seconds, or 30s, 5m, 2h; `some` refuses none at all."""

    name = "duration"

    def __init__(self, *, some: bool = False) -> None:
        self.some = some

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """In seconds."""
        try:
            found = seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if self.some and not found:
            self.fail("no time at all: give 30, 30s or 5m", param, ctx)
        return found


FORMS = ("text", "json", "markdown", "html", "sarif", "junit")


class Form(Choice):
    """One of the formats that fit a command; another one is refused with the names of those that do."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The format's name."""
        if value in self.choices:
            return str(value)
        about = f"`{ctx.info_name}`" if ctx is not None else "this command"
        known = value in FORMS
        raise Usage(f"--format {value}: {about} has no such form" if known else f"there is no format {value!r}",
                    ("" if known else did_you_mean(str(value), self.choices)) or f"one of {', '.join(self.choices)}")


def written_as(*forms: str) -> list[Command]:
    """The flag for these formats, the first of which is the default."""
    return [click.option("--format", "form", type=Form(forms), default=forms[0], show_default=True, help="How to write it.")]


def _consents(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    words = [word.strip() for value in values for word in value.split(",") if word.strip()]
    known = [impact.value for impact in Impact]
    for word in words:
        impact, colon, address = word.partition(":")
        if impact not in known:
            raise Usage(
                f"--allow {word}: {impact!r} is not an impact", did_you_mean(impact, known) or f"one of {', '.join(known)}"
            )
        if colon:
            try:
                Address.parse(address)
            except ValueError as error:
                raise Usage(f"--allow {word}: {error}") from error
        elif impact == Impact.IRREVERSIBLE.value:
            raise Usage("--allow irreversible needs the address it is for", "--allow irreversible:stripe.price/pro")
    return tuple(dict.fromkeys(words))


STACK = [
    click.option("--stack", "-s", metavar="NAME", help="The stack, where reconciler.yaml has several (RECONCILER_STACK)."),
]
FOLDER = [
    click.option("--dir", "-C", "dir", type=click.Path(path_type=Path), help="The project's folder (RECONCILER_DIR)."),
]
SPEAKING = [
    click.option("--no-color", is_flag=True, help="No colours (NO_COLOR)."),
    click.option("--quiet", "-q", is_flag=True, help="Only data, warnings and errors."),
]
SANDBOX = [
    click.option("--sandbox", is_flag=True, help="Use the local sandbox: no credential, host or real ledger is read."),
]
TALKING = [
    click.option("--no-input", is_flag=True, help="Never ask (RECONCILER_NO_INPUT)."),
    click.option("-v", "--verbose", is_flag=True, help="Show each request (RECONCILER_LOG=debug)."),
]
PLACED = [
    *FOLDER,
    *SANDBOX,
    click.option("--config-from", metavar="REF", help="Read reconciler.yaml from this git revision."),
    *SPEAKING,
    *TALKING,
]
COMMON = [*STACK, *PLACED]
SELECTING = [
    click.option("--vendor", "vendors", multiple=True, metavar="V", help="Only this connection; may be given several times."),
    click.option("--target", "targets", multiple=True, metavar="ADDR",
                 help="Only this entry and what it needs; * globs; may be given several times."),
    click.option("--exclude", "excludes", multiple=True, metavar="ADDR",
                 help="Not this entry and what depends on it; * globs; may be given several times."),
    click.option(
        "--changed-since", metavar="REF", help="Only entries that differ from the merge base with REF, and their dependents."
    ),
]
DECIDING = [
    click.option(
        "--allow",
        multiple=True,
        metavar="IMPACT[:ADDR]",
        callback=_consents,
        help="Consent to an impact, or for one address; may be given several times.",
    ),
    click.option("--leave-drift", is_flag=True, help="List what was changed outside, and leave it."),
    click.option("--max-delete-percent", type=click.IntRange(0, 100), metavar="N",
                 help="Stop when more of a vendor's entries would go, instead of what limits: of reconciler.yaml says."),
    click.option("--max-changes", type=click.IntRange(min=0), metavar="N",
                 help="Stop when more entries would change, instead of what limits: says."),
]
RUNNING = [
    click.option("--parallelism", type=click.IntRange(1, 100), metavar="N", help="Requests at a time for each vendor."),
    click.option("--timeout", type=Duration(some=True), help="How long one request may take (seconds or 5m)."),
]
LOCKING = [
    click.option(
        "--lock-timeout", type=Duration(), default=0.0, help="How long to wait for another run (seconds or 5m); default 0."
    ),
]
FORMAT = written_as("text", "json")
PLANS = written_as(*FORMS)
APPLIES = written_as("text", "json", "markdown")
CHECKS = written_as("text", "json", "markdown", "sarif", "junit")
INTO = [
    click.option(
        "--json-into", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the JSON there as well."
    ),
]


def flags(*groups: list[Command]) -> Callable[[Command], Command]:
    """Put groups of flags on a command."""
    def on(command: Command) -> Command:
        for group in reversed(groups):
            for flag in reversed(group):
                command = flag(command)
        return command

    return on


def options(console: Console, given: dict[str, Any]) -> Options:
    """The shared flags as one value; the console learns what is its own."""
    environ = console.environ
    if given.pop("no_color", False):
        console.color_out = console.color_err = False
    console.no_input = given.pop("no_input", False) or console.no_input
    console.quiet = given.pop("quiet", False)
    console.verbose = given.pop("verbose", False) or console.verbose
    given["dir"] = given.get("dir") or Path(environ.get("RECONCILER_DIR") or ".")
    if not given["dir"].is_dir():
        raise Usage(f"there is no folder {given['dir']}", "--dir says where the project is")
    return Options(**{name: value for name, value in given.items() if value is not None})
