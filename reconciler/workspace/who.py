"""Who runs this, from which commit and for which pull request; for the ledger's list of runs."""

from __future__ import annotations

import getpass
import json
import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_MERGED = re.compile(r"\AMerge pull request #(\d+) from |\A[^\n]*\(#(\d+)\)(?:\n|\Z)")
"""How GitHub begins the commit that a merge makes: whole, or squashed into one."""


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


def pull_request(environ: Mapping[str, str]) -> int | None:
    """The number of the pull or merge request that a CI job is for, or whose merge it applies; None where nothing tells.

    GitHub says it in the ref (`refs/pull/7/merge`, a merge queue's `…/pr-7-…`), in the event, or in the message of the
    merge commit; GitLab in a variable.
    """
    hit = re.search(r"\Arefs/pull/(\d+)/|\Arefs/heads/gh-readonly-queue/.+/pr-(\d+)-", environ.get("GITHUB_REF", ""))
    found: Any = (hit[1] or hit[2]) if hit else environ.get("CI_MERGE_REQUEST_IID") or _of_event(environ)
    return int(found) if str(found or "").isdecimal() else None


def _of_event(environ: Mapping[str, str]) -> Any:
    try:
        event = json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_bytes())
        if "pull_request" in event:
            return event["pull_request"]["number"]
        hit = _MERGED.match(event["head_commit"]["message"])
    except (KeyError, OSError, TypeError, ValueError):
        return None
    return (hit[1] or hit[2]) if hit else None
