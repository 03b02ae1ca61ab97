"""The house keeps its shape: layers, what the engine must not know, and the length of files and functions."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.contract import Kinds, registry

ROOT = Path(__file__).parents[1]
CODE = sorted(path for folder in ("reconciler", "tests", "bench") for path in (ROOT / folder).rglob("*.py")
              if "out" not in path.parts)
LONGEST_FILE, LONGEST_FUNCTION, NEAR_THE_TOP = 300, 40, 12

IMPORT_ALL = """
import importlib, pkgutil, sys
for package in sys.argv[1].split(","):
    module = importlib.import_module(package)
    for found in pkgutil.walk_packages(getattr(module, "__path__", ()), package + "."):
        importlib.import_module(found.name)
print(*sorted(name for name in sys.modules if name.startswith(("httpx", "httpcore", "stripe", "hvac", "rich", "asyncio",
      "reconciler.vendors.", "reconciler.sandbox", "reconciler.output", "reconciler.contract.http"))))
"""


def named(path: Path) -> str:
    """A file as it is called from the root."""
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a file, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def test_each_layer_imports_only_what_stands_below_it() -> None:
    """import-linter holds the contracts of pyproject.toml; in a process of its own, because it silences our loggers."""
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("packages", ["reconciler.engine", "reconciler.manifest,reconciler.derive,reconciler.ledger"])
def test_nothing_heavy_comes_along(packages: str) -> None:
    """Importing all of the engine, or all that checks manifests, loads no vendor, no client and no output."""
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, packages], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("path", CODE, ids=named)
def test_a_long_file_or_function_says_why(path: Path) -> None:
    """Over 300 lines `# over 300 lines: …` stands near the top, over 40 `# over 40 lines: …` in the function."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    if len(lines) > LONGEST_FILE:
        excused = any("# over 300 lines: " in line for line in lines[:NEAR_THE_TOP])
        assert excused, f"{named(path)} has {len(lines)} lines"
    for one in functions(ast.parse(text)):
        first, last = one.lineno, one.end_lineno or one.lineno
        if last - first + 1 > LONGEST_FUNCTION:
            assert any("# over 40 lines: " in line for line in lines[first - 2:last]), \
                f"{named(path)}:{first} {one.name} has {last - first + 1} lines"


def test_no_excuse_is_kept_longer_than_needed() -> None:
    """A reason for a length that is no longer there is taken out."""
    for path in CODE:
        lines = path.read_text("utf-8").splitlines()
        if any(line.startswith("# over 300 lines: ") for line in lines[:NEAR_THE_TOP]):
            assert len(lines) > LONGEST_FILE, named(path)


def test_only_the_step_boundary_catches_everything() -> None:
    """`except Exception` stands where a call is sent, and nowhere else."""
    allowed = {"reconciler/engine/work.py"}
    found = {named(path) for path in CODE if named(path).startswith("reconciler/")
             for node in ast.walk(ast.parse(path.read_text("utf-8")))
             if isinstance(node, ast.ExceptHandler)
             and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))}
    assert found <= allowed


def test_checking_manifests_starts_no_engine() -> None:
    """`validate` loads neither the engine nor the ledger's store, nor any client: it runs at every keystroke's end."""
    script = ("import sys; from reconciler.cli.program import run; code = run(['validate', '--quiet']);"
              "heavy = ('reconciler.engine', 'reconciler.ledger.sqlite', 'sqlite3', 'httpx', 'rich', 'stripe', 'hvac');"
              "print(code, *sorted(name for name in sys.modules if name in heavy))")
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=False)
    assert done.stdout.splitlines()[-1] == "0", done.stdout + done.stderr


def test_checking_manifests_imports_the_kinds_that_they_name(tmp_path: Path) -> None:
    """Of a vendor only what is declared is loaded, of other vendors nothing, and nobody looks at what else is installed."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "reconciler.yaml").write_text("project: shop\nvendors: {stripe: {mode: test}, vault: {}}\n", "utf-8")
    (tmp_path / "manifests" / "shop.yaml").write_text("stripe.product:\n  pro: {id: pro, name: Pro}\n", "utf-8")
    script = ("import sys; from reconciler.cli.program import run; from reconciler.contract import registry;"
              "code = run(['validate', '--quiet']); held = [n for n in sys.modules if n.startswith('reconciler.vendors.')];"
              "print(code, registry._others.cache_info().misses, *sorted(held))")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, text=True, capture_output=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    code, looked, *held = done.stdout.splitlines()[-1].split()
    assert (code, looked) == ("0", "0"), done.stdout + done.stderr
    assert "reconciler.vendors.stripe.product" in held
    assert not {"reconciler.vendors.stripe.price", "reconciler.vendors.stripe.coupon", "reconciler.vendors.vault"} & set(held)


@pytest.mark.parametrize("name", registry.names())
def test_a_vendors_kinds_are_called_as_they_are_listed(name: str) -> None:
    """The noun under which a kind is looked up is the kind's own."""
    vendor = registry.vendor(name)
    assert vendor is not None and isinstance(vendor.kinds, Kinds)
    assert [kind.name for kind in vendor.kinds] == [f"{name}.{noun}" for noun in vendor.kinds.nouns]
    assert all(vendor.kind(noun) is kind for noun, kind in zip(vendor.kinds.nouns, vendor.kinds, strict=True))
    assert vendor.kind("nothing") is None
