"""Run one command of the tool in this process, then write what it imported and its peak memory to a file.

    python bench/probe.py FILE version
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Run the command; its exit code is ours."""
    into = Path(sys.argv[1])
    sys.argv = ["reconciler", *sys.argv[2:]]
    from reconciler.cli import main as command

    try:
        command()
    finally:
        status = Path("/proc/self/status").read_text("ascii").splitlines()
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
        into.write_text(json.dumps({"modules": sorted(sys.modules), "peak": peak}), "utf-8")


if __name__ == "__main__":
    main()
