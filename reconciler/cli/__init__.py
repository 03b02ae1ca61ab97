"""The command line; what needs no project (`--help`, `version`, `completion`) is answered from texts that are ready."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

TEXTS = Path(__file__).parent / "texts"
SHELLS = ("bash", "fish", "zsh")


def main() -> None:
    """Run the command that the process was started with, and exit."""
    words = sys.argv[1:]
    ready = _ready(words)
    if ready is not None:
        try:
            sys.stdout.write(ready)
            sys.stdout.flush()
        except BrokenPipeError:
            sys.stderr.close()
        return
    # No plugin of pydantic's sees what is validated, credentials among it; looking for some costs more than a model.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from reconciler.cli.program import run

    signal.signal(signal.SIGTERM, _terminated)
    sys.exit(run(words))


def _terminated(number: int, frame: object) -> None:
    """The same as Ctrl-C, under its own exit code: what is open is given back."""
    sys.exit(128 + number)


def _ready(words: list[str]) -> str | None:
    """The answer to a command that needs nothing but its text."""
    if words in ([], ["--help"], ["-h"], ["help"]):
        return (TEXTS / "help.txt").read_text("utf-8")
    if words in (["version"], ["--version"]):
        from reconciler import __version__

        return f"reconciler {__version__}\n"
    if len(words) == 2 and words[0] == "completion" and words[1] in SHELLS:
        return (TEXTS / f"completion.{words[1]}").read_text("utf-8")
    return None
