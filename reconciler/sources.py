"""Named secrets: read late, from where reconciler.yaml says, each once; and what must be struck out of any text."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.errors import Failure, Invalid, Usage
from reconciler.project import Source, Stack
from reconciler.secret import Given, Secret, disguises
from reconciler.suggest import did_you_mean

Reach = Callable[[str, str], Secret]
"""Reads one key at one path of a vendor that keeps secrets; Failure when there is no such vendor or secret."""

SHORTEST = 5
"""A shorter secret is not struck out of texts: it would take ordinary words with it."""


class Redactor:
    """Strikes every secret that was read out of a text; the last net, for texts that a vendor or program wrote."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def add(self, secret: Secret) -> Secret:
        """Remember a secret and each long line of one that has several, as they may be quoted."""
        value = secret.reveal()
        parts = {part for part in (value, value.strip(), *value.splitlines()) if len(part) >= SHORTEST}
        with self._lock:
            self._seen.update(form for part in parts for form in disguises(part))
        return secret

    def clean(self, text: str) -> str:
        """The text without them."""
        with self._lock:
            seen = sorted(self._seen, key=len, reverse=True)
        for part in seen:
            if part in text:
                text = text.replace(part, "(secret)")
        return text


class Secrets:
    """The secrets of one stack by name. With `placeholders` nothing is read, and every one is made up.

    Invalid when a source is missing or empty; `vault` and other stores are reached through `reach`.
    """

    def __init__(self, stack: Stack, environ: Mapping[str, str], root: Path, redactor: Redactor, *,
                 placeholders: bool = False, reach: Reach | None = None) -> None:
        self.stack, self.environ, self.root, self.redactor = stack, environ, root, redactor
        self.placeholders, self.reach = placeholders, reach
        self._known: dict[str, Secret] = {}
        self._lock = threading.RLock()

    def __call__(self, name: str) -> Secret:
        """One secret, read when it is first asked for."""
        with self._lock:
            if name not in self._known:
                source = self.stack.secrets.get(name)
                if source is None:
                    raise Usage(f"there is no secret {name!r} in reconciler.yaml", did_you_mean(name, self.stack.secrets))
                self._known[name] = self.read(source, "secrets", name)
            return self._known[name]

    def read(self, source: Source, *path: str) -> Secret:
        """What one source holds; `path` is where reconciler.yaml names it."""
        if self.placeholders:
            return Secret(f"placeholder of {'.'.join(path)}")
        try:
            value = self._read(source)
        except Failure as error:
            raise Invalid([self.stack.problem(f"{path[-1]}: {error.message}", *path, help=error.next)]) from error
        if not value:
            raise Invalid([self.stack.problem(f"{path[-1]} is empty", *path)])
        return self.redactor.add(Secret(value))

    def _read(self, source: Source) -> str:
        if source.env is not None:
            return variable(self.environ, source.env)
        if source.file is not None:
            return self._file(source.file)
        if source.op is not None:
            return _program(["op", "read", "--no-newline", source.op], self.environ)
        if self.reach is None:
            raise Usage("no vault is configured to read it from", "add one under vendors: in reconciler.yaml")
        return self.reach(source.vault or "", source.key or "").reveal()

    def _file(self, name: str) -> str:
        try:
            return (self.root / Path(name).expanduser()).read_text("utf-8").rstrip("\n")
        except OSError as error:
            raise Usage(f"{name} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Usage(f"{name} is not UTF-8 text") from error


def variable(environ: Mapping[str, str], name: str) -> Given:
    """An environment variable; an unset or empty one is a mistake."""
    value = environ.get(name)
    if value is None:
        raise Usage(f"the environment variable {name} is not set", f"export {name}=…")
    if not value:
        raise Usage(f"the environment variable {name} is empty", f"export {name}=…")
    return Given(value)


def _program(command: list[str], environ: Mapping[str, str]) -> str:
    """What a secret store's own program prints; its complaints may hold anything and are not repeated."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(environ))
    except (OSError, subprocess.SubprocessError) as error:
        raise Usage(f"`{command[0]}` could not be run ({type(error).__name__})", f"is `{command[0]}` installed?") from error
    if done.returncode != 0:
        raise Usage(f"`{command[0]}` exited with {done.returncode}", f"run it yourself: {' '.join(command[:2])} {command[-1]}")
    return done.stdout


class CommandSink:
    """A declared program that is given a secret on its standard input, and nothing of it on its command line."""

    def __init__(self, name: str, command: list[str], root: Path, environ: Mapping[str, str]) -> None:
        self.name, self.command, self.root, self.environ = name, command, root, environ

    def check(self, delivery: object) -> None:
        """Whether the program is there, before anything is made whose secret it shall take."""
        from shutil import which

        if which(self.command[0], path=self.environ.get("PATH")) is None:
            raise Usage(f"the sink {self.name} runs {self.command[0]!r}, which is not on the PATH")

    def put(self, delivery: object, value: Secret) -> str:
        """Hand it over; the receipt is the sink's name."""
        try:
            done = subprocess.run(self.command, input=value.reveal(), text=True, capture_output=True, timeout=120,
                                  check=False, cwd=self.root, env=dict(self.environ))
        except (OSError, subprocess.SubprocessError) as error:
            raise Usage(f"the sink {self.name} could not be run ({type(error).__name__})") from error
        if done.returncode != 0:
            raise Usage(f"the sink {self.name} exited with {done.returncode}")
        return self.name
