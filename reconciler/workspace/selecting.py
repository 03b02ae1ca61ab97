"""What a command is about and what it may do: flags over reconciler.yaml."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

from reconciler.engine.guard import Consent, Limits
from reconciler.errors import Usage
from reconciler.project import Stack
from reconciler.suggest import did_you_mean
from reconciler.workspace.options import Options


def consent(stack: Stack, options: Options) -> Consent:
    """What is agreed to: in reconciler.yaml, and on the command line."""
    return Consent(tuple(dict.fromkeys((*stack.allow, *options.allow))))


def limits(stack: Stack, options: Options) -> Limits:
    """How much one run may do; a flag counts for this run only."""
    percent, changes = options.max_delete_percent, options.max_changes
    return Limits(stack.limits.max_delete_percent if percent is None else percent,
                  stack.limits.max_changes if changes is None else changes)


def selectable(options: Options, connections: Collection[str], known: Collection[str]) -> None:
    """Usage where a selection names nothing: a slip of the keyboard is no empty plan."""
    for vendor in options.vendors:
        if vendor not in connections:
            raise Usage(f"{vendor} is not a configured vendor", did_you_mean(vendor, connections)
                        or f"there are: {', '.join(connections)}")
    for pattern in (*options.targets, *options.excludes):
        if not any(fnmatchcase(address, pattern.replace("[", "[[]")) for address in known):
            raise Usage(f"{pattern} matches no entry of this stack", did_you_mean(pattern, known))
