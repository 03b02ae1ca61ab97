"""Print how fast the tool is, as ratios taken in one run: goal, figure, yardstick, verdict; JSON in bench/out/.

    python bench/run.py                the goals that can be measured here
    python bench/run.py --quick G7     fewer pairs, smaller sizes, some goals
    python bench/run.py --deep         100,000 resources, all shapes, all change rates
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench import micro, plans, start  # noqa: E402  (after the line that makes them importable)
from bench.measure import ROOT, Bench, Failed, Row  # noqa: E402

Goal = Callable[[Bench], Iterator[Row]]
GOALS: tuple[tuple[tuple[str, ...], Goal], ...] = (
    (("G1",), partial(start.starts, "--help")), (("G1",), partial(start.starts, "version")), (("G2",), start.bare),
    (("G2",), start.offline), (("G3",), start.validates), (("G4",), start.loads), (("G5",), start.grows),
    (("G7", "G8", "G9"), plans.plans), (("G8",), plans.long_list), (("G10", "G11"), plans.applies),
    (("G12",), micro.ledger), (("G13",), micro.diff), (("G14",), micro.graph), (("G15",), plans.memory),
    (("DEEP",), plans.changed))
NAMES = tuple(dict.fromkeys(name for names, _ in GOALS for name in names))
UNMEASURED = "G6 is not measured here: it needs octoDNS in an environment of its own."
OUT = ROOT / "bench" / "out"
WIDTHS = (4, 62, 46)


def main() -> int:
    """Measure, print, keep."""
    given = _asked()
    OUT.mkdir(exist_ok=True)
    work = OUT / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    bench = Bench(work, pairs=given.pairs or (2 if given.quick else 5), quick=given.quick, deep=given.deep)
    wanted = {name.upper() for name in given.goals}
    _line("goal", "figure", "yardstick", "verdict")
    rows: list[Row] = []
    try:
        for names, goal in GOALS:
            if not wanted or wanted & {*names}:
                for row in _measured(names, goal, bench):
                    _line(row.goal, row.figure, row.yardstick, row.verdict)
                    rows.append(row)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        _keep(rows, bench)
    print(f"\n{UNMEASURED}\nTimes of machines differ: only the ratios of one run count. More: {OUT.name}/latest.json")
    return 1 if any(row.failed for row in rows) else 0


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("goals", nargs="*", metavar="GOAL", help=f"some of {' '.join(NAMES)}")
    asked.add_argument("--quick", action="store_true", help="two pairs and small sizes, to see that all of it runs")
    asked.add_argument("--deep", action="store_true", help="also 100,000 resources, every shape and change rate")
    asked.add_argument("--pairs", type=int, metavar="N", help="how often each side runs; 5 where nothing is said")
    given = asked.parse_args()
    unknown = {name.upper() for name in given.goals} - set(NAMES)
    if unknown:
        asked.error(f"{', '.join(sorted(unknown))}: the goals are {' '.join(NAMES)}")
    if given.pairs is not None and given.pairs < 1:
        asked.error("--pairs: at least one")
    return given


def _measured(names: Sequence[str], goal: Goal, bench: Bench) -> Iterator[Row]:
    """A goal's rows, and a row that says why for each that could not be measured."""
    told = set()
    try:
        for row in goal(bench):
            told.add(row.goal)
            yield row
    except (Failed, OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, AssertionError) as error:
        said = str(error) if isinstance(error, Failed) else f"{type(error).__name__}: {error}"
        for name in [name for name in names if name not in told] or names[-1:]:
            yield Row(name, "", "", failed=said)


def _line(*cells: str) -> None:
    """One line of the table; what is too long goes on below."""
    folded = [textwrap.wrap(cell, width) or [""] for cell, width in zip(cells[:3], WIDTHS, strict=True)]
    folded.append([cells[3]])
    for n in range(max(len(cell) for cell in folded)):
        parts = [(cell[n] if n < len(cell) else "").ljust(width)
                 for cell, width in zip(folded, (*WIDTHS, 0), strict=True)]
        print("  ".join(parts).rstrip(), flush=True)


def _keep(rows: list[Row], bench: Bench) -> None:
    """The same as JSON, with every single measurement."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    kept = {"commit": asked.stdout.strip(), "python": platform.python_version(), "cores": os.cpu_count(),
            "load": os.getloadavg(), "pairs": bench.pairs, "quick": bench.quick, "deep": bench.deep,
            "rows": [row.record() for row in rows]}
    (OUT / "latest.json").write_text(json.dumps(kept, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
