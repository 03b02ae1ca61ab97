"""Who runs this, and from which commit; for the ledger's list of runs."""

from __future__ import annotations

import getpass
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def who(environ: Mapping[str, str]) -> str:
    """The person or job that runs the command; empty where nothing tells."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER"):
        if environ.get(name):
            return environ[name]
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return ""


def commit(folder: Path) -> str:
    """The commit that is checked out there; empty where the folder lies in no git repository."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10,
                              check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
