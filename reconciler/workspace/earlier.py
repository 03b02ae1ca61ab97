"""An earlier commit's manifests: planned over today's reconciler.yaml, or put back in the place of today's."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Usage
from reconciler.manifest import MANIFESTS, OVERLAYS
from reconciler.workspace.since import commit_of, extract, git

if TYPE_CHECKING:
    from reconciler.workspace.checked import Checked


def hold(workspace: Checked, ref: str) -> None:
    """Go on with the manifests of a revision; Usage when there are none, Invalid when they don't fit today's project."""
    root = workspace.settled.root
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        extract(root, commit_of(root, ref), Path(folder))
        if not (Path(folder) / MANIFESTS).is_dir():
            raise Usage(f"there was no {workspace.settled.prefix}{MANIFESTS}/ at {ref}", "name a later revision")
        workspace.hold(workspace.settled.manifests(workspace.connections, Path(folder), f"{ref}:"))


def committed(root: Path) -> None:
    """Usage where putting earlier manifests back would overwrite what no commit has."""
    for name in _differing(root):
        raise Usage(f"{name} has changes that no commit has", "commit them, or put them away (git stash -u)")


def restore(root: Path, ref: str) -> list[str]:
    """Put the manifests of a revision in the place of today's; the names of the files that changed."""
    commit = commit_of(root, ref)
    there = [name for name in (MANIFESTS, OVERLAYS)
             if git(root, "ls-files", "--", name).stdout or git(root, "ls-tree", commit, "--", name).stdout]
    done = git(root, "restore", f"--source={commit}", "--worktree", "--", *there)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Usage(f"git can't put the manifests back: {said[-1] if said else 'it failed'}")
    return _differing(root)


def _differing(root: Path) -> list[str]:
    """The manifests that are not as the last commit has them."""
    told = git(root, "status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", MANIFESTS, OVERLAYS).stdout
    return sorted(line[3:] for line in told.decode("utf-8", "replace").split("\0") if line)


def text(root: Path, name: str) -> str | None:
    """A file as a revision has it, by the name that messages show (`REF:PATH`); None where there is none."""
    ref, colon, _ = name.partition(":")
    if not colon or ref.startswith("-"):
        return None
    done = git(root, "show", name)
    return done.stdout.decode("utf-8-sig", "replace") if done.returncode == 0 else None
