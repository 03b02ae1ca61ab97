"""Where a command writes: data to stdout, everything else to stderr, and no secret to either."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shlex import split
from shutil import get_terminal_size
from types import TracebackType
from typing import Any, TextIO

from reconciler.errors import Failure, Invalid, Usage
from reconciler.model import Problem


@dataclass(slots=True)
class Console:
    """One command's streams. `clean` strikes secrets out of any text, `source` gives a file's text for carets."""

    out: TextIO
    err: TextIO
    environ: Mapping[str, str]
    color_out: bool = False
    color_err: bool = False
    quiet: bool = False
    verbose: bool = False
    no_input: bool = False
    json_errors: bool = False
    github: bool = False
    clean: Callable[[str], str] = field(default=lambda text: text)
    source: Callable[[str], str | None] = field(default=lambda file: None)
    progress: Any = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Console:
        """The console of this process."""
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        return cls(
            sys.stdout,
            sys.stderr,
            environ,
            not plain and sys.stdout.isatty(),
            not plain and sys.stderr.isatty(),
            no_input=bool(environ.get("RECONCILER_NO_INPUT")),
            verbose=environ.get("RECONCILER_LOG") in ("debug", "trace"),
            github=bool(environ.get("GITHUB_ACTIONS")),
        )

    def data(self, text: str, *, cleaned: bool = False) -> None:
        """What the command was asked for; `cleaned` where a checksum covers it already."""
        self._still()
        text = text if text.endswith("\n") else text + "\n"
        text = text if cleaned else self.clean(text)
        shown = text if cleaned or _is_file(self.out) else self.printed(text)
        self.out.write(shown)
        self.out.flush()
        if shown != text:
            self.warn("a line that GitHub's runner would have taken for a command is spelled out; into a file (> FILE) it is "
                      "written as it is")

    def printed(self, text: str) -> str:
        """The text as it may stand in a log: no secret in it, and nothing that GitHub's runner would take for a command."""
        text = self.clean(text)
        if self.github:
            from reconciler.output.annotations import inert

            return inert(text)
        return text

    def annotate(self, problems: Iterable[Problem]) -> None:
        """The same problems where a pull request shows them, in a run of GitHub's."""
        if self.github:
            from reconciler.output.annotations import commands

            self._still()
            self.err.write(commands(problems, self.clean))
            self.err.flush()

    def problems(self, problems: Iterable[Problem]) -> None:
        """Findings, with the lines that they are about."""
        from reconciler.output.problems import render

        found = list(problems)
        self._tell(render(found, self.source, color=self.color_err, width=self._width))
        self.annotate(found)

    def page(self, text: str) -> None:
        """The same through PAGER, where one is set and a terminal is too short for it."""
        command = self.environ.get("PAGER", "")
        if command and not self.no_input and self.out.isatty() and text.count("\n") > get_terminal_size().lines - 2:
            self._still()
            with suppress(OSError, BrokenPipeError):
                subprocess.run(split(command), input=self.clean(text), text=True, check=False, env=dict(self.environ))
                return
        self.data(text)

    def say(self, text: str) -> None:
        """What a person should know beside it; silent with --quiet."""
        if not self.quiet:
            self._tell(text + "\n")

    def warn(self, text: str) -> None:
        """A warning; --quiet does not silence it."""
        self._tell(f"warning: {text}\n")

    def failure(self, error: Failure) -> None:
        """Why the command did not do what it was asked for."""
        from reconciler.output.problems import failure

        if isinstance(error, Invalid):
            self.problems(error.problems)
        else:
            self._tell(failure(error, color=self.color_err, width=self._width))

    def _tell(self, text: str) -> None:
        self._still()
        self.err.write(self.printed(text))
        self.err.flush()

    @property
    def _width(self) -> int | None:
        """The columns of the terminal that is told; None where it is none."""
        return get_terminal_size((110, 40)).columns if self.err.isatty() else None

    def _still(self) -> None:
        """The moving line goes before anything else is written."""
        if self.progress is not None:
            self.progress.stop()

    def write(self, path: Path, text: str, *, cleaned: bool = False) -> None:
        """Write a file whole or not at all; `cleaned` where a checksum covers it already."""
        if not path.name:
            raise Usage(f"{str(path)!r} is no file's name")
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text if cleaned else self.clean(text), "utf-8")
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink()
            raise Usage(f"{path} can't be written: {error.strerror}") from error

    def confirm(self, question: str, answer: str) -> bool:
        """Whether the person typed exactly `answer`."""
        self._tell(question + " ")
        return sys.stdin.readline().strip() == answer

    def ask(self, question: str, default: str) -> str:
        """What the person typed, or the default for an empty line; the end of the input is a Ctrl-C."""
        self._tell(f"{question} [{default}]: " if default else f"{question}: ")
        line = sys.stdin.readline()
        if not line:
            raise KeyboardInterrupt
        return line.strip() or default

    @property
    def can_ask(self) -> bool:
        """Whether there is a person to ask."""
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    def closed(self) -> None:
        """The reader went away (`| head`): nothing more is written, not even by the interpreter's end."""
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - it lives as long as the process

    def unexpected(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """A defect of ours: one line, and the traceback only for those who ask for it, secrets struck out."""
        where = traceback.extract_tb(trace)[-1:] if trace is not None else []
        place = f" ({Path(where[0].filename).name}:{where[0].lineno})" if where else ""
        self.err.write(self.printed(f"error: this is a defect of reconciler: {kind.__name__}{place}\n"))
        if self.verbose:
            self.err.write(self.printed("".join(traceback.format_exception(kind, error, trace))))
        else:
            self.err.write("  = help: RECONCILER_LOG=debug shows where; please report it\n")


def _is_file(stream: TextIO) -> bool:
    """Whether what is written goes into a file, where it must be exact, and not into a log."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
