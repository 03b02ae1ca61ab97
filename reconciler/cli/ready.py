"""Makes the texts that are ready before anything is imported, help and completion: `python -m reconciler.cli.ready`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli import SHELLS, TEXTS
from reconciler.cli.program import COMMANDS, program
from reconciler.cli.shells import bash, fish, zsh
from reconciler.cli.words import Command, Flag
from reconciler.derive.schema import installed
from reconciler.model import Impact

WIDTH = 100

_FLAGS = {"stack": "stack", "stacks": "stack", "vendors": "connection", "targets": "address", "excludes": "address",
          "allow": "impact",
          "wanted": "vendor"}
_ARGUMENTS = {"addresses": "address", "patterns": "address", "address": "address", "old": "address", "what": "subject",
              "kind": "kind", "plan": "file"}
"""What completes a parameter, by its name; a choice or a path says it itself."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A command with the words that lead to it."""

    path: tuple[str, ...]
    command: click.Command


def texts() -> dict[str, str]:
    """Every ready text by its file name."""
    made = tuple(_described(named) for named in _commands())
    lists = {"kind": sorted(kind.name for vendor in installed() for kind in vendor.kinds),
             "vendor": [vendor.name for vendor in installed()],
             "impact": [impact.value for impact in Impact if impact is not Impact.IRREVERSIBLE]}
    scripts = {"bash": bash, "fish": fish, "zsh": zsh}
    assert sorted(scripts) == sorted(SHELLS)
    return {"help.txt": _help()} | {f"completion.{name}": script(made, lists) for name, script in scripts.items()}


def _help() -> str:
    settings = {**program.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(program, info_name="reconciler", **settings)
    return program.get_help(context) + "\n"


def _commands() -> Iterator[_Named]:
    context = click.Context(program, info_name="reconciler")
    for name in COMMANDS:
        found = program.get_command(context, name)
        assert found is not None
        yield _Named((name,), found)
        if isinstance(found, click.Group):
            for verb in found.commands:
                yield _Named((name, verb), found.commands[verb])


def _described(named: _Named) -> Command:
    flags = [_flag(param) for param in named.command.params if isinstance(param, click.Option)]
    arguments = [p for p in named.command.params if isinstance(p, click.Argument)]
    take, choices = _takes(arguments[0], _ARGUMENTS) if arguments else ("", ())
    verbs = tuple(named.command.commands) if isinstance(named.command, click.Group) else ()
    line = COMMANDS[named.path[0]] if len(named.path) == 1 else named.command.get_short_help_str(WIDTH)
    return Command(named.path, line, (*flags, Flag(("--help", "-h"), "Show this message and exit.")), take,
                   (*choices, *verbs))


def _flag(option: click.Option) -> Flag:
    names = (*option.opts, *option.secondary_opts)
    if option.is_flag:
        return Flag(names, option.help or "")
    take, choices = _takes(option, _FLAGS)
    return Flag(names, option.help or "", take, choices)


def _takes(param: click.Parameter, known: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """What completes a parameter's value, and the words it may be."""
    if isinstance(param.type, click.Choice):
        return "choice", tuple(str(choice) for choice in param.type.choices)
    if param.name in known:
        return known[param.name], ()
    if isinstance(param.type, click.Path):
        return ("directory" if param.name in ("dir", "folder") else "file"), ()
    return "text", ()


def main(folder: Path) -> None:
    """Write them there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TEXTS)
