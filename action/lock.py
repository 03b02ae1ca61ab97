"""Writes action/requirements.txt: the part of requirements-dev.txt that reconciler runs on, all extras, with its hashes.

`make lock` calls it; on whichever Python and Linux or macOS a package is needed, it is in it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires
from itertools import product
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
HEAD = "# What reconciler runs on, all extras, with hashes; `make lock` takes it out of requirements-dev.txt.\n"
WHERE = [{"python_version": python, "python_full_version": f"{python}.0", "sys_platform": platform}
         for python, platform in product(("3.11", "3.12", "3.13", "3.14"), ("linux", "darwin"))]


def text() -> str:
    """The file as it has to be now."""
    locked = pins((ROOT / "requirements-dev.txt").read_text("utf-8"))
    return HEAD + "\n".join(locked[name] for name in sorted(needed())) + "\n"


def pins(lock: str) -> dict[str, str]:
    """Each package of a lock with its version and hashes, without remarks."""
    parts = [part for part in re.split(r"\n(?=[A-Za-z0-9])", lock) if "==" in part]
    kept = ("\n".join(line for line in part.splitlines() if line.strip(" #") and line.lstrip()[0] != "#") for part in parts)
    return {_name(part.partition("=")[0]): part for part in kept}


def needed() -> set[str]:
    """Every package that a user of this project has installed, the last one down included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = (one for extra in project["optional-dependencies"].values() for one in extra)
    found: set[tuple[str, frozenset[str]]] = set()
    _follow((one for one in (*project["dependencies"], *extras) if Requirement(one).name != project["name"]), found)
    return {name for name, _ in found}


def _follow(wanted: Iterable[str], found: set[tuple[str, frozenset[str]]]) -> None:
    for one in map(Requirement, wanted):
        key = (_name(one.name), frozenset(one.extras))
        if key not in found:
            found.add(key)
            _follow(_below(one), found)


def _below(one: Requirement) -> Iterator[str]:
    """What a package itself needs, with the extras that are asked for; what is not installed here needs nothing we know of."""
    try:
        below = requires(one.name) or ()
    except PackageNotFoundError:
        return
    for text in below:
        marker = Requirement(text).marker
        if marker is None or any(marker.evaluate({**where, "extra": extra}) for where in WHERE for extra in {"", *one.extras}):
            yield text


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", text.strip().partition("[")[0]).lower()


if __name__ == "__main__":
    (ROOT / "action" / "requirements.txt").write_text(text(), "utf-8")
