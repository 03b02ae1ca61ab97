"""Every example in the docs is run: files are written, commands typed, and what they print is compared."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from reconciler.cli.program import run as reconciler

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
EMPTY = "<!-- begins in an empty folder -->"
PLAIN = re.compile(r"""reconciler ((?:[^|&;<>$`*\\\n]|\\\n)*?)"""
                   r"""(?: (> /dev/null|\| (?:head|tail) -n \d+))?( \|\| echo "exit \$\?"|; echo "exit \$\?")?""")
"""A call of reconciler and nothing else, but for what is kept of its output, and its exit code."""
FENCE = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block; `title` is the file that it is."""

    language: str
    title: str
    text: str


@dataclass(frozen=True)
class Typed:
    """One command of a console block, and what stands below it."""

    command: str
    printed: str


def blocks(page: Path) -> list[Block]:
    return [Block(*(part or "" for part in hit.groups())) for hit in FENCE.finditer(page.read_text("utf-8"))]


def typed(text: str) -> Iterator[Typed]:
    """`$ command`, a line that ends in a backslash goes on in the next; the rest is what it prints."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    for part in parts:
        lines = part.splitlines()
        end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
        yield Typed("\n".join(lines[: end + 1]), "\n".join(lines[end + 1:]).strip("\n"))


def fits(printed: str, expected: str) -> bool:
    """Whether an output is what the page shows; `…` stands for anything in a line, alone in a line for any lines."""
    pattern = ""
    for line in expected.split("\n"):
        pattern += r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line).replace("…", ".*?") + r"[ ]*\n"
    return re.fullmatch(pattern, printed.strip("\n") + "\n") is not None


def run(command: str, folder: Path, environ: dict[str, str]) -> str:
    """What a command prints. One that only calls reconciler is run in this process, because most of its time is the start."""
    plain = PLAIN.fullmatch(command)
    if plain is None:
        return subprocess.run(["bash", "-c", command], cwd=folder, env=environ, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    words, cut, told = plain.groups()
    out = err = io.StringIO()
    if cut:
        out = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (patch.object(sys, "stdout", out), patch.object(sys, "stderr", err), patch.object(sys, "stdin", io.StringIO("")),
              patch.object(sys, "excepthook", sys.excepthook), patch.dict(os.environ, environ, clear=True)):
            code = reconciler(shlex.split(words.replace("\\\n", " ")))
    finally:
        os.chdir(before)
    if cut and cut.startswith("|"):
        code = 0  # that of a pipe is its last command's
    said = err.getvalue() + (kept(out.getvalue(), cut) if cut else "")
    return said + (f"exit {code}\n" if told and (code or told.startswith(";")) else "")


def kept(text: str, cut: str) -> str:
    """What is left of an output after its pipe."""
    lines = text.splitlines(keepends=True)
    number = int(cut.rpartition(" ")[2]) if cut.startswith("|") else 0
    return "".join(lines[:number] if " head " in cut else lines[len(lines) - number:])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example project, for commands that need one."""
    for name in ("reconciler.yaml", "manifests", "schemas"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_is_what_happens(page: Path, project: Path) -> None:
    """The blocks of a page, one after the other, in a project of their own; a page that writes files starts from nothing."""
    found = blocks(page)
    if EMPTY in page.read_text("utf-8"):
        shutil.rmtree(project)
        project.mkdir()
    elif any(block.title == "reconciler.yaml" for block in found):
        shutil.rmtree(project / "manifests")
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(project), "LANG": "C.UTF-8"}
    for block in found:
        if block.title:
            path = project / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        for one in typed(block.text) if block.language == "console" else ():
            said = run(one.command, project, environ)
            assert fits(said, one.printed), f"$ {one.command}\n{said}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder of this repository."""
    for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / link).exists(), link
