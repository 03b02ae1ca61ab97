"""Makes the page of every command and flag, as --help prints them: `python -m reconciler.cli.reference FILE`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.cli.program import COMMANDS, program
from reconciler.cli.ready import WIDTH
from reconciler.output.quoting import fence

ABOUT = """\
<!-- Generated from the commands by `make generate`; edit the command, not this page. -->

# Commands and flags

What `reconciler COMMAND --help` prints, of every command. [Commands](commands.md) shows them in use, with what they print;
flags follow the command, and can't be abbreviated.
"""


def page() -> str:
    """All commands in the order of `reconciler --help`, a group's verbs behind it."""
    return "\n".join([ABOUT, *_sections()])


def _sections() -> Iterator[str]:
    settings = {**program.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    whole = click.Context(program, info_name="reconciler", **settings)
    for name in COMMANDS:
        found = program.get_command(whole, name)
        assert found is not None
        yield from _section(found, name, whole)


def _section(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, parent, info_name=name, **parent.command.context_settings)
    text = fence(command.get_help(context).splitlines(), "text")
    yield f"## {context.command_path.removeprefix('reconciler ')}\n\n{text}\n"
    if isinstance(command, click.Group):
        for verb in command.list_commands(context):
            found = command.get_command(context, verb)
            assert found is not None
            yield from _section(found, verb, context)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), "utf-8")
