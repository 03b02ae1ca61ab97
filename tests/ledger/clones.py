"""Repositories for ledgers: a bare one that all share, and clones of it, with no settings of this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REF = "refs/reconciler/shop/test"
NAMED = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")


def git(folder: Path, *words: str, given: str | None = None) -> str:
    """One git command, and what it prints."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *NAMED, *words], cwd=folder, env=environ, text=True, errors="surrogateescape", check=True,
                          capture_output=True, input=given).stdout.strip()


def origin(path: Path) -> Path:
    """A bare repository that notes every push."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare")
    git(path, "config", "core.logAllRefUpdates", "always")
    git(path, "config", "receive.autogc", "false")
    return path


def clone(bare: Path, path: Path) -> Path:
    """A fresh clone that knows nothing of any ledger."""
    path.mkdir(parents=True)
    git(path, "init", "-q")
    git(path, "remote", "add", "origin", str(bare))
    return path


def pushes(bare: Path, ref: str = REF) -> int:
    """How often a ref was moved."""
    return len(git(bare, "reflog", "show", "--format=%h", ref).splitlines())
