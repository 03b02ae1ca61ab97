"""The commands by name, loaded when they are called, and what every failure means for the exit code."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.errors import Failure, Usage
from reconciler.suggest import did_you_mean

COMMANDS = {
    "init": "make a project of what vendors have already",
    "validate": "check manifests and reconciler.yaml, offline",
    "fmt": "lay out manifests and reconciler.yaml, comments kept",
    "diff": "two stacks in the manifests' terms",
    "plan": "show what apply would do; writes nothing",
    "show": "render a saved plan",
    "apply": "plan, ask, and do it",
    "drift": "what changed at the vendors; takes it into the manifests",
    "undo": "the plan of an earlier commit's manifests",
    "destroy": "remove everything that this stack owns",
    "import": "record existing objects as ours",
    "export": "what exists and is not declared, as manifests",
    "output": "ids and outputs for the application",
    "graph": "dependencies between entries",
    "explain": "why an entry changes, or what a kind or field means",
    "ledger": "what is remembered as ours, and the runs",
    "ci": "the pull request's comment and check, from saved plans",
    "schema": "JSON Schema of manifests, plans and reconciler.yaml",
    "docs": "a page of Markdown for each kind",
    "sandbox": "all vendors as one local server",
    "doctor": "settings with their origin, reachability, permissions needed and held",
    "completion": "shell completion: bash, fish, zsh",
    "version": "the version",
}


class Program(click.Group):
    """Knows every command's name and line, and imports a command's module only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; no abbreviations."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"reconciler.cli.{cmd_name}_")
        found: click.Command = module.command
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Flags follow the command; in front of it there is only --help."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            raise Usage(f"flags follow the command: {args[0]}", "reconciler COMMAND --help lists a command's flags")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown command gets a suggestion."""
        name = args[0] if args else ""
        if name and name not in COMMANDS:
            raise Usage(f"there is no command {name!r}",
                        did_you_mean(name, COMMANDS) or "reconciler --help lists the commands")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """A reader that went away is exit 141, before click makes a 1 of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            console: Console = ctx.obj
            console.closed()
            return 141

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Program, options_metavar="", subcommand_metavar="COMMAND [ARGUMENTS] [FLAGS]",
             context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
             epilog="`reconciler COMMAND --help` tells its flags, which follow the command. Exit codes: 0 fine, 1 error, "
                    "2 changes, 3 findings, 4 blocked, 5 stale, 6 incomplete, 7 locked, 64 usage.")
def program() -> None:
    """Keep SaaS vendors in step with YAML manifests: read what is live, show a plan, apply it."""


def run(words: list[str]) -> int:
    """Run one command line; the exit code. Failures are told on stderr in one message and a next step."""
    console = Console.of(os.environ)
    sys.excepthook = console.unexpected
    try:
        code: Any = program.main(args=words, prog_name="reconciler", standalone_mode=False, obj=console)
    except click.exceptions.NoArgsIsHelpError as error:
        console.data(error.ctx.get_help())
        return 0
    except click.UsageError as error:
        console.failure(Usage(_sentence(error.format_message()), _usage_hint(error)))
        return 64
    except click.Abort:
        console.say("stopped")
        return 130
    except Failure as error:
        console.failure(error)
        return error.exit_code
    except KeyboardInterrupt:
        console.say("stopped")
        return 130
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else 1
    except BrokenPipeError:
        console.closed()
        return 141
    return code if isinstance(code, int) else 0


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def _usage_hint(error: click.UsageError) -> str:
    return f"{error.ctx.command_path} --help" if error.ctx is not None else "reconciler --help"
