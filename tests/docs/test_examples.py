"""The examples do what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def run(*words: str, cwd: Path) -> str:
    done = subprocess.run(words, cwd=cwd, env={"PATH": PATH}, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A copy of the folder."""
    copy = tmp_path / "examples"
    shutil.copytree(ROOT / "examples", copy, ignore=shutil.ignore_patterns(".reconciler", ".env.generated"))
    return copy


def test_the_demo_ends_with_an_empty_plan() -> None:
    """It needs an empty environment and nothing else; the price is superseded on the way."""
    shown = run("bash", str(ROOT / "examples" / "demo.sh"), cwd=ROOT)
    assert "+/- supersede" in shown
    assert shown.rstrip().splitlines()[-1].startswith("No changes.")


@pytest.mark.parametrize(("stack", "entries"), [("staging", 3), ("production", 2)])
def test_an_overlay_says_how_a_stack_differs(examples: Path, stack: str, entries: int) -> None:
    """What an overlay leaves out is not planned, and the variables are the stack's own."""
    shown = run("reconciler", "plan", "--sandbox", "--dir", "stacks", "--stack", stack, cwd=examples)
    assert f"Plan: {entries} to create" in shown
    host = "https://shop.example/pro" if stack == "production" else "https://staging.shop.example/pro"
    assert host in shown


def test_an_application_finds_its_ids(examples: Path) -> None:
    """`output` writes what the application reads."""
    chosen = ("--sandbox", "--dir", "stacks", "--stack", "staging")
    run("reconciler", "apply", *chosen, "--auto-approve", "--allow", "money", cwd=examples)
    run("reconciler", "output", *chosen, cwd=examples)
    assert run(sys.executable, "app/checkout.py", "stacks/.env.generated", "pro_monthly", cwd=examples).startswith("price_")
