"""Which entries differ from an earlier revision, compared as they resolve, not as they are written."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.errors import Invalid, Usage
from reconciler.model import Resource


def changed_since(root: Path, ref: str, now: tuple[Resource, ...],
                  load: Callable[[Path], tuple[Resource, ...]]) -> frozenset[str]:
    """The addresses that differ from the merge base of `ref` and HEAD, removed ones included.

    Usage when git can't tell (no such revision, a shallow clone). Where the earlier manifests are broken,
    everything counts as changed.
    """
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        _extract(root, _merge_base(root, ref), Path(folder))
        try:
            then = {one.address: one for one in load(Path(folder))}
        except Invalid:
            then = {}
    here = {one.address: one for one in now}
    return frozenset(str(a) for a in here.keys() | then.keys() if not _same(here.get(a), then.get(a)))


def _same(one: Resource | None, other: Resource | None) -> bool:
    return one is not None and other is not None and one.fields == other.fields and one.lifecycle == other.lifecycle


def _merge_base(root: Path, ref: str) -> str:
    if ref.startswith("-"):
        raise Usage(f"{ref!r} is not a revision")
    done = _git(root, "merge-base", ref, "HEAD")
    if done.returncode == 0:
        return done.stdout.decode().strip()
    shallow = _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise Usage(f"there is no common commit with {ref}" + (": the clone is shallow" if shallow else
                f": {said[-1]}" if said else ""), "fetch the whole history (fetch-depth: 0)")


def _extract(root: Path, commit: str, folder: Path) -> None:
    done = _git(root, "archive", "--format=tar", commit, ".")
    if done.returncode != 0:
        return  # the project's folder did not exist then
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(folder, filter="data")
        else:
            tar.extractall(folder, [one for one in tar.getmembers() if one.isfile() or one.isdir()])  # noqa: S202 - our own commit


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, check=False)
    except OSError as error:
        raise Usage(f"git could not be run: {error.strerror}", "--changed-since needs git") from error
