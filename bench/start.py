"""Goals of the process start and of loading: G1 to G5."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from bench import gen
from bench.measure import ROOT, Bench, Failed, Row, ratio, seconds

HEAVY = {"httpx", "rich", "stripe", "hvac", "posthog", "psycopg", "boto3"}
HEAVIER = HEAVY | {"pydantic", "asyncio"}
STATIC = (("--help",), ("version",), ("completion", "bash"))


def project(bench: Bench, n: int, shape: str = "fan-out") -> Path:
    """A generated project for commands that reach no vendor."""
    folder = bench.work / f"{shape}-{n}"
    if not folder.exists():
        vendors = {"stripe": gen.stripe("http://127.0.0.1:9"), **({"vault": gen.VAULT} if shape == "mixed" else {})}
        gen.write(folder, gen.entries(n, shape), vendors)
    return folder


def nothing(bench: Bench) -> float:
    """`python -c pass`."""
    return bench.python("-c", "pass").checked().wall


def starts(word: str, bench: Bench) -> Iterator[Row]:
    """G1: what needs no project answers at once."""
    turns = bench.turns(partial(_walled, bench, (word,)), partial(nothing, bench))
    yield ratio("G1", word, turns, "python -c pass", 3, 1.5)


def _walled(bench: Bench, words: tuple[str, ...]) -> float:
    return bench.tool(*words).checked().wall


def imported(bench: Bench, *words: str) -> set[str]:
    """The modules, by their first name, that a command has loaded when it ends."""
    file = bench.work / "probe.json"
    file.unlink(missing_ok=True)
    bench.python(str(ROOT / "bench/probe.py"), str(file), *words).checked()
    return {name.partition(".")[0] for name in json.loads(file.read_text("utf-8"))["modules"]}


def bare(bench: Bench) -> Iterator[Row]:
    """G2: what is ready needs nothing."""
    found = {" ".join(words): sorted(imported(bench, *words) & HEAVIER) for words in STATIC}
    yield _row("help, version, completion", found)


def offline(bench: Bench) -> Iterator[Row]:
    """G2: what sends nothing needs no client."""
    words = ("validate", "-C", str(project(bench, 100, "mixed")))
    yield _row("validate", {"validate": sorted(imported(bench, *words) & HEAVY)})


def _row(what: str, found: dict[str, list[str]]) -> Row:
    names = sorted({name for one in found.values() for name in one})
    return Row("G2", f"{what}: {len(names)} imported {' '.join(names)}".rstrip(), "import list", len(names), 0, 0,
               details=found)


def validates(bench: Bench) -> Iterator[Row]:
    """G3: a hundred resources, as pre-commit asks for."""
    folder = project(bench, 100, "mixed")
    kinds = len({entry.kind for entry in gen.entries(100, "mixed")})
    turns = bench.turns(partial(_walled, bench, ("validate", "-C", str(folder))), partial(nothing, bench))
    yield ratio("G3", f"validate 100 in {kinds} kinds", turns, "python -c pass", 20, 17)


def loads(bench: Bench) -> Iterator[Row]:
    """G4: YAML with places against YAML without."""
    n = 1_000 if bench.quick else 10_000
    folder = str(project(bench, n))
    turns = bench.turns(lambda: bench.part("yaml_ours", folder)["seconds"],
                        lambda: bench.part("yaml_theirs", folder)["seconds"])
    yield ratio("G4", f"load {n:,} with places (CPU)", turns, "CSafeLoader without", 0.5, 0.25)


def grows(bench: Bench) -> Iterator[Row]:
    """G5: ten times as many resources cost ten times as much."""
    sizes = [1_000, 10_000, *([100_000] if bench.deep else [])]
    warm = str(project(bench, 100))
    for shape in gen.SHAPES if bench.deep else ("fan-out", "chain", "dense"):
        folders = [str(project(bench, n, shape)) for n in sizes]
        turns = bench.turns(*(partial(_each, bench, folder, warm) for folder in folders))
        each = [median(one) for one in turns]
        worst = max(one / each[0] for one in each[1:])
        figure = " -> ".join(f"{n:,}: {seconds(one)}" for n, one in zip(sizes, each, strict=True))
        yield Row("G5", f"load + validate a resource, {shape}, {figure} = {worst:.2f}x", "linear", worst, 1.2, 1.1,
                  details={"sizes": sizes, "each": turns})


def _each(bench: Bench, folder: str, warm: str) -> float:
    found = bench.part("validate", folder, warm)
    if not found["resources"]:
        raise Failed("nothing was validated")
    return found["seconds"] / found["resources"]
