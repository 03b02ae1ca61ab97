"""Broken manifests and configurations: each in tests/manifest/broken, with what has to be said of it and where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.errors import Failure, Invalid
from reconciler.workspace import Options, Workspace

CASES = sorted((Path(__file__).parent / "broken").glob("*.txt"))


def refuse(request: httpx.Request) -> httpx.Response:
    """No vendor is asked anything."""
    raise AssertionError(f"{request.method} {request.url} was sent")


def said(error: Invalid, folder: Path) -> list[str]:
    """Each problem as one line, in the order in which they are shown."""
    def order(problem: Any) -> Any:
        return (problem.at.file, problem.at.line, problem.at.column) if problem.at else ("", 0, 0)

    return [" | ".join(part for part in (f"{p.at or '-'}: {p.message}".replace(str(folder), "PROJECT"), p.hint, p.help) if part)
            for p in sorted(error.problems, key=order)]


def asked(command: str, folder: Path) -> None:
    """One command over a project, with vendors that nobody may ask."""
    transports = {name: httpx.MockTransport(refuse) for name in ("stripe", "stripe_eu")}
    with Workspace(Options(dir=folder), environ={"STRIPE_API_KEY": "sk_test_x"}, transports=transports) as workspace:
        getattr(workspace, command)()


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem, indirect=True)
def test_every_mistake_is_told_at_its_place(case: tuple[Any, Path]) -> None:
    """All problems come in one run, each with file, line, column and a next step, and nothing is sent or written."""
    expected, folder = case
    before = sorted(folder.rglob("*"))
    for command in ("validate", "plan"):
        with pytest.raises(Failure) as caught:
            asked(command, folder)
        assert isinstance(caught.value, Invalid)
        assert said(caught.value, folder) == expected.expected
    assert sorted(folder.rglob("*")) == before


def test_there_are_many() -> None:
    """At least sixty ways to be wrong are kept."""
    assert len(CASES) >= 60


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_exits_3_without_a_traceback(form: str, tmp_path: Path) -> None:
    """`validate` tells all mistakes of all files with carets, or as JSON, and exits 3."""
    from tests.manifest.conftest import Case

    Case(Path(__file__).parent / "broken" / "many-at-once.txt").write(tmp_path)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-m", "reconciler", "validate", "--format", form], cwd=tmp_path, text=True,
                          capture_output=True, check=False, env=environ)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    if form == "json":
        assert json.loads(done.stdout)["error_count"] == 6
    else:
        assert done.stdout == ""
        assert done.stderr.count("error: ") == 6
        assert "manifests/billing.yaml:2:18" in done.stderr
        assert "^^^^^^" in done.stderr
