"""Files written all or none: every one is ready beside its place before the first is put there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from reconciler.errors import Usage


def put(files: Mapping[Path, bytes]) -> None:
    """Write these files; Usage, and all of them as they were, when one can't be written.

    A file keeps its permissions; one that is a link is written where the link leads.
    """
    places = {path.resolve(): data for path, data in files.items()}
    drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in places}
    before: dict[Path, bytes | None] = {}
    path = Path()
    try:
        for path, draft in drafts.items():
            draft.write_bytes(places[path])
            if path.exists():
                shutil.copymode(path, draft)
        for path, draft in drafts.items():
            before[path] = path.read_bytes() if path.exists() else None
            draft.replace(path)
    except OSError as error:
        for done, data in before.items():
            with suppress(OSError):
                done.unlink() if data is None else done.write_bytes(data)
        raise Usage(f"{path} can't be written: {error.strerror}", "nothing was changed") from error
    finally:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink()
