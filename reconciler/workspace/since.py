"""Which entries differ from an earlier revision, compared as they resolve, not as they are written."""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.errors import Invalid, Usage
from reconciler.manifest import MANIFESTS, OVERLAYS
from reconciler.model import Resource
from reconciler.project import CONFIG


def changed_since(root: Path, ref: str, now: tuple[Resource, ...],
                  load: Callable[[Path], tuple[Resource, ...]]) -> frozenset[str]:
    """The addresses that differ from the merge base of `ref` and HEAD, removed ones included.

    Usage when git can't tell (no such revision, a shallow clone). Where the earlier manifests are broken, or knew
    no such stack, everything counts as changed.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        extract(root, _merge_base(root, ref), Path(folder))
        try:
            then = {one.address: one for one in load(Path(folder))}
        except (Invalid, Usage):
            then = {}
    here = {one.address: one for one in now}
    return frozenset(str(a) for a in here.keys() | then.keys() if not _same(here.get(a), then.get(a)))


def _same(one: Resource | None, other: Resource | None) -> bool:
    return one is not None and other is not None and one.fields == other.fields and one.lifecycle == other.lifecycle


def commit_of(root: Path, ref: str) -> str:
    """The commit that a revision names; Usage when there is none."""
    if not ref or ref.startswith("-"):
        raise Usage(f"{ref!r} is not a revision")
    done = git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if done.returncode != 0:
        raise Usage(f"there is no revision {ref}", "git log lists them; a shallow clone may lack it")
    return done.stdout.decode().strip()


def _merge_base(root: Path, ref: str) -> str:
    if not ref or ref.startswith("-"):
        raise Usage(f"{ref!r} is not a revision")
    if git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        raise Usage(f"the clone is shallow, so what {ref} and HEAD have in common can't be told",
                    "fetch the whole history (fetch-depth: 0)")
    done = git(root, "merge-base", ref, "HEAD")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise Usage(f"there is no common commit with {ref}" + (f": {said[-1]}" if said else ""),
                "fetch that revision, with its history")


def extract(root: Path, commit: str, folder: Path) -> None:
    """What a stack is read from; links are left out, for nothing outside is read through them."""
    there = git(root, "ls-tree", "--name-only", "-z", commit).stdout.decode("utf-8", "surrogateescape").split("\0")
    wanted = [name for name in there if name in (CONFIG, MANIFESTS, OVERLAYS)]
    if not wanted:
        return  # the project did not exist then
    done = git(root, "archive", "--format=tar", commit, *wanted)
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise Usage(f"git can't read {commit[:10]}" + (f": {said[-1]}" if said else ""), "git fsck says what is wrong")
    import tarfile

    safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        for one in tar.getmembers():
            if one.isfile() or one.isdir():
                tar.extract(one, folder, **safe)


def git(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """One git command in the project; Usage where there is no git."""
    try:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
    except OSError as error:
        raise Usage(f"git could not be run: {error.strerror}", "install git: revisions are read with it") from error
