"""A command that has verbs of its own: `ledger list`, `ci comment`."""

from __future__ import annotations

import click

from reconciler.errors import Usage
from reconciler.suggest import did_you_mean


class Verbs(click.Group):
    """An unknown verb gets a suggestion."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """No abbreviations."""
        if args and args[0] not in self.commands:
            raise Usage(f"there is no `{self.name} {args[0]}`",
                        did_you_mean(args[0], self.commands) or f"reconciler {self.name} --help")
        return super().resolve_command(ctx, args)
