"""Files written all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Usage
from reconciler.manifest.writing import put


def test_a_file_that_fails_last_undoes_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second can't be put in its place, the first is as it was, and a new one is gone again."""
    old, new, bad = tmp_path / "old", tmp_path / "new", tmp_path / "bad"
    old.write_bytes(b"before")
    real = Path.replace

    def refusing(self: Path, target: Path) -> Path:
        if target == bad:
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    with pytest.raises(Usage, match="bad can't be written: No space left on device"):
        put({old: b"after", new: b"new", bad: b"x"})
    assert old.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old"]


def test_nothing_is_put_before_all_is_ready(tmp_path: Path) -> None:
    """A folder that is not there is found before the first file changes."""
    old = tmp_path / "old"
    old.write_bytes(b"before")
    with pytest.raises(Usage, match="No such file"):
        put({old: b"after", tmp_path / "missing" / "new": b"new"})
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"before")]
