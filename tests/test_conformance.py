"""Every kind passes the one suite: its case file says what there is to try, its vendor's places where.

All that goes over the wire meanwhile stands before the referee, as the vendor's own document describes it.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import pytest

from reconciler.conformance import Case, Trial, gaps, in_sandbox, read, read_all, trials
from tests.referee import Habits, appointed, judge

ROOT = Path(__file__).parents[1]
CASES = read_all(ROOT / "tests" / "cases")
VENDORS = sorted({case.vendor.name for case in CASES})
SEED = int(os.environ.get("SEED", "1"))


def share(every: Iterable[Trial]) -> list[Trial]:
    """All trials, but of the edits by hand one in six, by seed: each patch is tried as a change too."""
    if os.environ.get("CONFORMANCE") == "whole":
        return list(every)
    return [one for one in every if not one.name.startswith("by-hand") or crc32(f"{SEED} {one}".encode()) % 6 == 0]


def habits(vendor: str) -> Habits:
    """What the referee must know of a vendor: HABITS in its folder's habits.py or desk.py."""
    home = next(name for name in ("habits", "desk") if (ROOT / "tests" / vendor / f"{name}.py").exists())
    found: Habits = importlib.import_module(f"tests.{vendor}.{home}").HABITS
    return found


@pytest.mark.parametrize("trial", share(trials(CASES)), ids=str)
def test_a_kind_keeps_its_promises(trial: Trial) -> None:
    """Each promise of the contract holds for each kind in its vendor's sandbox, and each request is as described."""
    place, vendor = in_sandbox(trial.case.vendor), trial.case.vendor.name
    trial.run(place)
    assert not judge(f"{vendor}.json", habits(vendor), place.exchanges)


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_referee_is_there(vendor: str) -> None:
    """Where the vendors' documents are missing nothing was judged, and this says so."""
    assert appointed(f"{vendor}.json", habits(vendor)).document["paths"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_field_has_its_cases(case: Case) -> None:
    """Each field of a kind is set, changed, cleared and left out in its case file, or the file says why it can't be."""
    assert not gaps(case)


def test_every_kind_says_who_else_was_asked() -> None:
    """Nothing counts as right about a vendor because our own sandbox says so: each case names who else does."""
    assert [str(case) for case in CASES if not case.said.checked] == []


def test_the_case_file_of_the_docs_passes(tmp_path: Path) -> None:
    """What docs/conformance.md shows is a case file as it stands."""
    shown = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "conformance.md").read_text("utf-8"), re.DOTALL)
    assert shown
    (tmp_path / "product.yaml").write_text(shown[1], "utf-8")
    for trial in trials([read(tmp_path / "product.yaml")]):
        if trial.name != "paged":
            trial.run(in_sandbox(trial.case.vendor))
