"""Opens the workspace for one command, with the console wired to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.console import Console
from reconciler.clock import SystemClock
from reconciler.errors import Failure
from reconciler.output.escape import safe
from reconciler.output.progress import Progress
from reconciler.project import CONFIG, config_bytes
from reconciler.sources import Redactor
from reconciler.workspace.checked import Checked
from reconciler.workspace.options import Options
from reconciler.workspace.settled import below_repository

if TYPE_CHECKING:
    from reconciler.workspace.running import Workspace

W = TypeVar("W", bound=Checked)


@contextmanager
def opened(console: Console, options: Options) -> Iterator[Workspace]:
    """The workspace; secrets that it reads are struck out of everything that the console writes."""
    from reconciler.workspace.running import Workspace

    with _opened(console, options, Workspace) as workspace:
        yield workspace


@contextmanager
def checked(console: Console, options: Options) -> Iterator[Checked]:
    """The same for a command that works offline: it has no use for an engine."""
    with _opened(console, options, Checked) as workspace:
        yield workspace


@contextmanager
def _opened(console: Console, options: Options, kind: type[W]) -> Iterator[W]:
    redactor = Redactor()
    console.clean = redactor.clean
    console.source = reader(options)
    log(console)
    progress = Progress(console.err, SystemClock(), quiet=console.quiet, clean=console.printed,
                        moving=not console.verbose)
    with progress, kind(options, environ=console.environ, progress=progress, redactor=redactor) as workspace:
        console.progress = progress
        yield workspace


def reader(options: Options) -> Callable[[str], str | None]:
    """Gives a file's text by the name that messages show, for the line above a caret."""
    prefix = below_repository(options.dir)

    def read(file: str) -> str | None:
        name = file.removeprefix(prefix)
        try:
            if name == CONFIG and options.config_from is not None:
                return config_bytes(options.dir, options.config_from, file).decode("utf-8-sig", errors="replace")
            path = options.dir / name  # a link may lead to what is nobody's to see
            if not path.is_file() or path.resolve() != options.dir.resolve() / name:
                return None
            return path.read_text("utf-8-sig", errors="replace")
        except (OSError, Failure):
            return None

    return read


def log(console: Console) -> None:
    """With -v every request is a line on stderr: method, path, status, time; never a body."""
    if not console.verbose and "logging" not in sys.modules:
        return
    import logging

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.err.write(console.printed(f"{safe(record.getMessage())}\n"))

    logger = logging.getLogger("reconciler")
    logger.handlers[:] = [Lines()] if console.verbose else []
    logger.setLevel(logging.DEBUG if console.verbose else logging.CRITICAL)
