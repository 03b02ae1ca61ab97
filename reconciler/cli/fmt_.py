"""`fmt`: every YAML file of a project in one layout, comments kept; needs no valid project, only valid YAML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from reconciler.cli.console import Console
from reconciler.cli.flags import FOLDER, SPEAKING, flags, options
from reconciler.cli.session import reader
from reconciler.errors import Invalid, Usage
from reconciler.manifest import MANIFESTS, OVERLAYS
from reconciler.manifest.layout import laid_out
from reconciler.manifest.writing import put
from reconciler.model import Location, Problem
from reconciler.output.escape import safe
from reconciler.project import CONFIG


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Write nothing; exit 2 and name the files that would be written.")
@flags(FOLDER, SPEAKING)
@click.pass_obj
def command(console: Console, /, *, paths: tuple[Path, ...], check: bool, **given: Any) -> int:
    """Lay out manifests, overlays, tests and reconciler.yaml: two spaces a level, short maps on one line, comments kept.

    A PATH is a file or a folder; without one, all of the project. Prints the files that it writes. What a file says stays
    the same, or it is not written; while any file is broken, none is.

    Exit codes: 0 fine, 2 something would be written (with --check), 3 findings.
    """
    chosen = options(console, given)
    console.source = reader(chosen)
    made: dict[Path, bytes] = {}
    names: list[str] = []
    problems: list[Problem] = []
    for path in _files(chosen.dir, paths):
        shown = path.as_posix() if paths else path.relative_to(chosen.dir).as_posix()
        try:
            before = path.read_bytes()
            after = laid_out(before, shown).encode()
        except OSError as error:
            problems.append(Problem(f"the file can't be read: {error.strerror}", Location(shown, 1, 1)))
        except Invalid as error:
            problems.extend(error.problems)
        else:
            if after != before:
                made[path] = after
                names.append(shown)
    if problems:
        raise Invalid(problems)
    if not check:
        put(made)
    for name in names:
        console.data(safe(name))
    return 2 if check and made else 0


def _files(root: Path, paths: tuple[Path, ...]) -> Iterator[Path]:
    """Every file that is meant, each once, sorted; Usage for a path that is none."""
    found: dict[Path, None] = {}
    for path in paths or [root / name for name in (CONFIG, MANIFESTS, OVERLAYS)]:
        if path.is_dir():
            inner = (one for one in path.rglob("*.yaml") if one.is_file() and not one.name.startswith("."))
            found.update(dict.fromkeys(sorted(inner)))
        elif path.is_file() and path.suffix == ".yaml":
            found[path] = None
        elif paths:
            raise Usage(f"{path} is no YAML file and no folder" if path.exists() else f"there is no {path}",
                        "name files that end in .yaml, or folders")
    if not found:
        raise Usage(f"there is nothing to lay out in {root}", "--dir says where the project is")
    return iter(found)
