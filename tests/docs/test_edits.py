"""What a reviewer reads of the example stack after the edits of an ordinary week."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EDITS = {
    "billing.yaml": ("unit_amount: 2900\n", "unit_amount: 3500\n"),
    "product.yaml": ("rollout_percentage: 25\n", "rollout_percentage: 50\n"),
}
RENAMED = ("  report_exported: {", "  report_exported: {name: result_exported, ")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example stack that stands in the sandbox."""
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    shutil.copy(ROOT / "reconciler.yaml", tmp_path)
    run(tmp_path, "apply", "--auto-approve", "--allow", "money,access", "--quiet")
    return tmp_path


def run(project: Path, *words: str) -> str:
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(project)}
    done = subprocess.run(["reconciler", *words, "--sandbox"], cwd=project, env=environ,
                          text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_three_edits_read_without_knowing_the_vendor(project: Path) -> None:
    """A price rise, a flag for half of the enterprise customers, a renamed event: what each means in money and behaviour."""
    for file, (old, new) in EDITS.items():
        path = project / "manifests" / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, (file, old)
        path.write_text(text.replace(old, new).replace(*RENAMED), "utf-8")
    shown = " ".join(run(project, "plan").split())
    for said in ("unit_amount 2900 -> 3500 (29.00 -> 35.00 USD, +20.7%)", "old price archived",
                 "25 % of users in cohort Enterprise customers -> 50 % of users in cohort Enterprise customers",
                 'who sees "How good is the generated SQL?" changes with it', "name report_exported -> result_exported",
                 "charts, cohorts and actions of report_exported stay with that name",
                 "Plan: 0 to create, 3 to update, 2 to replace, 0 to delete", "Impact: money 2, behavioural 3."):
        assert said in shown, shown
