"""What is generated is fresh: schemas, pages of kinds, help and completion are what the code gives today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from reconciler.contract import registry

ROOT = Path(__file__).parents[1]
SCHEMAS = ("manifest.json", "plan.json", "reconciler.json")
TEXTS = ("completion.bash", "completion.fish", "completion.zsh", "help.txt")
PAGES = ("README.md", "permissions.md", *(f"{kind.name}.md" for name in registry.names()
                                          if (vendor := registry.vendor(name)) is not None for kind in vendor.kinds))
MADE = {"schemas": (ROOT / "schemas", SCHEMAS), "kinds": (ROOT / "docs" / "kinds", PAGES),
        "texts": (ROOT / "reconciler" / "cli" / "texts", TEXTS)}
FILES = [(folder, name) for folder, (_, names) in MADE.items() for name in names]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make generate` would write now, whatever the terminal and the environment."""
    folder = tmp_path_factory.mktemp("generated")
    environ = {"PATH": os.environ["PATH"], "COLUMNS": "40", "PYTHONHASHSEED": "7"}
    for words in (["reconciler", "schema", "--write", str(folder / "schemas")],
                  ["reconciler", "docs", "--write", str(folder / "kinds"), "--cases", "tests/cases"],
                  ["reconciler.cli.ready", str(folder / "texts")],
                  ["reconciler.cli.reference", str(folder / "flags.md")]):
        done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, text=True, capture_output=True, check=False,
                              env=environ)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("folder", MADE)
def test_exactly_the_promised_files_are_made(fresh: Path, folder: str) -> None:
    """There is one file for each schema, kind and shell, and nothing that is left from before."""
    kept, names = MADE[folder]
    assert sorted(path.name for path in (fresh / folder).iterdir()) == sorted(names)
    assert sorted(path.name for path in kept.iterdir()) == sorted(names), "run `make generate`"


@pytest.mark.parametrize(("folder", "name"), FILES)
def test_a_file_is_fresh(fresh: Path, folder: str, name: str) -> None:
    """The file in the repository is what is generated now, byte for byte; `make generate` writes it again."""
    kept = MADE[folder][0] / name
    assert kept.exists(), "run `make generate`"
    assert kept.read_text("utf-8") == (fresh / folder / name).read_text("utf-8"), "run `make generate`"


def test_the_page_of_commands_and_flags_is_fresh(fresh: Path) -> None:
    """What --help prints of every command is in the docs, byte for byte."""
    assert (ROOT / "docs" / "flags.md").read_text("utf-8") == (fresh / "flags.md").read_text("utf-8"), "run `make generate`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(fresh: Path, name: str) -> None:
    """Editors can use it: it is valid JSON Schema of the draft that it names."""
    schema = json.loads((fresh / "schemas" / name).read_text("utf-8"))
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
