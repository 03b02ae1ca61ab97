"""T14: what is installed is what was locked, byte for byte, and nothing runs while it is installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements-dev.txt").read_text("utf-8")


def locked() -> dict[str, str]:
    """Each requirement of the lock with all that stands below it."""
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.MULTILINE)[1:]
    return {re.split(r"[\[=<>;@ ]", block, maxsplit=1)[0].lower().replace("_", "-"): block for block in blocks}


def test_t14_every_requirement_is_pinned_with_its_hashes() -> None:
    """One version each, with the SHA-256 of every file that may be installed for it; no address, no branch, no editable."""
    found = locked()
    assert len(found) > 20
    for name, block in found.items():
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==[^ *]+", block), name
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), name
    assert not re.search(r"https?://|git\+|file:|^-e|^--(extra-)?index-url|^--trusted", LOCK, re.MULTILINE)


def test_t14_what_the_package_needs_is_in_the_lock() -> None:
    """Its own requirements and those of every extra: tests run with what users get."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [*project["dependencies"], *(need for extra in project["optional-dependencies"].values() for need in extra)]
    names = {re.split(r"[\[<>=;~ ]", need, maxsplit=1)[0].lower().replace("_", "-") for need in needs}
    assert names - {"reconciler"} <= locked().keys()


def test_t14_everything_is_installed_by_hash_alone() -> None:
    """The Makefile and the workflows install with --require-hashes, and the project itself without its requirements."""
    files = [ROOT / "Makefile", *(ROOT / ".github" / "workflows").glob("*.yml")]
    lines = [line for path in files if path.exists() for line in path.read_text("utf-8").splitlines()
             if re.search(r"\bpip\b.*\binstall\b|\$\(PIP\) install", line) and not line.lstrip().startswith("#")]
    assert lines
    assert all("--require-hashes" in line or "--no-deps" in line for line in lines), lines
