"""Every kind passes the one suite: its case file says what there is to try, its vendor's places where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.conformance import Case, Trial, gaps, in_sandbox, read, read_all, trials

ROOT = Path(__file__).parents[1]
CASES = read_all(ROOT / "tests" / "cases")
SANDBOXED = [case for case in CASES if case.vendor.name != "vault"]


@pytest.mark.parametrize("trial", trials(SANDBOXED), ids=str)
def test_a_kind_keeps_its_promises(trial: Trial) -> None:
    """Each promise of the contract holds for each kind in its vendor's sandbox."""
    trial.run(in_sandbox(trial.case.vendor))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_field_has_its_cases(case: Case) -> None:
    """Each field of a kind is set, changed, cleared and left out in its case file, or the file says why it can't be."""
    assert not gaps(case)


def test_the_case_file_of_the_docs_passes(tmp_path: Path) -> None:
    """What docs/conformance.md shows is a case file as it stands."""
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "conformance.md").read_text("utf-8"), re.DOTALL)
    assert shown
    (tmp_path / "product.yaml").write_text(shown[1], "utf-8")
    for trial in trials([read(tmp_path / "product.yaml")]):
        if trial.name != "paged":
            trial.run(in_sandbox(trial.case.vendor))
