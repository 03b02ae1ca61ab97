"""Projects made of data files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.contract import registry

CONFIG = """project: sql2ai
vendors:
  stripe: {api_key: {env: STRIPE_API_KEY}, mode: test}
vars: {host: api.sql2.ai}
secrets: {smtp: {env: SMTP_PASSWORD}}
"""


class Case:
    """One broken project: its files, and what is said of it, a line `file:line:column: message` each."""

    def __init__(self, path: Path) -> None:
        parts = re.split(r"^=== (.*)\n", path.read_text("utf-8"), flags=re.MULTILINE)[1:]
        sections = dict(zip(parts[::2], parts[1::2], strict=True))
        self.expected = _filled(sections.pop("expect", "")).splitlines()
        self.files = {} if sections.pop("no reconciler.yaml", None) is not None else {"reconciler.yaml": CONFIG}
        self.files.update(sections)

    def write(self, folder: Path) -> Path:
        """The project in a folder."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder


def _filled(text: str) -> str:
    """An expectation that names all vendors, or all kinds of one: it stays true when another is added."""
    stripe = registry.vendor("stripe")
    assert stripe is not None
    return (text.replace("{every vendor}", ", ".join(registry.names()))
            .replace("{every stripe kind}", ", ".join(kind.name for kind in stripe.kinds)))


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Case, Path]:
    """The case of this test's parameter, written."""
    made = Case(request.param)
    return made, made.write(tmp_path)
