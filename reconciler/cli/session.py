"""Opens the workspace for one command, with the console wired to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.clock import SystemClock
from reconciler.output.progress import Progress
from reconciler.sources import Redactor
from reconciler.workspace import Workspace
from reconciler.workspace.options import Options
from reconciler.workspace.settled import below_repository


@contextmanager
def opened(console: Console, options: Options) -> Iterator[Workspace]:
    """The workspace; secrets that it reads are struck out of everything that the console writes."""
    redactor = Redactor()
    console.clean = redactor.clean
    console.source = reader(options.dir)
    log(console)
    progress = Progress(console.err, SystemClock(), quiet=console.quiet, clean=redactor.clean,
                        moving=not console.verbose)
    with progress, Workspace(options, environ=console.environ, progress=progress, redactor=redactor) as workspace:
        console.progress = progress
        yield workspace


def reader(folder: Path) -> Callable[[str], str | None]:
    """Gives a file's text by the name that messages show, for the line above a caret."""
    prefix = below_repository(folder)

    def read(file: str) -> str | None:
        try:
            return (folder / file.removeprefix(prefix)).read_text("utf-8-sig", errors="replace")
        except OSError:
            return None

    return read


def log(console: Console) -> None:
    """With -v every request is a line on stderr: method, path, status, time; never a body."""
    if not console.verbose:
        return

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.err.write(console.clean(f"{record.levelname.lower()}: {record.getMessage()}\n"))

    logger = logging.getLogger("reconciler")
    logger.handlers[:] = [Lines()]
    logger.setLevel(logging.DEBUG)
