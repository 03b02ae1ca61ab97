"""`ledger`: what is remembered as ours, and the runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import COMMON, FORMAT, LOCKING, RUNNING, SELECTING, flags, options
from reconciler.cli.session import opened
from reconciler.cli.verbs import Verbs
from reconciler.errors import Usage
from reconciler.ledger import Entry, Run
from reconciler.model import Address
from reconciler.output.escape import safe
from reconciler.workspace import Workspace, bookkeeping, migrating


@click.group("ledger", cls=Verbs, options_metavar="", subcommand_metavar="VERB [ARGUMENTS] [FLAGS]")
def command() -> None:
    """What is remembered as ours (ids and digests, no values), and the runs."""


def _open(console: Console, given: dict[str, Any], do: Callable[[Workspace], int]) -> int:
    with opened(console, options(console, given)) as workspace:
        return do(workspace)


@command.command("list")
@click.argument("patterns", nargs=-1, metavar="[ADDR]...")
@flags(COMMON, FORMAT)
@click.pass_obj
def list_(console: Console, /, *, patterns: tuple[str, ...], form: str, **given: Any) -> int:
    """List what is ours: address and the vendor's id."""
    def do(workspace: Workspace) -> int:
        ledger = workspace.ledger()
        names = bookkeeping.matching(ledger, patterns) if patterns else sorted(ledger.entries)
        if form == "json":
            console.data(json.dumps([_entry(ledger.entries[name]) for name in names], indent=2))
            return 0
        wide = max(map(len, names), default=0)
        for name in names:
            entry = ledger.entries[name]
            console.data(f"{name:<{wide}}  {safe(entry.id)}{'  protected' if entry.protect else ''}")
        open_ = [intent for intent in ledger.intents.values() if intent.act == "create"]
        if open_:
            names = sorted({intent.address for intent in open_})
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            console.say(f"Unknown is what became of the create of {', '.join(names[:5])}{more}: the next plan finds out.")
        return 0

    return _open(console, given, do)


@command.command("show")
@click.argument("address", metavar="ADDR")
@flags(COMMON, FORMAT)
@click.pass_obj
def show(console: Console, /, *, address: str, form: str, **given: Any) -> int:
    """Show one entry: id, needs, protection, fields applied."""
    def do(workspace: Workspace) -> int:
        ledger = workspace.ledger()
        entry = ledger.entries[bookkeeping.matching(ledger, [address])[0]]
        if form == "json":
            console.data(json.dumps(_entry(entry), indent=2))
            return 0
        console.data(f"{entry.address}\n  id         {safe(entry.id)}\n  needs      {', '.join(entry.needs) or '-'}\n"
                     f"  protect    {'yes' if entry.protect else 'no'}\n  on_remove  {entry.on_remove}\n"
                     f"  fields     {', '.join(sorted(entry.prints)) or '-'}")
        for output, receipt in entry.delivered.items():
            console.data(f"  delivered  {output} to {safe(receipt)}")
        return 0

    return _open(console, given, do)


@command.command("log")
@click.option(
    "--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many runs, the latest first."
)
@flags(COMMON, FORMAT)
@click.pass_obj
def log(console: Console, /, *, limit: int, form: str, **given: Any) -> int:
    """List runs: id, when, command, who, commit, pull request, digest, outcome."""
    def do(workspace: Workspace) -> int:
        runs = workspace.ledger().runs[::-1][:limit]
        if form == "json":
            console.data(json.dumps([_run(run) for run in runs], indent=2))
            return 0
        columns = [(run.run, _when(run.at), run.command, safe(run.who) or "-", run.commit[:10] or "-",
                    f"#{run.pull_request}" if run.pull_request else "-", run.digest[:19] or "-") for run in runs]
        wide = [max(map(len, column)) for column in zip(*columns, strict=True)]
        for run, cells in zip(runs, columns, strict=True):
            counts = ", ".join(f"{n} {word}" for word, n in run.outcome.items() if n) or (
                "nothing to do" if run.ended else "not ended"
            )
            console.data("  ".join([*(f"{cell:<{size}}" for cell, size in zip(cells, wide, strict=True)), counts]))
        return 0

    return _open(console, given, do)


@command.command("forget")
@click.argument("patterns", nargs=-1, required=True, metavar="ADDR...")
@flags(COMMON, LOCKING)
@click.pass_obj
def forget(console: Console, /, *, patterns: tuple[str, ...], **given: Any) -> int:
    """Let entries go; their objects stay at the vendor.

    They are not ours any more, and a plan no longer sees them as such; * globs.
    """
    def do(workspace: Workspace) -> int:
        gone = bookkeeping.forget(workspace.store, workspace.holder(), patterns, workspace.options.lock_timeout)
        for name in gone:
            console.say(f"forgot {name}")
        return 0

    return _open(console, given, do)


@command.command("move")
@click.argument("old", metavar="FROM")
@click.argument("new", metavar="TO")
@flags(COMMON, LOCKING)
@click.pass_obj
def move(console: Console, /, *, old: str, new: str, **given: Any) -> int:
    """Give an entry another address; the object stays as it is."""
    try:
        addresses = Address.parse(old), Address.parse(new)
    except ValueError as error:
        raise Usage(str(error)) from error

    def do(workspace: Workspace) -> int:
        bookkeeping.move(workspace.store, workspace.holder(), *addresses, workspace.options.lock_timeout)
        console.say(f"{old} is {new} now")
        return 0

    return _open(console, given, do)


@command.command("unlock")
@click.option("--run", required=True, metavar="ID", help="The run that holds the stack, as the error names it.")
@click.option("--store", metavar="STORE", help="In this store, as `ledger migrate` names it, not in the configured one.")
@flags(COMMON)
@click.pass_obj
def unlock(console: Console, /, *, run: str, store: str | None, **given: Any) -> int:
    """End the hold of a run that is gone.

    Waits until nothing of it can be under way.
    """
    def do(workspace: Workspace) -> int:
        if store is None:
            bookkeeping.unlock(workspace.store, run)
        else:
            with closing(migrating.elsewhere(workspace, store)) as other:
                bookkeeping.unlock(other, run)
        console.say(f"run {run} holds the stack no more")
        return 0

    return _open(console, given, do)


@command.command("verify")
@flags(COMMON)
@click.pass_obj
def verify(console: Console, /, **given: Any) -> int:
    """Check every record; exit 1 when something is wrong."""
    def do(workspace: Workspace) -> int:
        wrong = workspace.store.verify()
        for sentence in wrong:
            console.data(sentence)
        if not wrong:
            console.data("The ledger is whole.")
        return 1 if wrong else 0

    return _open(console, given, do)


@command.command("migrate")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@flags(COMMON, LOCKING)
@click.pass_obj
def migrate(console: Console, /, *, source: str, target: str, **given: Any) -> int:
    """Move the ledger to another store, whole.

    FROM and TO are stores: sqlite, git, s3, postgres. One of them is what reconciler.yaml says; the other one's settings
    follow a colon where it needs some: s3:bucket=NAME,prefix=PATH or postgres:env=VARIABLE. The target must be empty.
    Afterwards the old place names the new one, and reconciler.yaml has to.
    """
    def do(workspace: Workspace) -> int:
        ledger = migrating.migrate(workspace, source, target)
        there = migrating.shown(migrating.named(target, workspace.stack.ledger))
        count = "1 entry" if len(ledger.entries) == 1 else f"{len(ledger.entries)} entries"
        console.say(f"{count} and the whole journal (serial {ledger.serial}) are in {target} now.")
        if migrating.named(target, workspace.stack.ledger) != workspace.stack.ledger:
            console.say(f"Write it into reconciler.yaml, or the next run is refused: `ledger: {there}`")
        return 0

    return _open(console, given, do)


@command.command("rebuild")
@flags(SELECTING[:1], COMMON, RUNNING, LOCKING)
@click.pass_obj
def rebuild(console: Console, /, **given: Any) -> int:
    """Make a lost ledger anew from our marks on live objects.

    Only what carries this stack's mark is taken in, and what the ledger knows stays. Digests come with the next apply.
    Objects without room for a mark are adopted by the next plan, where they are as the manifests say. Exit code 1
    when something could not be read.
    """
    def do(workspace: Workspace) -> int:
        found = bookkeeping.rebuild(workspace)
        for entry in found.entries:
            console.data(f"{entry.address}  {safe(entry.id)}")
        for sentence in (*found.left, *found.unread):
            console.warn(safe(sentence))
        console.say(f"{len(found.entries)} {'entry' if len(found.entries) == 1 else 'entries'} taken in.")
        return 1 if found.unread else 0

    return _open(console, given, do)


def _entry(entry: Entry) -> dict[str, Any]:
    record = entry.record()
    return {name: value for name, value in record.items() if name not in ("t", "prints")} | {"fields": sorted(entry.prints)}


def _run(run: Run) -> dict[str, Any]:
    return {"run": run.run, "at": _when(run.at), "command": run.command, "who": run.who, "host": run.host, "commit": run.commit,
            "pull_request": run.pull_request, "digest": run.digest, "outcome": dict(run.outcome),
            "ended": _when(run.ended) if run.ended is not None else None}


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
