"""What is generated is fresh: the schemas in the repository are the ones that the kinds give today."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[1]
SCHEMAS = ("manifest.json", "plan.json", "reconciler.json")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas as `make generate` would write them now."""
    folder = tmp_path_factory.mktemp("schemas")
    command = "import sys; from reconciler.cli import main; sys.argv[0] = 'reconciler'; main()"
    done = subprocess.run([sys.executable, "-c", command, "schema", "--write", str(folder)], cwd=ROOT, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_schemas_are_the_three_that_are_promised(fresh: Path) -> None:
    """`schema --write` makes one file each for manifests, saved plans and reconciler.yaml, and no other."""
    assert sorted(path.name for path in fresh.iterdir()) == sorted(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_fresh(fresh: Path, name: str) -> None:
    """The file in schemas/ is what is generated now, byte for byte; `make generate` writes it again."""
    kept = ROOT / "schemas" / name
    assert kept.exists(), "run `make generate`"
    assert kept.read_text("utf-8") == (fresh / name).read_text("utf-8"), "run `make generate`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(fresh: Path, name: str) -> None:
    """Editors can use it: it is valid JSON Schema of the draft that it names."""
    schema = json.loads((fresh / name).read_text("utf-8"))
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
