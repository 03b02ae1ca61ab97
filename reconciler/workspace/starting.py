"""A new project: made aside, looked at there, and put into its folder whole or not at all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml as pyyaml

from reconciler import __version__
from reconciler.contract.vendor import Env, Settings
from reconciler.manifest import MANIFESTS, OVERLAYS
from reconciler.secret import Secret
from reconciler.workspace.settled import HOME

KEPT = ".gitkeep"
IGNORED = f"{HOME}/\n"
ASIDE = {"store": "sqlite", "ephemeral": True}
"""The ledger of a project that is still aside: nothing is ever recorded there."""

_LATER = """\
# As soon as a manifest holds a secret, its fingerprints are sealed:
# ledger: {store: git, key: {env: RECONCILER_KEY}}
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One setting that a connection needs or may take: its variable, and where it is no credential what a person is asked.

    `guess` stands for it until the vendor has said better; `secret` settings are never asked for, only their variable is.
    """

    name: str
    variable: str
    ask: str
    guess: str
    secret: bool
    required: bool


def questions(model: type[Settings]) -> Iterator[Question]:
    """The settings that have a variable of the vendor's own."""
    for name, info in model.model_fields.items():
        for env in (meta for meta in info.metadata if isinstance(meta, Env)):
            yield Question(name, env.name, env.ask, env.guess, info.annotation is Secret, info.is_required())


def unasked(model: type[Settings], environ: Mapping[str, str]) -> dict[str, Any]:
    """A connection's settings where nobody is asked: credentials by their variables, the others where they are set."""
    found: dict[str, Any] = {}
    for one in questions(model):
        if one.secret or environ.get(one.variable) or (one.required and not one.guess):
            found[one.name] = {"env": one.variable}
        elif one.required:
            found[one.name] = one.guess
    return found


def name_of(folder: Path) -> str:
    """A project's name made of its folder's."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "project"


def config(project: str, ledger: Mapping[str, Any], vendors: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of reconciler.yaml."""
    lines = ["# yaml-language-server: $schema=schemas/reconciler.json", f"project: {project}", f'requires: "{_requires()}"',
             f"ledger: {_flow(ledger)}"]
    vendor_lines = [line for connection, settings in vendors.items() for line in _connection(connection, settings)]
    return "\n".join([*lines, "vendors:", *vendor_lines, ""]) + (_LATER if ledger.get("store") == "git" else "")


def _connection(name: str, settings: Mapping[str, Any]) -> Iterator[str]:
    if not settings:
        yield f"  {name}: {{}}"
        return
    yield f"  {name}:"
    yield from (f"    {setting}: {_flow(value)}" for setting, value in settings.items())


def _flow(value: Any) -> str:
    text: str = pyyaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _requires() -> str:
    major, minor = (int(part) for part in __version__.split(".")[:2])
    return f">={major}.{minor},<{f'0.{minor + 1}' if not major else major + 1}"


def repository(folder: Path) -> Path | None:
    """The root of the git repository that a folder lies in."""
    here = folder.resolve()
    return next((parent for parent in (here, *here.parents) if (parent / ".git").exists()), None)


# aside, then in place


@contextmanager
def aside(root: Path) -> Iterator[Path]:
    """A folder with what the project's has already; it is gone afterwards."""
    with TemporaryDirectory(prefix="reconciler-") as made:
        folder = Path(made)
        for name in (MANIFESTS, OVERLAYS, f"{HOME}/sandbox"):
            if (root / name).is_dir():
                shutil.copytree(root / name, folder / name)
        (folder / MANIFESTS).mkdir(exist_ok=True)
        yield folder


def place(texts: Mapping[Path, str], grown: Mapping[Path, str], write: Callable[[Path, str], None]) -> list[Path]:
    """Write these files where there are none yet, then those that grow; the new ones. A failure takes them back."""
    done: list[Path] = []
    made: dict[Path, None] = {}
    try:
        for path, text in texts.items():
            if path.exists():
                continue
            made.update(dict.fromkeys(parent for parent in path.parents if not parent.exists()))
            done.append(path)
            write(path, text)
        for path, text in grown.items():
            write(path, text)
    except BaseException:
        for path in done:
            path.unlink(missing_ok=True)
        for folder in sorted(made, key=lambda one: len(one.parts), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise
    return done


def ignoring(path: Path) -> dict[Path, str]:
    """A .gitignore that is there, with our line too; nothing where it has it already, or is not there yet."""
    before = path.read_text("utf-8") if path.exists() else IGNORED
    if any(line.strip().strip("/") == HOME for line in before.splitlines()):
        return {}
    return {path: before + ("" if before.endswith("\n") or not before else "\n") + IGNORED}
