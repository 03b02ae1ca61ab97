"""`init`: a project for what a vendor has already: settings, manifests, schemas, CI; nothing is overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.applying import Applying, Consenting
from reconciler.cli.console import Console
from reconciler.cli.flags import FOLDER, SANDBOX, SPEAKING, TALKING, flags, options
from reconciler.cli.session import opened
from reconciler.cli.showing import code_of, show_plan
from reconciler.cli.workflows import ACTION, workflows
from reconciler.contract import Vendor, registry
from reconciler.derive import schema as schemas
from reconciler.errors import Invalid, Usage
from reconciler.manifest import MANIFESTS
from reconciler.manifest.fresh import SCHEMA, files, written
from reconciler.model import Op, Plan, Problem
from reconciler.project import CONFIG
from reconciler.project.model import NAME
from reconciler.suggest import did_you_mean
from reconciler.workspace.connections import answered
from reconciler.workspace.exports import Choice, exported
from reconciler.workspace.options import Options
from reconciler.workspace.starting import (
    ASIDE,
    IGNORED,
    KEPT,
    Question,
    aside,
    config,
    ignoring,
    name_of,
    place,
    questions,
    repository,
    unasked,
)

Settings = dict[str, dict[str, Any]]


@click.command("init")
@click.option("--vendor", "wanted", multiple=True, metavar="V", help="A vendor; may be given several times.")
@click.option("--project", metavar="NAME", help="The project's name; the folder's where nothing is said.")
@click.option("--yes", is_flag=True, help="Ask nothing: vendors whose credentials are set, under the vendors' own names.")
@flags(FOLDER, SANDBOX, SPEAKING, TALKING)
@click.pass_obj
def command(console: Console, /, *, wanted: tuple[str, ...], project: str | None, yes: bool, **given: Any) -> int:
    """Make a project of what is there: ask which vendors, export what exists, write reconciler.yaml, schemas and CI.

    What a credential leads to is pinned, and no file is overwritten. At the end there is a plan: what exists is recorded
    as ours after a yes; with --yes that is left to `reconciler apply`. Exit codes as for plan; 3 where a variable is unset.
    """
    chosen = options(console, given)
    if (chosen.dir / CONFIG).exists():
        raise Usage(f"there is a {CONFIG} in {chosen.dir.resolve()} already",
                    "add a vendor to it under vendors:, then reconciler export --vendor V --write")
    if not yes and not console.can_ask:
        raise Usage("there is nobody to ask", "--yes asks nothing; --vendor V says which vendors")
    start = _Start(console, chosen, yes)
    name = start.project(project)
    settings = start.settings(start.vendors(wanted))
    if not chosen.sandbox:
        _all_set(settings, console.environ)
    _made(console, chosen, name, settings)
    return _planned(console, chosen, ask=not yes)


class _Start:
    """The questions of one `init`, or what stands for their answers."""

    def __init__(self, console: Console, chosen: Options, yes: bool) -> None:
        self.console, self.sandbox, self.yes, self.dir = console, chosen.sandbox, yes, chosen.dir
        self.environ: Mapping[str, str] = {} if chosen.sandbox else console.environ

    def project(self, given: str | None) -> str:
        """The project's name."""
        name = given or (name_of(self.dir) if self.yes else self.console.ask("Name of the project", name_of(self.dir)))
        while not re.fullmatch(NAME, name):
            said = f"{name!r} is no project's name: lower case, digits and -"
            if given or self.yes:
                raise Usage(said, "--project NAME")
            self.console.say(said)
            name = self.console.ask("Name of the project", name_of(self.dir))
        return name

    def vendors(self, given: tuple[str, ...]) -> list[Vendor]:
        """The vendors: those that were named, those that a person names, or those whose credentials are set."""
        if given:
            return [_vendor(name) for name in dict.fromkeys(given)]
        ready = [name for name in registry.names() if self.sandbox or self._ready(name)]
        if self.yes:
            if not ready:
                raise Usage("no vendor's credential is set", "name the vendors: --vendor stripe, with STRIPE_API_KEY exported; "
                            "--sandbox tries all of them without an account")
            return [_vendor(name) for name in ready]
        self.console.say(f"Vendors: {', '.join(registry.names())}")
        while True:
            words = dict.fromkeys(filter(None, re.split(r"[\s,]+", self.console.ask("Which of them", " ".join(ready)))))
            try:
                found = [_vendor(name) for name in words]
            except Usage as error:
                self.console.say(f"{error.message}: {error.next}")
                continue
            if found:
                return found

    def _ready(self, name: str) -> bool:
        return all(self.environ.get(one.variable) for one in questions(_vendor(name).settings) if one.secret)

    def settings(self, vendors: list[Vendor]) -> Settings:
        """The settings of each connection, as reconciler.yaml gets them but for what the vendor will tell."""
        asking = not self.yes and not self.sandbox
        return {one.name: dict(self._asked(one)) if asking else unasked(one.settings, self.environ) for one in vendors}

    def _asked(self, vendor: Vendor) -> Iterator[tuple[str, Any]]:
        title = vendor.title or vendor.name
        for one in questions(vendor.settings):
            known = self.environ.get(one.variable, "")
            if one.secret:
                yield one.name, {"env": self.console.ask(f"{title}: variable that holds the {one.name}", one.variable)}
            elif one.ask:
                answer = self.console.ask(f"{title}: {one.ask}", known or one.guess)
                while one.required and not answer:
                    answer = self.console.ask(f"{title}: {one.ask}", "")
                if answer:
                    yield one.name, {"env": one.variable} if answer == known else answer
            elif known:
                yield one.name, {"env": one.variable}


def _all_set(settings: Settings, environ: Mapping[str, str]) -> None:
    """Invalid where a variable that is named is not there: nothing could be read."""
    missing = [(name, value["env"]) for name, given in settings.items() for value in given.values()
               if isinstance(value, dict) and not environ.get(value["env"])]
    if missing:
        raise Invalid(Problem(f"{name}: the environment variable {variable} is not set",
                              help=f"export {variable}=…, then once more; --sandbox needs none") for name, variable in missing)


def _vendor(name: str) -> Vendor:
    found = registry.vendor(name) if name in registry.names() else None
    if found is None:
        raise Usage(f"there is no vendor {name}", did_you_mean(name, registry.names())
                    or f"there are: {', '.join(registry.names())}")
    return found


# made aside, then put into place


def _made(console: Console, chosen: Options, project: str, settings: Settings) -> None:
    """Export in a folder that is gone afterwards, then write all files or none."""
    root = chosen.dir
    ledger = {"store": "git" if repository(root) is not None else "sqlite"}
    with aside(root) as folder:
        before = {path.relative_to(folder) for path in folder.rglob("*")}
        here = replace(chosen, dir=folder)
        (folder / CONFIG).write_text(config(project, ASIDE, settings), "utf-8")
        pinned = settings if chosen.sandbox else _pinned(console, here, settings)
        (folder / CONFIG).write_text(config(project, ASIDE, pinned), "utf-8")
        _export(console, here, pinned)
        texts = {root / path.relative_to(folder): path.read_text("utf-8") for path in sorted((folder / MANIFESTS).rglob("*"))
                 if path.is_file() and path.relative_to(folder) not in before}
    texts |= {root / SCHEMA.with_name(f"{name}.json"): text for name, text in schemas.texts().items()}
    found, why = workflows(root, _variables(pinned))
    if why:
        console.say(why)
    texts = {**texts, **found, root / CONFIG: config(project, ledger, pinned)}
    if not (root / MANIFESTS).exists() and not any(root / MANIFESTS in path.parents for path in texts):
        texts[root / MANIFESTS / KEPT] = ""
    for path in (path for path in texts if path.exists()):
        console.say(f"left {_short(path, root)} as it is")
    grown = ignoring(root / ".gitignore")
    done = place({**texts, root / ".gitignore": IGNORED}, grown, console.write)
    for path in done:
        console.say(f"wrote {_short(path, root)}")
    for path in grown:
        console.say(f"added {IGNORED.strip()} to {_short(path, root)}")
    if set(found) & set(done):
        console.say(f"CI needs {_needed(_variables(pinned))}")
        console.say("RECONCILER_KEY too, once a manifest holds a secret; environments and rules: docs/ci.md")
        if any(ACTION in text for text in found.values()):
            console.say(f"in the workflows put the repository and a release's commit in the place of {ACTION}")


def _pinned(console: Console, chosen: Options, settings: Settings) -> Settings:
    """The settings with whom each credential leads to."""
    with _without_places(), opened(console, chosen) as workspace:
        return {name: {**one, **answered(workspace.connections.open(name, read_only=True).api.leads_to)}
                for name, one in settings.items()}


def _export(console: Console, chosen: Options, settings: Settings) -> None:
    """Write what exists as manifests."""
    with opened(console, chosen) as workspace:
        found = exported(workspace, Choice(tuple(settings)))
        for sentence in found.left_out:
            console.warn(sentence)
        for path, entries in files(chosen.dir, found.entries).items():
            console.write(path, written(chosen.dir, path, entries, always=True))


@contextmanager
def _without_places() -> Iterator[None]:
    """The file that mistakes are in is not there afterwards: they are told without it."""
    try:
        yield
    except Invalid as error:
        raise Invalid(replace(problem, at=None) for problem in error.problems) from error


def _variables(settings: Settings) -> dict[str, Question]:
    """The variables that settings name, and what each of them is."""
    found: dict[str, Question] = {}
    for name, given in settings.items():
        for one in questions(_vendor(name).settings):
            value = given.get(one.name)
            if isinstance(value, dict) and "env" in value:
                found[str(value["env"])] = one
    return found


def _needed(variables: Mapping[str, Question]) -> str:
    """What is to be set where CI runs."""
    secrets = [name for name, one in variables.items() if one.secret]
    plain = [name for name, one in variables.items() if not one.secret]
    parts = [f"the secret{'s' if len(secrets) > 1 else ''} {', '.join(secrets)}"] if secrets else []
    return " and ".join([*parts, *([f"the variable{'s' if len(plain) > 1 else ''} {', '.join(plain)}"] if plain else [])])


def _short(path: Path, root: Path) -> str:
    return str(path.relative_to(root))


# the plan at the end


def _planned(console: Console, chosen: Options, *, ask: bool) -> int:
    """Adopt what exists after a yes; the plan at the end."""
    with opened(console, chosen) as workspace:
        plan = workspace.plan()
        if not ask or not _only_adopts(plan):
            show_plan(console, plan, "text")
            if _only_adopts(plan):
                console.say("`reconciler apply` records them as ours: it writes a mark at most.")
            return code_of(plan)
        console.say("What exists can be recorded as ours now: at the vendors a mark is written at most.")
    with opened(console, chosen) as workspace:
        code = Applying(console, workspace, "text").run(Consenting())
    if code:
        return code
    with opened(console, chosen) as workspace:
        plan = workspace.plan()
        show_plan(console, plan, "text")
    return code_of(plan)


def _only_adopts(plan: Plan) -> bool:
    acting = [action.op for action in plan.actions if action.acts or action.op is Op.BLOCKED]
    return bool(acting) and set(acting) == {Op.ADOPT}
