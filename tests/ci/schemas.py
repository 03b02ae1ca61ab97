"""The schemas that platforms publish for their files, as the checker `check-jsonschema` brings them along."""

from __future__ import annotations

from pathlib import Path

import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema.validators import validator_for


def misfits(name: str, path: Path) -> list[str]:
    """What does not fit, in sentences; in YAML 1.1 the key `on` is a truth."""
    schema = get_builtin_schema(f"vendor.{name}")
    document = {"on" if key is True else key: value for key, value in yaml.safe_load(path.read_text("utf-8")).items()}
    return [f"{path.name}: {error.json_path}: {error.message}" for error in validator_for(schema)(schema).iter_errors(document)]
