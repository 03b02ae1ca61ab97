"""The CI workflows that `init` writes: the texts of examples/ci, with the project's own variables in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from reconciler.workspace.starting import Question, repository

SHIPPED = Path(__file__).parent / "ci"
"""Where a wheel has them (pyproject.toml, force-include); a checkout has them at their own place."""

ACTION = "reconciler/reconciler@0000000000000000000000000000000000000000"
"""What stands in the texts for the action: a commit can't name itself."""

RELEASED = "action.txt"
"""The file beside the texts in which a release says what takes that place, `OWNER/REPOSITORY@COMMIT  # TAG`."""

BY_HAND = frozenset({"fork", "by-hand"})
"""What a maintainer starts; each is explained in the docs, and added when it is wanted."""

_NAMED = re.compile(r"# (\S+\.yml)\b")
_STAND_IN = re.compile(r"^( +)STRIPE_API_KEY: \$\{\{ secrets\.STRIPE_API_KEY \}\}\n", re.MULTILINE)


def workflows(folder: Path, variables: Mapping[str, Question]) -> tuple[dict[Path, str], str]:
    """The files by their paths, or why there are none; `variables` are those that reconciler.yaml names."""
    root = repository(folder)
    if root is None:
        return {}, "outside a git repository no CI workflow is written"
    if root != folder.resolve():
        return {}, "no CI workflow is written: those that are shipped are for a project at its repository's root"
    host = _host(folder)
    home = _home() / host
    lines = [f"{name}: ${{{{ {'secrets' if one.secret else 'vars'}.{name} }}}}" for name, one in sorted(variables.items())]
    made: dict[Path, str] = {}
    for path in sorted(home.glob("*.yml")):
        text = path.read_text("utf-8")
        named = _NAMED.match(text)
        if named is not None and path.stem not in BY_HAND:
            text = _STAND_IN.sub(lambda hit: "".join(f"{hit[1]}{line}\n" for line in lines), text)
            made[folder / named[1]] = text.replace(ACTION, released() or ACTION)
    return made, "" if made else f"there is no CI workflow for {host} yet"


def released() -> str:
    """The action as a workflow names it, pinned to the commit of this release; nothing where this is no release."""
    file = _home() / RELEASED
    return file.read_text("utf-8").strip() if file.is_file() else ""


def _home() -> Path:
    return SHIPPED if SHIPPED.is_dir() else Path(__file__).parents[2] / "examples" / "ci"


def _host(folder: Path) -> str:
    """GitLab where a remote says so, else GitHub."""
    words = ["git", "remote", "--verbose"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return "github"
    return "gitlab" if "gitlab" in done.stdout else "github"
